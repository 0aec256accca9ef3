//! Trained networks by what decides them: settings, recipe and data.
//!
//! A run lives in `trained/IDENTITY` below the folder of the runs, whoever asks for it.
//! So two tables that share a network train it once, and any number of processes may work on one folder.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::identity::sha256;
use super::run::RESULT;
use super::{Recipe, RunLock, TrainError, TrainLog};
use crate::{atomic, regular};

type Result<T> = std::result::Result<T, TrainError>;

/// A longer result is damaged: 64 MiB.
const LONGEST: u64 = 64 << 20;

/// What names a run: the first 16 hexadecimal digits of the SHA-256 of everything that decides it.
///
/// ```
/// use lab::train::{Recipe, RunId, SgdConfig};
/// let recipe = Recipe::new(3, 64, SgdConfig::default());
/// let settings = toml::toml! { model = "nin" };
/// let run = RunId::of(&settings, &recipe)?;
/// assert_eq!(run, RunId::of(&settings, &Recipe { label: "row 2".into(), ..recipe })?);
/// assert_eq!(run.folder().len(), "trained/".len() + 16);
/// # Ok::<(), lab::train::TrainError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RunId(String);

impl RunId {
    /// The name of a run. The recipe's label is no part of it.
    ///
    /// # Errors
    /// A value that TOML cannot hold.
    pub fn of(settings: &toml::Table, recipe: &Recipe) -> Result<Self> {
        let recipe = Recipe {
            label: String::new(),
            ..recipe.clone()
        };
        let text = format!("{settings}{}", recipe.to_toml()?);
        Ok(Self(sha256(text.as_bytes())[..16].to_owned()))
    }

    /// Whether the run belongs to part `index` (from 1) of `count`.
    pub fn is_in(&self, index: usize, count: usize) -> bool {
        let number = u64::from_str_radix(&self.0, 16).unwrap_or_default();
        number % count.max(1) as u64 + 1 == index as u64
    }

    /// The 16 digits.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The run's folder, from the folder of the runs.
    pub fn folder(&self) -> String {
        format!("trained/{}", self.0)
    }
}

/// What a finished run left, as `result.json` in its folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunResult {
    /// Its history; nothing if its loss was not a number.
    pub log: Option<TrainLog>,
    /// The learning rate that was chosen on held-out images, if there was a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen_rate: Option<f64>,
    /// Scalars of the network.
    pub parameters: usize,
    /// The digest of the trained weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    weights_sha256: Option<String>,
}

/// What came of asking for a run.
#[derive(Debug)]
pub enum Asked {
    /// It is done.
    Finished(RunResult),
    /// It is to be done, by whoever holds the lock.
    Mine(RunLock),
    /// Another process is at it.
    Theirs(String),
}

/// The runs below one folder, by what decides them.
///
/// ```
/// use lab::train::{Asked, Recipe, RunId, RunStore, SgdConfig};
/// let folder = tempfile::tempdir()?;
/// let store = RunStore::new(folder.path());
/// let run = RunId::of(&toml::toml! { model = "nin" }, &Recipe::new(3, 64, SgdConfig::default()))?;
/// // Nobody has done it: whoever holds the lock trains in its folder.
/// assert!(matches!(store.ask(&run, false)?, Asked::Mine(_)));
/// // A loss that was not a number is a result too: the run is not done again.
/// store.finish(&run, None, 1_000, None)?;
/// assert!(matches!(store.ask(&run, false)?, Asked::Finished(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RunStore {
    root: PathBuf,
}

impl RunStore {
    /// The runs below this folder, which need not exist yet.
    pub fn new(root: &Path) -> Self {
        let root = root.to_owned();
        Self { root }
    }

    /// Where a run is.
    pub fn folder(&self, run: &RunId) -> PathBuf {
        self.root.join(run.folder())
    }

    /// A run's result, or the right to make it; with `again` the right even if there is a result.
    ///
    /// # Errors
    /// A folder that cannot be made or locked, or a damaged result.
    pub fn ask(&self, run: &RunId, again: bool) -> Result<Asked> {
        if !again && let Some(finished) = self.finished(run)? {
            return Ok(Asked::Finished(finished));
        }
        let folder = self.folder(run);
        fs::create_dir_all(&folder).map_err(|error| TrainError::io(&folder, "make", error))?;
        let lock = match RunLock::try_acquire(&folder) {
            Ok(lock) => lock,
            Err(held @ TrainError::Held { .. }) => return Ok(Asked::Theirs(held.to_string())),
            Err(error) => return Err(error),
        };
        // A result that is replaced may be damaged.
        if again {
            return Ok(Asked::Mine(lock));
        }
        // Another process may have ended it while this one looked.
        match self.finished(run)? {
            Some(finished) => Ok(Asked::Finished(finished)),
            None => Ok(Asked::Mine(lock)),
        }
    }

    /// A run's result, if it is done.
    ///
    /// # Errors
    /// A result that is damaged or cannot be read.
    pub fn finished(&self, run: &RunId) -> Result<Option<RunResult>> {
        let path = self.folder(run).join(RESULT);
        let text = match regular::read(&path, LONGEST) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(TrainError::io(&path, "read", error)),
        };
        let result = serde_json::from_slice(&text).map_err(|error| TrainError::Parse {
            place: path.display().to_string(),
            reason: format!("damaged ({error}); remove it, and the run is done again"),
        })?;
        Ok(Some(result))
    }

    /// Keeps the result of a run: its history, unless its loss was not a number, the number of its
    /// parameters, and the learning rate that was chosen on held-out images, if there was a choice.
    ///
    /// # Errors
    /// Weights that cannot be read, or a folder that cannot be written to.
    pub fn finish(
        &self,
        run: &RunId,
        log: Option<TrainLog>,
        parameters: usize,
        chosen_rate: Option<f64>,
    ) -> Result<RunResult> {
        let weights_sha256 = match &log {
            Some(_) => Some(self.digest(run)?),
            None => None,
        };
        let finished = RunResult {
            log,
            chosen_rate,
            parameters,
            weights_sha256,
        };
        let path = self.folder(run).join(RESULT);
        let text = serde_json::to_string(&finished).map_err(std::io::Error::from);
        text.and_then(|text| atomic::write(&path, text.as_bytes()))
            .map_err(|error| TrainError::io(&path, "write", error))?;
        Ok(finished)
    }

    /// The file of the trained weights of a finished run, which are as they were written.
    ///
    /// # Errors
    /// Weights that were changed, or cannot be read.
    pub fn weights_of(&self, run: &RunId, result: &RunResult) -> Result<PathBuf> {
        let path = self.weights(run);
        if result.weights_sha256.as_ref() != Some(&self.digest(run)?) {
            let cure = "remove its folder, and the run is done again";
            return Err(TrainError::checkpoint(&path, "not what was trained", cure));
        }
        Ok(path)
    }

    fn digest(&self, run: &RunId) -> Result<String> {
        let path = self.weights(run);
        let bytes =
            regular::read(&path, u64::MAX).map_err(|error| TrainError::io(&path, "read", error))?;
        Ok(sha256(&bytes))
    }

    fn weights(&self, run: &RunId) -> PathBuf {
        self.folder(run).join("checkpoint/weights.safetensors")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::SgdConfig;

    fn run_id(epochs: usize, label: &str) -> RunId {
        let recipe = Recipe {
            label: label.to_owned(),
            ..Recipe::new(epochs, 8, SgdConfig::default())
        };
        RunId::of(&toml::Table::new(), &recipe).expect("a name")
    }

    #[test]
    fn a_run_is_what_decides_it() {
        assert_eq!(run_id(1, "a"), run_id(1, "b"));
        assert_ne!(run_id(1, "a"), run_id(2, "a"));
    }

    #[test]
    fn every_run_is_in_one_part() {
        for epochs in 1..50 {
            let run = run_id(epochs, "");
            let parts = (1..=7).filter(|&index| run.is_in(index, 7));
            assert_eq!(parts.count(), 1);
        }
    }

    #[test]
    fn one_process_at_a_time_and_never_twice() -> std::result::Result<(), Box<dyn std::error::Error>>
    {
        let folder = tempfile::tempdir()?;
        let store = RunStore::new(folder.path());
        let run = run_id(1, "");
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

    #[test]
    fn a_damaged_result_is_named_and_can_be_replaced()
    -> std::result::Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let store = RunStore::new(folder.path());
        let run = run_id(1, "");
        fs::create_dir_all(store.folder(&run))?;
        fs::write(store.folder(&run).join(RESULT), "{")?;
        let error = store.ask(&run, false).err().ok_or("accepted")?.to_string();
        assert!(
            error.contains(RESULT) && error.contains("damaged"),
            "{error}"
        );
        assert!(matches!(store.ask(&run, true)?, Asked::Mine(_)));
        Ok(())
    }
}
