//! A run's folder, its progress and whether it goes on from a checkpoint.
//!
//! ```text
//! config.toml            command, settings and recipe: everything needed to run it again
//! log.jsonl              one JSON object a line: steps, epochs, notes
//! events.out.tfevents.*  the same numbers for TensorBoard
//! checkpoint/            weights, optimizer state, position
//! figures/               pictures that the experiment draws
//! record.json            what the experiment measured
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;

use super::checkpoint;
use super::events::{EventWriter, unix_time};
use super::log::LogLine;
use super::{Console, Recipe, TrainError};
use crate::atomic;

/// Asks a run to save and stop after the current step; clones share it.
///
/// A binary sets it from its Ctrl-C handler.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Asks to stop.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// The flag itself, for a handler of signals.
    pub fn shared(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    /// Whether a stop has been asked for.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Whether a run goes on from its checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// From the first step. An earlier checkpoint in the folder is kept as `checkpoint.previous`.
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
    folder: Option<PathBuf>,
    log: Option<BufWriter<File>>,
    events: Option<EventWriter>,
}

/// The least time between checkpoints, unless told otherwise.
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
            folder: None,
            log: None,
            events: None,
        }
    }

    /// A run that writes to `folder`, which is made if it is not there.
    ///
    /// Nothing in the folder changes before [`super::fit`] begins.
    ///
    /// # Errors
    /// A folder that cannot be made.
    pub fn in_folder(
        folder: impl Into<PathBuf>,
        start: Start,
        console: &Console,
    ) -> Result<Self, TrainError> {
        let folder = folder.into();
        fs::create_dir_all(&folder).map_err(|e| TrainError::io(&folder, "make the folder", e))?;
        Ok(Self {
            start,
            folder: Some(folder),
            ..Self::in_memory(console)
        })
    }

    /// The same with what else makes this run what it is: model, data set, preprocessing.
    ///
    /// They are written to `config.toml`, and a checkpoint made under other settings is refused.
    ///
    /// # Errors
    /// A value that TOML cannot hold.
    pub fn settings(self, settings: &impl Serialize) -> Result<Self, TrainError> {
        let settings = toml::Table::try_from(settings).map_err(|error| TrainError::Parse {
            place: "settings of the run".to_owned(),
            reason: format!("cannot be written as TOML: {error}"),
        })?;
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
        self.folder.as_deref()
    }

    /// Where the checkpoint is.
    pub(super) fn checkpoint_folder(&self) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join("checkpoint"))
    }

    /// Writes `config.toml` and opens log and event file.
    ///
    /// `from_step` is the step of the checkpoint that the run goes on from; later log lines are dropped.
    pub(super) fn begin(
        &mut self,
        recipe: &Recipe,
        from_step: Option<u64>,
    ) -> Result<(), TrainError> {
        let Some(folder) = self.folder.clone() else {
            return Ok(());
        };
        let log = folder.join("log.jsonl");
        match from_step {
            None => self.clear(&folder)?,
            Some(step) => keep_lines_up_to(&log, step)?,
        }
        let config = folder.join("config.toml");
        let text = self.config(recipe)?;
        atomic::write(&config, text.as_bytes()).map_err(|e| TrainError::io(&config, "write", e))?;
        let file = OpenOptions::new().create(true).append(true).open(&log);
        let file = file.map_err(|e| TrainError::io(&log, "open", e))?;
        self.log = Some(BufWriter::new(file));
        let events = EventWriter::create(&folder);
        self.events =
            Some(events.map_err(|e| TrainError::io(&folder, "write an event file to", e))?);
        Ok(())
    }

    fn config(&self, recipe: &Recipe) -> Result<String, TrainError> {
        #[derive(Serialize)]
        struct Config<'a> {
            command: &'a str,
            settings: &'a toml::Table,
            recipe: &'a Recipe,
        }
        let config = Config {
            command: &self.command,
            settings: &self.settings,
            recipe,
        };
        let text = toml::to_string(&config).map_err(|error| TrainError::Parse {
            place: "config.toml".to_owned(),
            reason: format!("cannot be written as TOML: {error}"),
        })?;
        Ok(format!("# Everything needed to run this again.\n{text}"))
    }

    /// Removes what an earlier run left, but for its checkpoint, which is set aside.
    fn clear(&self, folder: &Path) -> Result<(), TrainError> {
        checkpoint::set_aside(&folder.join("checkpoint"))?;
        let failed = |e| TrainError::io(folder, "clear", e);
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let ours = ["log.jsonl", "record.json"].contains(&name.as_str())
                || name.starts_with("events.out.tfevents.");
            if ours {
                fs::remove_file(entry.path())
                    .map_err(|e| TrainError::io(&entry.path(), "remove", e))?;
            }
        }
        let figures = folder.join("figures");
        atomic::remove_folder(&figures).map_err(|e| TrainError::io(&figures, "remove", e))
    }

    /// Adds a line to the log and to the JSON progress.
    pub(super) fn line(&mut self, line: &LogLine) -> Result<(), TrainError> {
        self.console.event(line);
        let (Some(folder), Some(log)) = (&self.folder, &mut self.log) else {
            return Ok(());
        };
        let written = serde_json::to_string(line)
            .map_err(std::io::Error::from)
            .and_then(|text| writeln!(log, "{text}"))
            .and_then(|()| log.flush());
        written.map_err(|e| TrainError::io(&folder.join("log.jsonl"), "write", e))
    }

    /// Adds values to the event file.
    pub(super) fn scalars(&mut self, step: u64, values: &[(&str, f64)]) -> Result<(), TrainError> {
        let (Some(folder), Some(events)) = (&self.folder, &mut self.events) else {
            return Ok(());
        };
        let written = events.scalars(unix_time(), step, values);
        let written = written.and_then(|()| events.flush());
        written.map_err(|e| TrainError::io(folder, "write the event file in", e))
    }
}

/// Drops the lines of a log that belong to steps after `step`, and a line that was cut off.
fn keep_lines_up_to(log: &Path, step: u64) -> Result<(), TrainError> {
    let text = match fs::read(log) {
        Ok(text) => String::from_utf8_lossy(&text).into_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(TrainError::io(log, "read", error)),
    };
    let keep = |line: &&str| {
        let value: Result<serde_json::Value, _> = serde_json::from_str(line);
        let at = value.ok().and_then(|value| value.get("step")?.as_u64());
        at.is_some_and(|at| at <= step)
    };
    let kept: String = text
        .lines()
        .filter(keep)
        .flat_map(|line| [line, "\n"])
        .collect();
    atomic::write(log, kept.as_bytes()).map_err(|e| TrainError::io(log, "write", e))
}
