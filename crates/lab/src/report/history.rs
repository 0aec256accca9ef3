//! The history of a run, read from its folder: settings, learning curves, and how it stands.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::{ReportError, files};
use crate::train::{EpochLog, Outcome};

/// A longer log is not read: 64 MiB.
const LOG: u64 = 64 << 20;
/// A longer `config.toml` is not read: 1 MiB.
const CONFIG: u64 = 1 << 20;
/// A run whose log is not written to for this long counts as stopped; training writes a line a minute at least, if its steps are shorter, and an evaluation touches the log.
const SILENCE: Duration = Duration::from_secs(180);
/// Characters of the last line that are kept.
const LINE: usize = 400;

/// How a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// Its log was written to in the last minutes.
    Running,
    /// Its log says that it ended.
    Ended,
    /// Its log has no end, and nothing was added to it for minutes.
    #[default]
    Stopped,
}

/// The numbers of the last step in the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LastStep {
    /// Steps done.
    pub step: u64,
    /// The epoch, from 1.
    pub epoch: usize,
    /// The learning rate.
    pub lr: f64,
    /// The loss of the batch.
    pub loss: f64,
    /// Training speed.
    pub images_per_second: f64,
}

/// What a run folder says of its run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The folder, as the page shows it: relative to the folder of all runs.
    pub folder: String,
    /// What the run is called in its recipe.
    pub label: String,
    /// The row of the table that it belongs to.
    pub model: String,
    /// The seed of its recipe.
    pub seed: u64,
    /// The command that started it.
    pub command: String,
    /// Its settings and recipe, by dotted names such as `recipe.optimizer.lr`.
    pub settings: BTreeMap<String, String>,
    /// The epochs that are done.
    pub epochs: Vec<EpochLog>,
    /// The epochs that its recipe asks for.
    pub epochs_wanted: Option<u64>,
    /// The last step in the log.
    pub last_step: Option<LastStep>,
    /// How it ended, if it did.
    pub outcome: Option<Outcome>,
    /// How it stands.
    pub state: RunState,
    /// The last line of the log.
    pub last_line: String,
    /// When the last session began and when the log was last written to, in seconds since 1970.
    pub times: Option<(f64, f64)>,
    /// The step that the last session began with.
    pub first_step: u64,
}

/// A line of `log.jsonl`; kinds and fields that are not needed here are passed over.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Line {
    Start {
        step: u64,
        unix_time: f64,
    },
    Step(LastStep),
    Epoch(EpochLog),
    End {
        outcome: Outcome,
    },
    #[serde(other)]
    Other,
}

impl History {
    /// Reads the history of the run in `folder`, or `None` if there is no log; `shown` is what the page calls the folder.
    ///
    /// Lines that are no JSON, such as one that is just being written, are passed over.
    ///
    /// # Errors
    /// A log or `config.toml` that cannot be read or is longer than 64 MiB or 1 MiB.
    pub fn read(folder: &Path, shown: impl Into<String>) -> Result<Option<Self>, ReportError> {
        let log = folder.join("log.jsonl");
        if !log.is_file() {
            return Ok(None);
        }
        let text = files::read(&log, LOG)?;
        let written = log.metadata().and_then(|m| m.modified()).ok();
        let mut history = Self {
            folder: shown.into(),
            ..Self::default()
        };
        let config = folder.join("config.toml");
        if config.is_file() {
            let config = files::read(&config, CONFIG)?;
            history.read_config(&String::from_utf8_lossy(&config));
        }
        history.read_log(&String::from_utf8_lossy(&text), written);
        Ok(Some(history))
    }

    fn read_config(&mut self, text: &str) {
        // A config that is no TOML has nothing to show; the curves are shown all the same.
        let Ok(config) = text.parse::<toml::Table>() else {
            return;
        };
        let word = |value: Option<&toml::Value>| value.and_then(|v| v.as_str()).map(str::to_owned);
        self.command = word(config.get("command")).unwrap_or_default();
        let recipe = config.get("recipe").and_then(|recipe| recipe.as_table());
        let recipe = recipe.cloned().unwrap_or_default();
        self.label = word(recipe.get("label")).unwrap_or_default();
        let number = |name: &str| recipe.get(name)?.as_integer()?.try_into().ok();
        self.seed = number("seed").unwrap_or(0);
        self.epochs_wanted = number("epochs");
        for part in ["settings", "recipe"] {
            if let Some(value) = config.get(part) {
                flatten(part, value, &mut self.settings);
            }
        }
    }

    fn read_log(&mut self, text: &str, written: Option<SystemTime>) {
        let mut begun = None;
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            self.last_line = line.chars().take(LINE).collect();
            match serde_json::from_str(line) {
                Ok(Line::Start { step, unix_time }) => {
                    (begun, self.first_step, self.outcome) = (Some(unix_time), step, None);
                }
                Ok(Line::Step(step)) => self.last_step = Some(step),
                Ok(Line::Epoch(epoch)) => self.epochs.push(epoch),
                Ok(Line::End { outcome }) => self.outcome = Some(outcome),
                Ok(Line::Other) | Err(_) => {}
            }
        }
        let since_1970 = |time: SystemTime| time.duration_since(UNIX_EPOCH).ok();
        let updated = written.and_then(since_1970).map(|d| d.as_secs_f64());
        self.times = begun.zip(updated);
        let silence = written.and_then(|time| time.elapsed().ok());
        self.state = match (self.outcome, silence) {
            (Some(_), _) => RunState::Ended,
            (None, Some(silence)) if silence > SILENCE => RunState::Stopped,
            (None, _) => RunState::Running,
        };
    }

    /// The share of the run that is done, if the log says enough.
    pub fn done(&self) -> Option<f64> {
        Some(self.share_at(self.step()?)?.min(1.0))
    }

    /// Seconds until the end if the run goes on at the pace of this session.
    pub fn seconds_left(&self) -> Option<f64> {
        let (begun, updated) = self.times?;
        let (done, from) = (self.done()?, self.share_at(self.first_step)?);
        let pace = (done - from) / (updated - begun);
        (pace.is_finite() && pace > 0.0).then(|| (1.0 - done) / pace)
    }

    /// Steps done.
    fn step(&self) -> Option<u64> {
        let of_epoch = self.epochs.last().map(|epoch| epoch.step);
        self.last_step.as_ref().map(|last| last.step).max(of_epoch)
    }

    fn share_at(&self, step: u64) -> Option<f64> {
        let last = self.epochs.last()?;
        let steps = last.step as f64 / last.epoch as f64 * self.epochs_wanted? as f64;
        (steps > 0.0).then(|| step as f64 / steps)
    }
}

/// Puts the leaves of a TOML value under their dotted names.
fn flatten(name: &str, value: &toml::Value, into: &mut BTreeMap<String, String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                flatten(&format!("{name}.{key}"), value, into);
            }
        }
        toml::Value::String(text) => {
            into.insert(name.to_owned(), text.clone());
        }
        other => {
            into.insert(name.to_owned(), other.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const CONFIG_TOML: &str = "command = \"cargo xtask reproduce nin\"\n\
        [settings]\nwidth = 0.25\n[recipe]\nlabel = \"nin/table1 NIN\"\nseed = 3\nepochs = 4\n\
        optimizer = { kind = \"sgd\", lr = 0.1 }\n";
    const LOG_JSONL: &str = "\
        {\"kind\":\"start\",\"step\":0,\"label\":\"nin/table1 NIN\",\"unix_time\":100.0}\n\
        {\"kind\":\"epoch\",\"epoch\":1,\"step\":50,\"lr\":0.1,\"train_loss\":2.0,\"test_error\":40.0,\"seconds\":1.0,\"images_per_second\":9.0}\n\
        {\"kind\":\"step\",\"step\":100,\"epoch\":2,\"lr\":0.1,\"loss\":1.5,\"images_per_second\":10.0}\n\
        {\"kind\":\"note\",\"step\":100,\"text\":\"x\"}\n";

    fn history(log: &str) -> History {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.toml"), CONFIG_TOML).unwrap();
        fs::write(folder.path().join("log.jsonl"), log).unwrap();
        History::read(folder.path(), "nin/x").unwrap().unwrap()
    }

    #[test]
    fn a_run_in_progress() {
        let mut run = history(&format!("{LOG_JSONL}{{\"kind\":\"ep"));
        assert_eq!((run.label.as_str(), run.seed), ("nin/table1 NIN", 3));
        assert_eq!(run.settings["recipe.optimizer.lr"], "0.1");
        assert_eq!(run.settings["settings.width"], "0.25");
        assert_eq!(run.epochs[0].test_error, Some(40.0));
        assert_eq!(run.last_step.as_ref().map(|last| last.loss), Some(1.5));
        assert_eq!((run.state, run.done()), (RunState::Running, Some(0.5)));
        assert_eq!(run.last_line, "{\"kind\":\"ep");
        run.times = Some((100.0, 160.0));
        assert_eq!(run.seconds_left(), Some(60.0));
    }

    #[test]
    fn a_run_that_ended_and_one_that_stopped() {
        let end = "{\"kind\":\"end\",\"step\":200,\"outcome\":\"trained\",\"train_seconds\":4.0}\n";
        let run = history(&format!("{LOG_JSONL}{end}"));
        assert_eq!(
            (run.state, run.outcome),
            (RunState::Ended, Some(Outcome::Trained))
        );

        let mut run = history(LOG_JSONL);
        run.read_log(LOG_JSONL, SystemTime::now().checked_sub(2 * SILENCE));
        assert_eq!(run.state, RunState::Stopped);
        assert!(run.last_line.starts_with("{\"kind\":\"note\""));
    }

    #[test]
    fn rubbish_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(History::read(folder.path(), "x").unwrap(), None);
        fs::write(folder.path().join("config.toml"), [0xff, 0xfe]).unwrap();
        fs::write(folder.path().join("log.jsonl"), [0xff, b'\n', 0]).unwrap();
        let run = History::read(folder.path(), "x").unwrap().unwrap();
        assert_eq!((run.epochs.len(), run.seconds_left()), (0, None));
    }
}
