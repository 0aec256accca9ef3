//! Everything a run needs to go on as if it had never stopped.
//!
//! A checkpoint is a folder of three files: `weights.safetensors`, `optimizer.safetensors` and `state.toml`.
//! The last two are kept: `checkpoint` and, from before it, `checkpoint.old`.
//! A new one is written as `checkpoint.new` and takes its place by renaming, so there is a whole one at any time.
//! If the newest is damaged, the one before it is used and the damaged one is kept as `checkpoint.damaged`.
//! A run that starts afresh keeps the newest whole one as `checkpoint.previous`.

mod read;
mod state;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use striate::init::{Match, Parameters};

pub(super) use state::{EpochSums, Position};

use super::identity::sha256;
use super::{Identity, Optimizer, TrainError};
use crate::atomic;
use read::{Found, newest};
use state::State;

/// The folder of the newest checkpoint, in a run folder.
pub(super) const FOLDER: &str = "checkpoint";
const STATE: &str = "state.toml";
const WEIGHTS: &str = "weights.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";

/// What to do when no checkpoint can be used.
const AFRESH: &str = "start afresh without --resume, or remove the folder";

/// Reads and writes the checkpoints of one run.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    identity: Identity,
}

/// A checkpoint that was read.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) position: Position,
    /// What a person should know: the newest checkpoint was damaged.
    pub(super) warning: Option<String>,
}

impl Store {
    /// The checkpoints in `folder` of a run.
    pub(super) fn new(folder: PathBuf, identity: Identity) -> Self {
        Self { folder, identity }
    }

    /// Writes a checkpoint. On any failure the one before stays as it is.
    pub(super) fn save(
        &self,
        params: &Parameters,
        optimizer: &dyn Optimizer,
        position: &Position,
    ) -> Result<(), TrainError> {
        let (new, old) = (self.beside(".new"), self.beside(".old"));
        let fail = |action| move |error| TrainError::io(&self.folder, action, error);
        atomic::remove_folder(&new).map_err(fail("replace"))?;
        fs::create_dir(&new).map_err(|error| self.unwritten(&error))?;
        let weights = params.named().into_iter();
        let weights = weights.map(|(name, var)| (name, var.as_detached_tensor()));
        let tensors = [
            (WEIGHTS, weights.collect()),
            (OPTIMIZER, optimizer.state()?),
        ];
        let mut files = BTreeMap::new();
        for (name, tensors) in tensors {
            let bytes = serialize(&tensors).map_err(|error| self.unwritten(&error))?;
            files.insert(name.to_owned(), sha256(&bytes));
            self.write(&new.join(name), &bytes)?;
        }
        let state = State {
            parameters: params.count(),
            files,
            position: position.clone(),
            identity: self.identity.clone(),
        };
        let text = state.to_text().map_err(|error| self.unwritten(&error))?;
        self.write(&new.join(STATE), text.as_bytes())?;
        atomic::sync_folder(&new).map_err(|error| self.unwritten(&error))?;
        // Without a checkpoint under its own name, the old one is the only whole one: it stays.
        if self.folder.exists() {
            atomic::remove_folder(&old).map_err(fail("replace"))?;
            fs::rename(&self.folder, &old).map_err(fail("replace"))?;
        }
        fs::rename(&new, &self.folder).map_err(fail("replace"))?;
        atomic::sync_folder(self.parent()).map_err(fail("replace"))
    }

    /// Reads the newest whole checkpoint into parameters and optimizer; `None` if there is none at all.
    ///
    /// Nothing is changed on an error.
    pub(super) fn load(
        &self,
        params: &Parameters,
        optimizer: &mut dyn Optimizer,
    ) -> Result<Option<Loaded>, TrainError> {
        let Some(found) = newest(&self.folder)? else {
            return Ok(None);
        };
        let Found { folder, state, .. } = &found;
        let differences = self.identity.differences(&state.identity);
        if !differences.is_empty() {
            let cure = "use the settings of the checkpoint, or start afresh without --resume";
            let reason = format!("made by another run: {}", differences.join(", "));
            return Err(TrainError::checkpoint(&folder.join(STATE), reason, cure));
        }
        let foreign = |error: candle_core::Error| {
            let reason = format!("does not fit the model: {error}");
            TrainError::checkpoint(folder, reason, AFRESH)
        };
        let tensors = candle_core::safetensors::load(folder.join(OPTIMIZER), &Device::Cpu);
        let tensors = tensors.map_err(foreign)?.into_iter().collect();
        let before = optimizer.state()?;
        optimizer.load_state(&tensors).map_err(foreign)?;
        if let Err(error) = params.load(folder.join(WEIGHTS), Match::Strict) {
            optimizer.load_state(&before)?;
            return Err(foreign(error));
        }
        let warning = found.damage.as_ref().map(|damage| {
            format!(
                "{damage}; going on from the checkpoint before it, step {}, and keeping the damaged one as {}",
                state.position.step,
                self.beside(".damaged").display()
            )
        });
        self.promote(&found)?;
        Ok(Some(Loaded {
            position: found.state.position,
            warning,
        }))
    }

    /// Gives the checkpoint that is used its own name, so that the next save does not remove it.
    fn promote(&self, found: &Found) -> Result<(), TrainError> {
        if found.folder == self.folder {
            return Ok(());
        }
        let fail = |error| TrainError::io(&self.folder, "replace", error);
        if self.folder.exists() {
            let damaged = self.beside(".damaged");
            atomic::remove_folder(&damaged).map_err(fail)?;
            fs::rename(&self.folder, &damaged).map_err(fail)?;
        }
        fs::rename(&found.folder, &self.folder).map_err(fail)?;
        atomic::sync_folder(self.parent()).map_err(fail)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
        let written = File::create(path).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        written.map_err(|error| self.unwritten(&error))
    }

    fn parent(&self) -> &Path {
        self.folder.parent().unwrap_or(&self.folder)
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        atomic::beside(&self.folder, suffix)
    }

    fn unwritten(&self, error: &dyn std::fmt::Display) -> TrainError {
        let reason = format!("cannot be written: {error}");
        let cure = "the checkpoint before it is kept; free some space on the disk or check the permissions";
        TrainError::checkpoint(&self.folder, reason, cure)
    }
}

fn serialize(tensors: &BTreeMap<String, Tensor>) -> candle_core::Result<Vec<u8>> {
    Ok(safetensors::serialize(tensors, None)?)
}

/// Moves a checkpoint out of the way, to `checkpoint.previous`: the newest whole one, or if there is none, the newest.
///
/// Another one is removed if it is older than a whole one, and otherwise becomes `checkpoint.damaged`.
/// A `checkpoint.previous` of the same settings that is further stays, and the whole one is removed.
pub(super) fn set_aside(folder: &Path) -> Result<(), TrainError> {
    let fail = |error| TrainError::io(folder, "set aside", error);
    let [previous, old, damaged] =
        [".previous", ".old", ".damaged"].map(|suffix| atomic::beside(folder, suffix));
    let found = match newest(folder) {
        Ok(None) => return Ok(()),
        Ok(Some(found)) => Some(found),
        // Nobody knows which is whole.
        Err(error @ TrainError::Io { .. }) => return Err(error),
        // All are damaged.
        Err(_) => None,
    };
    let (kept, other) = match &found {
        Some(found) if found.folder == old => (old.as_path(), folder),
        None if !folder.exists() => (old.as_path(), folder),
        _ => (folder, old.as_path()),
    };
    // The other one first: a whole one keeps its name until it is the only one.
    if found.is_some() && kept == folder {
        atomic::remove_folder(other).map_err(fail)?;
    } else if other.exists() {
        atomic::remove_folder(&damaged).map_err(fail)?;
        fs::rename(other, &damaged).map_err(fail)?;
    }
    if let (Some(found), Ok(Some(further))) = (&found, newest(&previous))
        && further.state.identity == found.state.identity
        && further.state.position.step > found.state.position.step
    {
        return atomic::remove_folder(kept).map_err(fail);
    }
    atomic::remove_folder(&previous).map_err(fail)?;
    fs::rename(kept, &previous).map_err(fail)
}

#[cfg(test)]
mod tests;
