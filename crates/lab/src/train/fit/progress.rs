//! What a run reports as it goes: progress, remaining time, dead starts, the log of its steps.

use std::time::{Duration, Instant};

use super::super::TrainError;
use super::super::console::duration;
use super::super::dead_start::{Finding, warning};
use super::super::log::LogLine;
use super::super::stopwatch::Stopwatch;
use super::session::Session;

/// First steps that the estimate leaves out: they allocate buffers.
const UNTIMED: u64 = 2;
/// Steps that the estimate is made from.
const TIMED: u64 = 20;
/// Seconds; a shorter run gets no estimate.
const WORTH_SAYING: f64 = 20.0;
/// Steps between two lines of the log.
const LOG_EVERY: u64 = 50;
/// The step that ends this long after the last line gets one as well, so that a slow run is seen to run; an evaluation touches the log.
pub(super) const SILENCE: Duration = Duration::from_secs(60);

impl Session<'_> {
    /// Warns when the loss is stuck at chance. The warm-up does not count.
    pub(super) fn watch(&mut self, loss: f64) -> Result<(), TrainError> {
        if self.position.step <= self.recipe.schedule.warmup_steps(self.steps_per_epoch) {
            return Ok(());
        }
        let classes = self.train.classes;
        match self.position.watch.step(loss, classes, self.total_steps) {
            Finding::Nothing => Ok(()),
            Finding::Dead(steps) => {
                let text = warning(steps, classes);
                self.warn(&text);
                self.log_note(&text)
            }
            Finding::Woke => {
                let text = "the loss has left chance: the network learns";
                self.run
                    .console
                    .note(format!("{}: {text}", self.recipe.label));
                self.log_note(text)
            }
        }
    }

    /// Estimates once how long the run will take.
    pub(super) fn estimate(&mut self) {
        self.session_steps += 1;
        if self.session_steps == UNTIMED {
            self.timed_from = Stopwatch::start();
        }
        if self.session_steps != UNTIMED + TIMED {
            return;
        }
        let per_step = self.timed_from.seconds() / TIMED as f64;
        let left = per_step * (self.total_steps - self.position.step) as f64;
        if left > WORTH_SAYING {
            let rate = self.recipe.batch_size as f64 / per_step;
            self.run.console.note(format!(
                "{}: about {} to go for {} epochs ({rate:.0} images/s), evaluation not counted",
                self.recipe.label,
                duration(left),
                self.recipe.epochs - self.position.epoch,
            ));
        }
    }

    pub(super) fn message(&self, loss: f64) -> String {
        let (epoch, epochs) = (self.position.epoch + 1, self.recipe.epochs);
        let last = self.position.log.epochs.iter().rev();
        let error = last.filter_map(|epoch| epoch.test_error).next();
        let error = error.map_or(String::new(), |error| format!("  test error {error:.2}%"));
        format!("epoch {epoch}/{epochs}  loss {loss:.4}{error}")
    }

    pub(super) fn log_step(
        &mut self,
        loss: f64,
        lr: f64,
        images_per_second: f64,
    ) -> Result<(), TrainError> {
        let step = self.position.step;
        if !is_logged(step, self.logged.elapsed()) {
            return Ok(());
        }
        self.logged = Instant::now();
        let epoch = self.position.epoch + 1;
        self.run.line(&LogLine::Step {
            step,
            epoch,
            lr,
            loss,
            images_per_second,
        })?;
        self.run
            .scalars(step, &[("step/loss", loss), ("step/lr", lr)])
    }

    pub(super) fn warn(&self, text: &str) {
        let label = &self.recipe.label;
        self.run.console.warn(format!("{label}: {text}"));
    }

    pub(super) fn log_note(&mut self, text: &str) -> Result<(), TrainError> {
        let step = self.position.step;
        self.run.line(&LogLine::Note { step, text })
    }
}

/// Whether a step gets a line of the log, so long after the last one.
fn is_logged(step: u64, silence: Duration) -> bool {
    step.is_multiple_of(LOG_EVERY) || silence >= SILENCE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_run_logs_every_minute() {
        let logged = |step, seconds| is_logged(step, Duration::from_secs(seconds));
        assert!(logged(50, 0) && logged(7, 60) && logged(8, 200));
        assert!(!logged(7, 59) && !logged(51, 0));
    }
}
