//! One sitting of a run: from its start or a checkpoint to its end or an interruption.

use std::time::Instant;

use candle_core::Device;
use striate::Parameters;

use super::super::checkpoint::{Position, Store};
use super::super::console::Task;
use super::super::events::unix_time;
use super::super::log::LogLine;
use super::super::objective::scalar;
use super::super::{
    DeadStart, Evaluation, Objective, Optimizer, Outcome, Recipe, Run, Start, TrainError, TrainLog,
};
use crate::data::{Batch, Batches, FloatSet};

/// One sitting of a run.
pub(super) struct Session<'a> {
    pub(super) objective: &'a dyn Objective,
    pub(super) params: &'a Parameters,
    pub(super) train: &'a FloatSet,
    pub(super) test: &'a FloatSet,
    pub(super) recipe: &'a Recipe,
    pub(super) run: &'a mut Run,
    pub(super) device: Device,
    pub(super) optimizer: Box<dyn Optimizer>,
    pub(super) store: Option<Store>,
    pub(super) position: Position,
    pub(super) steps_per_epoch: u64,
    /// Images of an epoch, some of them more than once if kinds are mixed.
    images_per_epoch: u64,
    pub(super) total_steps: u64,
    /// When the last checkpoint was written.
    pub(super) saved: Instant,
    /// Steps of this sitting.
    pub(super) session_steps: u64,
    /// When the steps began that the estimate rests on.
    pub(super) timed_from: Instant,
}

/// Steps and images of an epoch.
fn epoch_size(train: &FloatSet, recipe: &Recipe) -> Result<(u64, u64), TrainError> {
    let images = train.len() as u64;
    let Some(mix) = recipe.mix() else {
        return Ok((images.div_ceil(recipe.batch_size as u64), images));
    };
    let steps = mix.batches(&train.labels)? as u64;
    let unlabelled = images - train.labelled() as u64;
    Ok((steps, unlabelled + steps * mix.labelled as u64))
}

impl<'a> Session<'a> {
    pub(super) fn new(
        objective: &'a dyn Objective,
        params: &'a Parameters,
        (train, test): (&'a FloatSet, &'a FloatSet),
        recipe: &'a Recipe,
        run: &'a mut Run,
    ) -> Result<Self, TrainError> {
        let (steps_per_epoch, images_per_epoch) = epoch_size(train, recipe)?;
        let mut session = Self {
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
            images_per_epoch,
            total_steps: steps_per_epoch * recipe.epochs as u64,
            saved: Instant::now(),
            session_steps: 0,
            timed_from: Instant::now(),
            run,
        };
        session.begin()?;
        Ok(session)
    }

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

    pub(super) fn go(mut self) -> Result<TrainLog, TrainError> {
        if self.position.finished {
            return Ok(self.position.log);
        }
        let total = self.images_per_epoch * self.recipe.epochs as u64;
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
        let Recipe { augment, seed, .. } = self.recipe;
        let (size, number) = (self.recipe.batch_size, epoch as u64);
        let batches = match self.recipe.mix() {
            Some(mix) => Batches::mixed(self.train, mix, augment, *seed, number, &self.device),
            None => Batches::train(self.train, size, augment, *seed, number, &self.device),
        }?;
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
        let factor = self.rate_factor(step);
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
        let labels = loss.labels.as_ref().unwrap_or(&batch.labels);
        let scores = loss
            .logits
            .map(|logits| Evaluation::of_scores(&logits.detach(), labels));
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

    /// What the optimizer's rate is multiplied by in `step` of the current epoch.
    pub(super) fn rate_factor(&self, step: u64) -> f64 {
        let schedule = &self.recipe.schedule;
        schedule.factor(step, self.steps_per_epoch, self.total_steps)
            * schedule.plateau_factor(&self.position.log.epochs)
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
