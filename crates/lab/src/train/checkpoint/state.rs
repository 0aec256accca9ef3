//! Where a run is, but for the tensors, and the file that keeps it.
//!
//! ```text
//! format = "striate checkpoint 2"
//! sha256 = "..."                     of every byte after this line
//! ...                                digests of the tensor files, identity, position
//! ```
//!
//! So one digest covers the whole checkpoint: no bit of it can change without being noticed.
//! The rest is TOML because its numbers survive being written and read exactly.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::dead_start::DeadStartWatch;
use super::super::identity::sha256;
use super::super::{Identity, Mistakes, TrainLog};

/// The first line of a state file; the number is raised when the content changes its meaning.
const FORMAT: &str = "format = \"striate checkpoint 2\"";
/// What the first line of any version begins with.
const ANY_FORMAT: &str = "format = \"striate checkpoint ";

/// Where a run is, but for the tensors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::train) struct Position {
    /// Training steps done.
    pub(in crate::train) step: u64,
    /// Epochs done.
    pub(in crate::train) epoch: usize,
    /// Batches done in the current epoch.
    pub(in crate::train) batch: u64,
    /// The step of the network's clock.
    pub(in crate::train) clock: u64,
    /// Whether the run has ended.
    pub(in crate::train) finished: bool,
    /// The current epoch so far.
    pub(in crate::train) sums: EpochSums,
    /// The loss at chance so far.
    pub(in crate::train) watch: DeadStartWatch,
    /// The epochs that are done.
    pub(in crate::train) log: TrainLog,
}

/// Sums over the batches of an epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::train) struct EpochSums {
    pub(in crate::train) images: u64,
    pub(in crate::train) loss: f64,
    pub(in crate::train) scored: u64,
    pub(in crate::train) wrong: u64,
    pub(in crate::train) seconds: f64,
    /// Absent in checkpoints of earlier versions.
    #[serde(default)]
    pub(in crate::train) waiting_seconds: f64,
    pub(in crate::train) terms: BTreeMap<String, f64>,
}

impl EpochSums {
    pub(in crate::train) fn add_scores(&mut self, mistakes: &Mistakes) {
        self.scored += mistakes.images() as u64;
        self.wrong += mistakes.count() as u64;
    }
}

/// The content of a state file.
#[derive(Serialize, Deserialize)]
pub(super) struct State {
    /// Number of trained values, for a reader of the file.
    pub(super) parameters: usize,
    /// SHA-256 of the tensor files.
    pub(super) files: BTreeMap<String, String>,
    pub(super) position: Position,
    pub(super) identity: Identity,
}

impl State {
    pub(super) fn to_text(&self) -> Result<String, toml::ser::Error> {
        let body = toml::to_string(self)?;
        let digest = sha256(body.as_bytes());
        Ok(format!("{FORMAT}\nsha256 = \"{digest}\"\n{body}"))
    }

    /// Reads a state file; the error says what is wrong with it.
    pub(super) fn from_text(text: &str) -> Result<Self, String> {
        let Some((first, rest)) = text
            .split_once('\n')
            .filter(|_| text.starts_with(ANY_FORMAT))
        else {
            return Err("is not a checkpoint's state".to_owned());
        };
        if first != FORMAT {
            return Err(format!(
                "begins with {first}, was damaged or written by another version; this one reads {FORMAT}"
            ));
        }
        let changed =
            || "was truncated or changed: its content does not fit its SHA-256".to_owned();
        let (second, body) = rest.split_once('\n').ok_or_else(changed)?;
        if second != format!("sha256 = \"{}\"", sha256(body.as_bytes())) {
            return Err(changed());
        }
        toml::from_str(body).map_err(|error| {
            let words: Vec<&str> = error.message().split_whitespace().collect();
            format!("cannot be understood: {}", words.join(" "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{Recipe, SgdConfig};
    use super::*;

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let recipe = Recipe::new(3, 64, SgdConfig::default());
        let state = State {
            parameters: 51,
            files: BTreeMap::from([("weights".to_owned(), sha256(b"weights"))]),
            position: Position {
                step: 7,
                sums: EpochSums {
                    loss: 9.5,
                    ..EpochSums::default()
                },
                ..Position::default()
            },
            identity: Identity::new(&toml::Table::new(), &recipe).unwrap(),
        };
        let text = state.to_text().unwrap();
        assert_eq!(State::from_text(&text).unwrap().position, state.position);
        for bit in 0..8 * text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let flipped = String::from_utf8_lossy(&bytes);
            assert!(State::from_text(&flipped).is_err(), "bit {bit}: {flipped}");
        }
        for length in 0..text.len() {
            assert!(State::from_text(&text[..length]).is_err(), "{length} bytes");
        }
    }
}
