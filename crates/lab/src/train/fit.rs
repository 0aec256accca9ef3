//! The one training loop.
//!
//! Batches, dropout masks and updates depend on the recipe and the step alone,
//! so a run that is stopped and resumed gives the same bits as one that is not.

use std::time::Instant;

use candle_core::Device;
use striate::{Network, Parameters};

use super::checkpoint::{EpochSums, Position, Store};
use super::console::{Task, duration};
use super::dead_start::{Finding, warning};
use super::events::unix_time;
use super::log::LogLine;
use super::objective::scalar;
use super::{
    Classifier, DeadStart, EpochLog, Evaluation, Objective, Optimizer, Outcome, Recipe, Run, Start,
    TrainError, TrainLog, evaluate,
};
use crate::data::{Batch, Batches, FloatSet};

/// Trains a classifying network by cross entropy.
///
/// On return the parameters hold the trained weights; an interrupted or resumed run is no exception.
/// The test set is only measured: nothing is chosen by it.
///
/// # Errors
/// A recipe that means nothing, sets that do not fit each other or the network, a loss that is not a number,
/// a folder that cannot be written to, a checkpoint that cannot be used.
pub fn fit(
    model: &dyn Network,
    params: &Parameters,
    train: &FloatSet,
    test: &FloatSet,
    recipe: &Recipe,
    run: &mut Run,
) -> Result<TrainLog, TrainError> {
    fit_objective(&Classifier::new(model), params, train, test, recipe, run)
}

/// Trains by any objective; otherwise like [`fit`].
///
/// # Errors
/// Those of [`fit`].
pub fn fit_objective(
    objective: &dyn Objective,
    params: &Parameters,
    train: &FloatSet,
    test: &FloatSet,
    recipe: &Recipe,
    run: &mut Run,
) -> Result<TrainLog, TrainError> {
    recipe.check()?;
    check_sets(train, test)?;
    let steps_per_epoch = train.len().div_ceil(recipe.batch_size) as u64;
    let mut session = Session {
        objective,
        params,
        train,
        test,
        recipe,
        device: params.device().clone(),
        optimizer: recipe.optimizer.build(params.named(), &recipe.groups)?,
        store: None,
        position: Position::default(),
        steps_per_epoch,
        total_steps: steps_per_epoch * recipe.epochs as u64,
        saved: Instant::now(),
        session_steps: 0,
        timed_from: Instant::now(),
        run,
    };
    session.begin()?;
    session.go()
}

/// One sitting of a run.
struct Session<'a> {
    objective: &'a dyn Objective,
    params: &'a Parameters,
    train: &'a FloatSet,
    test: &'a FloatSet,
    recipe: &'a Recipe,
    run: &'a mut Run,
    device: Device,
    optimizer: Box<dyn Optimizer>,
    store: Option<Store>,
    position: Position,
    steps_per_epoch: u64,
    total_steps: u64,
    /// When the last checkpoint was written.
    saved: Instant,
    /// Steps of this sitting.
    session_steps: u64,
    /// When the steps began that the estimate rests on.
    timed_from: Instant,
}

/// Steps that are not timed for the estimate: the first ones grow buffers.
const UNTIMED: u64 = 2;
/// Steps that are timed before the estimate is given.
const TIMED: u64 = 20;
/// Shorter runs need no estimate, seconds.
const WORTH_SAYING: f64 = 20.0;
/// Every so many steps get a line in the log.
const LOG_EVERY: u64 = 50;

impl Session<'_> {
    /// Finds the position to start from and opens the run's files.
    fn begin(&mut self) -> Result<(), TrainError> {
        let mut from_step = None;
        if let Some(folder) = self.run.checkpoint_folder() {
            let store = Store::new(folder, self.recipe, &self.run.settings)?;
            if self.run.start == Start::Resume
                && let Some(position) = store.load(self.params, self.optimizer.as_mut())?
            {
                from_step = Some(position.step);
                self.position = position;
            }
            self.store = Some(store);
        }
        self.objective
            .clock()
            .seek(self.recipe.seed, self.position.clock);
        if self.position.finished {
            return Ok(());
        }
        self.run.begin(self.recipe, from_step)?;
        if let Some(step) = from_step {
            let text = format!("{}: going on after step {step}", self.recipe.label);
            self.run.console.note(text);
        }
        let (step, label) = (self.position.step, self.recipe.label.as_str());
        let unix_time = unix_time();
        self.run.line(&LogLine::Start {
            step,
            label,
            unix_time,
        })
    }

    fn go(mut self) -> Result<TrainLog, TrainError> {
        if self.position.finished {
            return Ok(self.position.log);
        }
        let total = (self.train.len() * self.recipe.epochs) as u64;
        let done = self.position.log.images;
        let mut task = self.run.console.task(&self.recipe.label, total, done);
        let mut outcome = Outcome::Trained;
        while self.position.epoch < self.recipe.epochs {
            if let Some(early) = self.epoch(&mut task)? {
                outcome = early;
                break;
            }
        }
        drop(task);
        if outcome == Outcome::Trained && self.position.watch.is_dead() {
            outcome = Outcome::DeadStart;
        }
        self.end(outcome)
    }

    /// Trains what is left of the current epoch; says how the run ends if it ends early.
    fn epoch(&mut self, task: &mut Task) -> Result<Option<Outcome>, TrainError> {
        let epoch = self.position.epoch;
        let batches = Batches::train(
            self.train,
            self.recipe.batch_size,
            &self.recipe.augment,
            self.recipe.seed,
            epoch as u64,
            &self.device,
        )?;
        // A resumed epoch prepares its earlier batches again, which is cheap, and skips them.
        for batch in batches.skip(self.position.batch as usize) {
            let batch = batch?;
            self.step(&batch, task)?;
            self.estimate();
            if self.run.stop.is_set() {
                return Ok(Some(Outcome::Interrupted));
            }
            if self.position.batch < self.steps_per_epoch {
                self.save_if_due()?;
            }
        }
        self.end_epoch()?;
        self.save_if_due()?;
        let hopeless = self
            .position
            .watch
            .is_hopeless(self.steps_per_epoch, self.total_steps);
        let stop = hopeless && self.recipe.dead_start == DeadStart::Stop;
        Ok(stop.then_some(Outcome::DeadStart))
    }

    fn step(&mut self, batch: &Batch, task: &mut Task) -> Result<(), TrainError> {
        let begun = Instant::now();
        let step = self.position.step;
        let factor = self
            .recipe
            .schedule
            .factor(step, self.steps_per_epoch, self.total_steps);
        let lr = self.optimizer.lr() * factor;
        let loss = self.objective.loss(batch)?;
        let value = scalar(&loss.total)?;
        if !value.is_finite() {
            return Err(TrainError::NotFinite {
                loss: value as f32,
                step: step + 1,
                epoch: self.position.epoch + 1,
                lr,
            });
        }
        self.optimizer.step(&loss.total.backward()?, factor)?;

        let images = batch.labels.elem_count() as u64;
        let terms = loss.term_values()?;
        let scores = loss
            .logits
            .map(|logits| Evaluation::of_scores(&logits.detach(), &batch.labels));
        let scores = scores.transpose()?;
        let seconds = begun.elapsed().as_secs_f64();
        self.position.step += 1;
        self.position.batch += 1;
        self.position.clock = self.objective.clock().step();
        self.position.log.steps += 1;
        self.position.log.images += images;
        self.position.log.train_seconds += seconds;
        let sums = &mut self.position.sums;
        sums.images += images;
        sums.loss += value * images as f64;
        sums.seconds += seconds;
        for (name, term) in terms {
            *sums.terms.entry(name).or_default() += term * images as f64;
        }
        if let Some(scores) = scores {
            sums.add_scores(scores);
            self.watch(scores.loss())?;
        }
        task.advance(images, || self.message(value));
        self.log_step(value, lr, images as f64 / seconds)
    }

    /// Tells when the loss is stuck at chance. The warm-up does not count.
    fn watch(&mut self, loss: f64) -> Result<(), TrainError> {
        if self.position.step <= self.recipe.schedule.warmup_steps(self.steps_per_epoch) {
            return Ok(());
        }
        let classes = self.train.classes;
        match self.position.watch.step(loss, classes, self.total_steps) {
            Finding::Nothing => Ok(()),
            Finding::Dead(steps) => {
                let text = warning(steps, classes);
                self.run
                    .console
                    .warn(format!("{}: {text}", self.recipe.label));
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

    /// Says once how long the run will take.
    fn estimate(&mut self) {
        self.session_steps += 1;
        if self.session_steps == UNTIMED {
            self.timed_from = Instant::now();
        }
        if self.session_steps != UNTIMED + TIMED {
            return;
        }
        let per_step = self.timed_from.elapsed().as_secs_f64() / TIMED as f64;
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

    fn message(&self, loss: f64) -> String {
        let (epoch, epochs) = (self.position.epoch + 1, self.recipe.epochs);
        let last = self.position.log.epochs.iter().rev();
        let error = last.filter_map(|epoch| epoch.test_error).next();
        let error = error.map_or(String::new(), |error| format!("  test error {error:.2}%"));
        format!("epoch {epoch}/{epochs}  loss {loss:.4}{error}")
    }

    fn log_step(&mut self, loss: f64, lr: f64, images_per_second: f64) -> Result<(), TrainError> {
        let step = self.position.step;
        if step % LOG_EVERY != 0 {
            return Ok(());
        }
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

    fn log_note(&mut self, text: &str) -> Result<(), TrainError> {
        let step = self.position.step;
        self.run.line(&LogLine::Note { step, text })
    }

    /// Evaluates if it is time, and closes the books of the epoch.
    fn end_epoch(&mut self) -> Result<(), TrainError> {
        let epoch = self.position.epoch + 1;
        let due = epoch.is_multiple_of(self.recipe.evaluate_every) || epoch == self.recipe.epochs;
        let mut test = None;
        if due {
            let begun = Instant::now();
            test = Some(evaluate(
                self.objective,
                self.test,
                self.recipe.batch_size,
                &self.device,
            )?);
            self.position.log.eval_seconds += begun.elapsed().as_secs_f64();
        }
        let sums = std::mem::take(&mut self.position.sums);
        let step = self.position.step;
        let log = epoch_log(sums, epoch, step, test, self.lr_of_last_step());
        self.run.line(&LogLine::Epoch(&log))?;
        let mut scalars = vec![("train/loss", log.train_loss), ("train/lr", log.lr)];
        scalars.push(("train/images_per_second", log.images_per_second));
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
        (self.position.epoch, self.position.batch) = (epoch, 0);
        Ok(())
    }

    fn lr_of_last_step(&self) -> f64 {
        let last = self.position.step.saturating_sub(1);
        let schedule = &self.recipe.schedule;
        self.optimizer.lr() * schedule.factor(last, self.steps_per_epoch, self.total_steps)
    }

    fn save_if_due(&mut self) -> Result<(), TrainError> {
        match self.saved.elapsed() >= self.run.checkpoint_every {
            true => self.save(),
            false => Ok(()),
        }
    }

    fn save(&mut self) -> Result<(), TrainError> {
        if let Some(store) = &self.store {
            store.save(self.params, self.optimizer.as_ref(), &self.position)?;
        }
        self.saved = Instant::now();
        Ok(())
    }

    fn end(mut self, outcome: Outcome) -> Result<TrainLog, TrainError> {
        self.position.log.outcome = outcome;
        self.position.finished = outcome != Outcome::Interrupted;
        self.save()?;
        let step = self.position.step;
        let train_seconds = self.position.log.train_seconds;
        self.run.line(&LogLine::End {
            step,
            outcome,
            train_seconds,
        })?;
        if outcome == Outcome::Interrupted {
            let how = match self.store {
                Some(_) => "saved; the same command with --resume goes on from here",
                None => "this run keeps no checkpoint",
            };
            let label = &self.recipe.label;
            self.run
                .console
                .warn(format!("{label}: stopped after step {step}, {how}"));
        }
        Ok(self.position.log)
    }
}

fn epoch_log(
    sums: EpochSums,
    epoch: usize,
    step: u64,
    test: Option<Evaluation>,
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
        test_loss: test.map(|test| test.loss()),
        test_error: test.map(|test| test.error()),
        seconds: sums.seconds,
        images_per_second: images / sums.seconds.max(1e-9),
        terms: terms.map(|(name, sum)| (name, sum / images)).collect(),
    }
}

fn epoch_line(label: &str, log: &EpochLog, epochs: usize) -> String {
    let percent = |name: &str, value: Option<f64>| {
        value.map_or(String::new(), |value| format!("  {name} error {value:.2}%"))
    };
    format!(
        "{label} epoch {}/{epochs}  loss {:.4}{}{}  {:.0} images/s  {}",
        log.epoch,
        log.train_loss,
        percent("train", log.train_error),
        percent("test", log.test_error),
        log.images_per_second,
        duration(log.seconds),
    )
}

fn check_sets(train: &FloatSet, test: &FloatSet) -> Result<(), TrainError> {
    let describe = |set: &FloatSet| {
        format!(
            "{}x{}x{} in {} classes",
            set.channels, set.height, set.width, set.classes
        )
    };
    for (name, set) in [("train", train), ("test", test)] {
        if set.is_empty() {
            return Err(TrainError::recipe(
                format!("the {name} set"),
                "empty",
                "at least one image",
            ));
        }
    }
    match describe(train) == describe(test) {
        true => Ok(()),
        false => Err(TrainError::recipe(
            "the test set",
            describe(test),
            format!("{} like the training set", describe(train)),
        )),
    }
}
