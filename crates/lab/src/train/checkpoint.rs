//! Everything a run needs to go on as if it had never stopped.
//!
//! A checkpoint is a folder of three files: `weights.safetensors`, `optimizer.safetensors` and `state.toml`.
//! It is written beside the old one and takes its place by renaming, so there is a whole one at any time:
//! under `checkpoint`, or for the moment between two renames under `checkpoint.old`.
//! The state is TOML because its numbers survive being written and read exactly.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use striate::init::{Match, Parameters};

use super::dead_start::DeadStartWatch;
use super::evaluate::Evaluation;
use super::{Optimizer, Recipe, TrainError, TrainLog};
use crate::atomic;

const STATE: &str = "state.toml";
const WEIGHTS: &str = "weights.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";

/// The first line of a state file; the number is raised when the content changes its meaning.
const FORMAT: &str = "striate checkpoint 1";

/// Where a run is, but for the tensors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Position {
    /// Training steps done.
    pub(super) step: u64,
    /// Epochs done.
    pub(super) epoch: usize,
    /// Batches done in the current epoch.
    pub(super) batch: u64,
    /// The step of the network's clock.
    pub(super) clock: u64,
    /// Whether the run has ended.
    pub(super) finished: bool,
    /// The current epoch so far.
    pub(super) sums: EpochSums,
    /// The loss at chance so far.
    pub(super) watch: DeadStartWatch,
    /// The epochs that are done.
    pub(super) log: TrainLog,
}

/// Sums over the batches of an epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct EpochSums {
    pub(super) images: u64,
    pub(super) loss: f64,
    pub(super) scored: u64,
    pub(super) wrong: u64,
    pub(super) seconds: f64,
    pub(super) terms: BTreeMap<String, f64>,
}

impl EpochSums {
    pub(super) fn add_scores(&mut self, scores: Evaluation) {
        self.scored += scores.images;
        self.wrong += scores.wrong;
    }
}

/// What must be the same for a checkpoint to be of use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Identity {
    settings: toml::Table,
    recipe: toml::Table,
}

#[derive(Serialize, Deserialize)]
struct StateFile {
    format: String,
    /// SHA-256 of recipe and settings.
    digest: String,
    /// SHA-256 of the tensor files.
    files: BTreeMap<String, String>,
    position: Position,
    identity: Identity,
}

/// Reads and writes the checkpoints of one run.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    identity: Identity,
}

impl Store {
    /// The checkpoints in `folder` of a run with these settings.
    pub(super) fn new(
        folder: PathBuf,
        recipe: &Recipe,
        settings: &toml::Table,
    ) -> Result<Self, TrainError> {
        let recipe = toml::Table::try_from(recipe).map_err(|error| TrainError::Parse {
            place: "recipe".to_owned(),
            reason: format!("cannot be written as TOML: {error}"),
        })?;
        let settings = settings.clone();
        Ok(Self {
            folder,
            identity: Identity { settings, recipe },
        })
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
        fs::create_dir_all(&new).map_err(fail("write"))?;
        params
            .save(new.join(WEIGHTS))
            .map_err(|error| self.unwritten(&error))?;
        let tensors: HashMap<String, Tensor> = optimizer.state()?.into_iter().collect();
        candle_core::safetensors::save(&tensors, new.join(OPTIMIZER))
            .map_err(|error| self.unwritten(&error))?;
        let mut files = BTreeMap::new();
        for name in [WEIGHTS, OPTIMIZER] {
            let bytes = fs::read(new.join(name)).map_err(fail("write"))?;
            files.insert(name.to_owned(), sha256(&bytes));
        }
        let state = StateFile {
            format: FORMAT.to_owned(),
            digest: self.identity.digest()?,
            files,
            position: position.clone(),
            identity: self.identity.clone(),
        };
        let text = toml::to_string(&state).map_err(|error| self.unwritten(&error))?;
        atomic::write(&new.join(STATE), text.as_bytes()).map_err(fail("write"))?;
        sync(&new.join(OPTIMIZER)).map_err(fail("write"))?;
        // Without a checkpoint under its own name, the old one is the only whole one: it stays until the end.
        if self.folder.exists() {
            atomic::remove_folder(&old).map_err(fail("replace"))?;
            fs::rename(&self.folder, &old).map_err(fail("replace"))?;
        }
        fs::rename(&new, &self.folder).map_err(fail("replace"))?;
        // The old checkpoint only takes up room now; the next save removes it if this fails.
        let _ = atomic::remove_folder(&old);
        Ok(())
    }

    /// Reads the checkpoint into parameters and optimizer; `None` if there is none.
    ///
    /// Nothing is changed on an error.
    pub(super) fn load(
        &self,
        params: &Parameters,
        optimizer: &mut dyn Optimizer,
    ) -> Result<Option<Position>, TrainError> {
        let Some(folder) = self.find()? else {
            return Ok(None);
        };
        let path = folder.join(STATE);
        let text = fs::read_to_string(&path).map_err(|e| TrainError::io(&path, "read", e))?;
        let afresh = "start afresh without --resume, or remove the folder";
        let broken = |reason: String| TrainError::checkpoint(&path, reason, afresh);
        if !text.starts_with("format = \"striate checkpoint ") {
            return Err(broken("this is not a checkpoint's state".to_owned()));
        }
        if !text.starts_with(&format!("format = \"{FORMAT}\"")) {
            let first = text.lines().next().unwrap_or_default();
            let reason =
                format!("{first} was written by another version, this one reads {FORMAT:?}");
            return Err(broken(reason));
        }
        let state: StateFile = toml::from_str(&text).map_err(|error| {
            let reason: Vec<&str> = error.message().split_whitespace().collect();
            broken(format!("truncated or changed: {}", reason.join(" ")))
        })?;
        if state.digest != self.identity.digest()? {
            let differences = self.identity.differences(&state.identity);
            let cure = "use the settings of the checkpoint, or start afresh without --resume";
            let reason = format!("made by another run: {}", differences.join(", "));
            return Err(TrainError::checkpoint(&path, reason, cure));
        }
        for name in [WEIGHTS, OPTIMIZER] {
            let path = folder.join(name);
            let bytes = fs::read(&path).map_err(|e| TrainError::io(&path, "read", e))?;
            if state.files.get(name) != Some(&sha256(&bytes)) {
                let reason = format!(
                    "its {} bytes are not what was written: truncated or changed",
                    bytes.len()
                );
                return Err(TrainError::checkpoint(&path, reason, afresh));
            }
        }
        let tensors = candle_core::safetensors::load(folder.join(OPTIMIZER), &Device::Cpu);
        let tensors = tensors.map_err(|e| broken(format!("{OPTIMIZER} cannot be read: {e}")))?;
        let before = optimizer.state()?;
        let foreign = |error: candle_core::Error| {
            let reason = format!("does not fit the model: {error}");
            TrainError::checkpoint(&folder, reason, afresh)
        };
        optimizer
            .load_state(&tensors.into_iter().collect())
            .map_err(foreign)?;
        if let Err(error) = params.load(folder.join(WEIGHTS), Match::Strict) {
            optimizer.load_state(&before)?;
            return Err(foreign(error));
        }
        Ok(Some(state.position))
    }

    /// The folder of the whole checkpoint, if there is one.
    fn find(&self) -> Result<Option<PathBuf>, TrainError> {
        let old = self.beside(".old");
        for folder in [&self.folder, &old] {
            if folder.join(STATE).exists() {
                return Ok(Some(folder.clone()));
            }
        }
        if self.folder.exists() {
            let reason =
                format!("the folder holds no {STATE}: not a checkpoint, or not a whole one");
            let cure = "start afresh without --resume, or remove the folder";
            return Err(TrainError::checkpoint(&self.folder, reason, cure));
        }
        Ok(None)
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

impl Identity {
    fn digest(&self) -> Result<String, TrainError> {
        let text = toml::to_string(self).map_err(|error| TrainError::Parse {
            place: "settings of the run".to_owned(),
            reason: format!("cannot be written as TOML: {error}"),
        })?;
        Ok(sha256(text.as_bytes()))
    }

    /// `key is A here and B in the checkpoint`, for every key that differs.
    fn differences(&self, saved: &Self) -> Vec<String> {
        let (mut here, mut there) = (BTreeMap::new(), BTreeMap::new());
        for (identity, leaves) in [(self, &mut here), (saved, &mut there)] {
            flatten(
                "settings",
                &toml::Value::Table(identity.settings.clone()),
                leaves,
            );
            flatten(
                "recipe",
                &toml::Value::Table(identity.recipe.clone()),
                leaves,
            );
        }
        let mut keys: Vec<&String> = here.keys().chain(there.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        let show = |leaf: Option<&String>| leaf.map_or("absent".to_owned(), String::clone);
        keys.into_iter()
            .filter(|key| here.get(*key) != there.get(*key))
            .map(|key| {
                let (now, then) = (show(here.get(key)), show(there.get(key)));
                format!("{key} is {now} here and {then} in the checkpoint")
            })
            .collect()
    }
}

fn flatten(path: &str, value: &toml::Value, leaves: &mut BTreeMap<String, String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                flatten(&format!("{path}.{key}"), value, leaves);
            }
        }
        leaf => {
            leaves.insert(path.to_owned(), leaf.to_string());
        }
    }
}

/// Moves a checkpoint out of the way, to `checkpoint.previous`.
pub(super) fn set_aside(folder: &Path) -> Result<(), TrainError> {
    let fail = |error| TrainError::io(folder, "set aside", error);
    let (previous, old) = (
        atomic::beside(folder, ".previous"),
        atomic::beside(folder, ".old"),
    );
    let current = [folder, old.as_path()].into_iter().find(|f| f.exists());
    let Some(current) = current else {
        return Ok(());
    };
    atomic::remove_folder(&previous).map_err(fail)?;
    fs::rename(current, &previous).map_err(fail)?;
    atomic::remove_folder(&old).map_err(fail)
}

fn sync(path: &Path) -> std::io::Result<()> {
    fs::File::open(path)?.sync_all()
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
