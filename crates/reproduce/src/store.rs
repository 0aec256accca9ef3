//! Trained networks by what decides them: settings, recipe and data.
//!
//! A run lives in `trained/IDENTITY` below the folder of the runs, whoever asks for it.
//! So two tables that share a network train it once, and any number of processes may work on one folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use lab::atomic;
use lab::train::{Recipe, RunLock, TrainError, TrainLog};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What names a run: a digest of everything that decides it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity(String);

impl Identity {
    /// The identity of a run. Its label is no part of it, nor is how often it is evaluated on the way.
    pub(crate) fn of(settings: &toml::Table, recipe: &Recipe) -> Result<Self> {
        let recipe = Recipe {
            label: String::new(),
            ..recipe.clone()
        };
        let text = format!("{settings}{}", recipe.to_toml()?);
        Ok(Self(hex(&Sha256::digest(text))[..16].to_owned()))
    }

    /// Whether the run belongs to part `index` (from 1) of `count`.
    pub(crate) fn is_in(&self, index: usize, count: usize) -> bool {
        let number = u64::from_str_radix(&self.0, 16).unwrap_or_default();
        number % count.max(1) as u64 + 1 == index as u64
    }

    /// The run's folder, from the folder of the runs.
    pub(crate) fn folder(&self) -> String {
        format!("trained/{}", self.0)
    }
}

/// A finished run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Finished {
    /// Its history; nothing if its loss was not a number.
    pub(crate) log: Option<TrainLog>,
    /// The learning rate that was chosen on held-out images, if there was a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) chosen_rate: Option<f64>,
    /// Scalars of the network.
    pub(crate) parameters: usize,
    /// The digest of the trained weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    weights_sha256: Option<String>,
}

/// What came of asking for a run.
pub(crate) enum Asked {
    /// It is done.
    Finished(Finished),
    /// It is to be done, by whoever holds the lock.
    Mine(RunLock),
    /// Another process is at it.
    Theirs(String),
}

/// The runs below one folder.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    root: PathBuf,
}

impl Store {
    pub(crate) fn new(root: &Path) -> Self {
        let root = root.to_owned();
        Self { root }
    }

    /// Where a run is.
    pub(crate) fn folder(&self, run: &Identity) -> PathBuf {
        self.root.join(run.folder())
    }

    /// A run's result, or the right to make it.
    pub(crate) fn ask(&self, run: &Identity, again: bool) -> Result<Asked> {
        if !again && let Some(finished) = self.finished(run)? {
            return Ok(Asked::Finished(finished));
        }
        let folder = self.folder(run);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}; choose another --out", folder.display()))?;
        let lock = match RunLock::try_acquire(&folder) {
            Ok(lock) => lock,
            Err(held @ TrainError::Held { .. }) => return Ok(Asked::Theirs(held.to_string())),
            Err(error) => return Err(error.into()),
        };
        // Another process may have ended it while this one looked.
        match self.finished(run)? {
            Some(finished) if !again => Ok(Asked::Finished(finished)),
            _ => Ok(Asked::Mine(lock)),
        }
    }

    /// A run's result, if it is done.
    pub(crate) fn finished(&self, run: &Identity) -> Result<Option<Finished>> {
        let path = self.folder(run).join("result.json");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        let finished = serde_json::from_str(&text).with_context(|| {
            format!(
                "{} is damaged; remove it, and the run is done again",
                path.display()
            )
        })?;
        Ok(Some(finished))
    }

    /// Keeps the result of a run.
    pub(crate) fn finish(
        &self,
        run: &Identity,
        log: Option<TrainLog>,
        parameters: usize,
        chosen_rate: Option<f64>,
    ) -> Result<Finished> {
        let weights_sha256 = match &log {
            Some(_) => Some(digest(&self.weights(run))?),
            None => None,
        };
        let finished = Finished {
            log,
            chosen_rate,
            parameters,
            weights_sha256,
        };
        let path = self.folder(run).join("result.json");
        atomic::write(&path, serde_json::to_string(&finished)?.as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(finished)
    }

    /// The trained weights of a finished run, which are as they were written.
    pub(crate) fn weights_of(&self, run: &Identity, finished: &Finished) -> Result<PathBuf> {
        let path = self.weights(run);
        ensure!(
            finished.weights_sha256.as_deref() == Some(digest(&path)?.as_str()),
            "{} is not what was trained; remove its folder, and the run is done again",
            path.display()
        );
        Ok(path)
    }

    fn weights(&self, run: &Identity) -> PathBuf {
        self.folder(run).join("checkpoint/weights.safetensors")
    }
}

/// The digest of a file.
pub(crate) fn digest(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(hex(&Sha256::digest(bytes)))
}

/// Bytes as digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::train::SgdConfig;

    fn identity(epochs: usize, label: &str) -> Identity {
        let recipe = Recipe {
            label: label.to_owned(),
            ..Recipe::new(epochs, 8, SgdConfig::default())
        };
        Identity::of(&toml::Table::new(), &recipe).expect("an identity")
    }

    #[test]
    fn a_run_is_what_decides_it() {
        assert_eq!(identity(1, "a"), identity(1, "b"));
        assert_ne!(identity(1, "a"), identity(2, "a"));
    }

    #[test]
    fn every_run_is_in_one_part() {
        for epochs in 1..50 {
            let run = identity(epochs, "");
            let parts = (1..=7).filter(|&index| run.is_in(index, 7));
            assert_eq!(parts.count(), 1);
        }
    }

    #[test]
    fn one_process_at_a_time_and_never_twice() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let store = Store::new(folder.path());
        let run = identity(1, "");
        let Asked::Mine(lock) = store.ask(&run, false)? else {
            panic!("nobody else is there");
        };
        assert!(matches!(store.ask(&run, false)?, Asked::Theirs(_)));
        store.finish(&run, None, 3, None)?;
        drop(lock);
        let Asked::Finished(finished) = store.ask(&run, false)? else {
            panic!("it is done");
        };
        assert_eq!((finished.parameters, finished.log), (3, None));
        assert!(matches!(store.ask(&run, true)?, Asked::Mine(_)));
        Ok(())
    }
}
