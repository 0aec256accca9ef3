//! The end of an epoch: evaluation and its entry in the log.

use std::time::Instant;

use super::super::checkpoint::EpochSums;
use super::super::console::duration;
use super::super::log::LogLine;
use super::super::stopwatch::Stopwatch;
use super::super::{EpochLog, Evaluation, TrainError, evaluate};
use super::progress::SILENCE;
use super::session::Session;

impl Session<'_> {
    /// Evaluates if it is due, and logs the epoch; `false` if the run is asked to stop before it is evaluated.
    pub(super) fn end_epoch(&mut self) -> Result<bool, TrainError> {
        let epoch = self.position.epoch + 1;
        let due = epoch.is_multiple_of(self.recipe.evaluate_every) || epoch == self.recipe.epochs;
        let mut test = None;
        if due && self.objective.classifies() {
            test = self.evaluated()?;
            if test.is_none() {
                return Ok(false);
            }
        }
        let sums = std::mem::take(&mut self.position.sums);
        let step = self.position.step;
        let log = epoch_log(sums, epoch, step, test.as_ref(), self.lr_of_last_step());
        self.run.line(&LogLine::Epoch(&log))?;
        let mut scalars = vec![("train/loss", log.train_loss), ("train/lr", log.lr)];
        scalars.push(("train/images_per_second", log.images_per_second));
        scalars.push(("train/waiting_percent", log.waiting()));
        scalars.extend(log.train_error.map(|error| ("train/error", error)));
        scalars.extend(log.test_loss.map(|loss| ("test/loss", loss)));
        scalars.extend(log.test_error.map(|error| ("test/error", error)));
        scalars.extend(
            log.terms
                .iter()
                .map(|(name, &value)| (name.as_str(), value)),
        );
        self.run.scalars(step, &scalars)?;
        self.run
            .console
            .note(epoch_line(&self.recipe.label, &log, self.recipe.epochs));
        self.position.log.epochs.push(log);
        self.position.log.mistakes = test.map(|test| test.mistakes);
        (self.position.epoch, self.position.batch) = (epoch, 0);
        Ok(true)
    }

    /// The test set with the weights of now; `None` if the run is asked to stop.
    fn evaluated(&mut self) -> Result<Option<Evaluation>, TrainError> {
        let stopwatch = Stopwatch::start();
        let Self {
            objective,
            test,
            recipe,
            device,
            run,
            logged,
            ..
        } = self;
        let test = evaluate(*objective, test, recipe.batch_size, device, || {
            if logged.elapsed() >= SILENCE {
                run.touch_log()?;
                *logged = Instant::now();
            }
            Ok(!run.stop.is_set())
        })?;
        self.position.log.eval_seconds += stopwatch.seconds();
        Ok(test)
    }

    pub(super) fn lr_of_last_step(&self) -> f64 {
        let last = self.position.step.saturating_sub(1);
        self.optimizer.lr() * self.rate_factor(last)
    }
}

fn epoch_log(
    sums: EpochSums,
    epoch: usize,
    step: u64,
    test: Option<&Evaluation>,
    lr: f64,
) -> EpochLog {
    let images = sums.images.max(1) as f64;
    let terms = sums.terms.into_iter();
    EpochLog {
        epoch,
        step,
        lr,
        train_loss: sums.loss / images,
        train_error: (sums.scored > 0).then(|| 100.0 * sums.wrong as f64 / sums.scored as f64),
        test_loss: test.map(Evaluation::loss),
        test_error: test.map(Evaluation::error),
        seconds: sums.seconds,
        waiting_seconds: sums.waiting_seconds,
        images_per_second: images / sums.seconds.max(1e-9),
        terms: terms.map(|(name, sum)| (name, sum / images)).collect(),
    }
}

fn epoch_line(label: &str, log: &EpochLog, epochs: usize) -> String {
    let percent = |name: &str, value: Option<f64>| {
        value.map_or(String::new(), |value| format!("  {name} error {value:.2}%"))
    };
    format!(
        "{label} epoch {}/{epochs}  loss {:.4}{}{}  {:.0} images/s  {}  {:.0}% waiting for images",
        log.epoch,
        log.train_loss,
        percent("train", log.train_error),
        percent("test", log.test_error),
        log.images_per_second,
        duration(log.seconds),
        log.waiting(),
    )
}
