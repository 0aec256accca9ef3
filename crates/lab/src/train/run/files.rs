//! What a run writes to its folder as it goes: settings, log, events.

use std::fs::{self, OpenOptions};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;
use std::time::SystemTime;

use serde::Serialize;

use super::super::checkpoint;
use super::super::events::{EventWriter, unix_time};
use super::super::log::LogLine;
use super::super::{Recipe, TrainError};
use super::{PREVIOUS_RESULT, RESULT, Run};
use crate::{atomic, regular};

/// What a run leaves beside its events, checkpoint and figures, and what is made of it when it has ended.
const OURS: [&str; 4] = [
    "log.jsonl",
    "model.safetensors",
    "origin.json",
    "record.json",
];

impl Run {
    /// Writes `config.toml` and opens log and event file.
    ///
    /// `from_step` is the step of the checkpoint that the run goes on from; later log lines are dropped.
    pub(in crate::train) fn begin(
        &mut self,
        recipe: &Recipe,
        from_step: Option<u64>,
    ) -> Result<(), TrainError> {
        let Some(folder) = self.folder().map(Path::to_owned) else {
            return Ok(());
        };
        self.check_folder()?;
        // The folder is ours: whoever wrote partial files in it is dead.
        atomic::sweep(&folder);
        atomic::sweep(&folder.join("figures"));
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

    /// Removes what an earlier run left, but for its checkpoint and its result, which are set aside.
    fn clear(&self, folder: &Path) -> Result<(), TrainError> {
        // Its result first: an interrupted new run must not count as finished.
        let result = folder.join(RESULT);
        match fs::rename(&result, folder.join(PREVIOUS_RESULT)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(TrainError::io(&result, "set aside", error));
            }
            _ => {}
        }
        checkpoint::set_aside(&folder.join(checkpoint::FOLDER))?;
        let failed = |e| TrainError::io(folder, "clear", e);
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let ours = OURS.contains(&name.as_str()) || name.starts_with("events.out.tfevents.");
            if ours {
                fs::remove_file(entry.path())
                    .map_err(|e| TrainError::io(&entry.path(), "remove", e))?;
            }
        }
        let figures = folder.join("figures");
        atomic::remove_folder(&figures).map_err(|e| TrainError::io(&figures, "remove", e))
    }

    /// Adds a line to the log and to the JSON progress.
    pub(in crate::train) fn line(&mut self, line: &LogLine) -> Result<(), TrainError> {
        self.console.event(line);
        let (Some(lock), Some(log)) = (&self.lock, &mut self.log) else {
            return Ok(());
        };
        lock.check()?;
        let written = serde_json::to_string(line)
            .map_err(std::io::Error::from)
            .and_then(|text| writeln!(log, "{text}"))
            .and_then(|()| log.flush());
        written.map_err(|e| TrainError::io(&lock.folder().join("log.jsonl"), "write", e))
    }

    /// Gives the log the time of now, by which others see that the run is at work.
    pub(in crate::train) fn touch_log(&self) -> Result<(), TrainError> {
        let (Some(lock), Some(log)) = (&self.lock, &self.log) else {
            return Ok(());
        };
        let touched = log.get_ref().set_modified(SystemTime::now());
        touched.map_err(|e| TrainError::io(&lock.folder().join("log.jsonl"), "touch", e))
    }

    /// Makes the log survive a power failure.
    pub(in crate::train) fn sync_log(&self) -> Result<(), TrainError> {
        let (Some(lock), Some(log)) = (&self.lock, &self.log) else {
            return Ok(());
        };
        let synced = log.get_ref().sync_data();
        synced.map_err(|e| TrainError::io(&lock.folder().join("log.jsonl"), "write", e))
    }

    /// Adds values to the event file.
    pub(in crate::train) fn scalars(
        &mut self,
        step: u64,
        values: &[(&str, f64)],
    ) -> Result<(), TrainError> {
        let (Some(lock), Some(events)) = (&self.lock, &mut self.events) else {
            return Ok(());
        };
        let written = events.scalars(unix_time(), step, values);
        let written = written.and_then(|()| events.flush());
        written.map_err(|e| TrainError::io(lock.folder(), "write the event file in", e))
    }
}

/// Drops the lines of a log that belong to steps after `step`, and a line that was cut off.
fn keep_lines_up_to(log: &Path, step: u64) -> Result<(), TrainError> {
    let text = match regular::read(log, u64::MAX) {
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
