//! A run's folder, its progress and whether it goes on from a checkpoint.
//!
//! ```text
//! config.toml            command, settings and recipe: everything needed to run it again
//! log.jsonl              one JSON object a line: steps, epochs, notes
//! events.out.tfevents.*  the same numbers for TensorBoard
//! checkpoint/            weights, optimizer state, position
//! figures/               pictures that the experiment draws
//! result.json            what came out, once it is finished; result.previous.json is that of a run that was done again
//! model.safetensors      the trained network as a model file, if the experiment writes one
//! origin.json            where and when it was trained, if the experiment says so
//! run.lock               who is using the folder
//! ```

mod files;

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::checkpoint;
use super::events::EventWriter;
use super::identity::table;
use super::{Console, RunLock, StopFlag, TrainError};

/// The file of a finished run's result.
pub(super) const RESULT: &str = "result.json";
/// That of the finished run before it in the folder.
const PREVIOUS_RESULT: &str = "result.previous.json";

/// Whether a run goes on from its checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// From the first step. An earlier checkpoint in the folder is kept as `checkpoint.previous`, a result as `result.previous.json`.
    Afresh,
    /// From the checkpoint in the folder, or from the first step if there is none.
    Resume,
}

/// One training run: where it writes, what it shows, when it saves.
#[derive(Debug)]
pub struct Run {
    pub(super) console: Console,
    pub(super) start: Start,
    pub(super) stop: StopFlag,
    pub(super) checkpoint_every: Duration,
    pub(super) settings: toml::Table,
    command: String,
    lock: Option<RunLock>,
    log: Option<BufWriter<File>>,
    events: Option<EventWriter>,
}

/// The least time between checkpoints, unless set otherwise.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(120);

impl Run {
    /// A run that writes nothing.
    pub fn in_memory(console: &Console) -> Self {
        Self {
            console: console.clone(),
            start: Start::Afresh,
            stop: StopFlag::default(),
            checkpoint_every: CHECKPOINT_EVERY,
            settings: toml::Table::new(),
            command: String::new(),
            lock: None,
            log: None,
            events: None,
        }
    }

    /// A run that writes to `folder`, which is made if it is not there and belongs to this run until it is dropped.
    ///
    /// But for the file of the lock, nothing in the folder changes before [`super::fit`] begins.
    ///
    /// # Errors
    /// [`TrainError::Held`] if another run uses the folder; a folder that cannot be made or locked.
    pub fn in_folder(
        folder: impl Into<PathBuf>,
        start: Start,
        console: &Console,
    ) -> Result<Self, TrainError> {
        Ok(Self::with_lock(
            RunLock::try_acquire(folder)?,
            start,
            console,
        ))
    }

    /// A run that writes to the folder of a lock.
    pub fn with_lock(lock: RunLock, start: Start, console: &Console) -> Self {
        Self {
            start,
            lock: Some(lock),
            ..Self::in_memory(console)
        }
    }

    /// The same with what else makes this run what it is: model, data set, preprocessing.
    ///
    /// They are written to `config.toml`, and a checkpoint made under other settings is refused.
    ///
    /// # Errors
    /// A value that TOML cannot hold.
    pub fn settings(self, settings: &impl Serialize) -> Result<Self, TrainError> {
        let settings = table(settings, "settings of the run")?;
        Ok(Self { settings, ..self })
    }

    /// The same with the command that starts it, for `config.toml`.
    pub fn command(self, command: impl Into<String>) -> Self {
        let command = command.into();
        Self { command, ..self }
    }

    /// The same with a checkpoint after the first step that ends at least this long after the last one.
    /// A checkpoint is written at the end in any case.
    pub fn checkpoint_every(self, checkpoint_every: Duration) -> Self {
        Self {
            checkpoint_every,
            ..self
        }
    }

    /// The same, stopped by this flag.
    pub fn stop_flag(self, stop: &StopFlag) -> Self {
        let stop = stop.clone();
        Self { stop, ..self }
    }

    /// The console.
    pub fn console(&self) -> &Console {
        &self.console
    }

    /// The folder, unless the run is in memory.
    pub fn folder(&self) -> Option<&Path> {
        self.lock.as_ref().map(RunLock::folder)
    }

    /// Fails if the run's folder was removed or replaced: what is written now would be lost.
    ///
    /// # Errors
    /// [`TrainError::FolderGone`].
    pub fn check_folder(&self) -> Result<(), TrainError> {
        self.lock.as_ref().map_or(Ok(()), RunLock::check)
    }

    /// Where the checkpoint is.
    pub(super) fn checkpoint_folder(&self) -> Option<PathBuf> {
        self.folder().map(|folder| folder.join(checkpoint::FOLDER))
    }
}
