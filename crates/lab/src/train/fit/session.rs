//! One session of a run: from its start or a checkpoint to its end or an interruption.

use std::time::Instant;

use candle_core::Device;
use striate::Parameters;

use super::super::checkpoint::{Position, Store};
use super::super::console::Task;
use super::super::events::unix_time;
use super::super::log::LogLine;
use super::super::stopwatch::Stopwatch;
use super::super::{
    Identity, Objective, Optimizer, Outcome, Recipe, Run, Start, TrainError, TrainLog,
};
use crate::data::{Batch, Batches, DataError, FloatSet};

/// One session of a run.
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
    /// When the last step was written to the log.
    pub(super) logged: Instant,
    /// Steps of this session.
    pub(super) session_steps: u64,
    /// When the steps that the estimate is made from began.
    pub(super) timed_from: Stopwatch,
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
            logged: Instant::now(),
            session_steps: 0,
            timed_from: Stopwatch::start(),
            run,
        };
        session.begin()?;
        Ok(session)
    }

    /// Finds the position to start from and opens the run's files.
    fn begin(&mut self) -> Result<(), TrainError> {
        let mut from_step = None;
        let mut warning = None;
        if let Some(folder) = self.run.checkpoint_folder() {
            let store = Store::new(folder, Identity::new(&self.run.settings, self.recipe)?);
            if self.run.start == Start::Resume
                && let Some(loaded) = store.load(self.params, self.optimizer.as_mut())?
            {
                from_step = Some(loaded.position.step);
                self.position = loaded.position;
                warning = loaded.warning;
                if let Some(text) = &warning {
                    self.warn(text);
                }
            }
            self.store = Some(store);
        }
        self.objective
            .clock()
            .seek(self.recipe.seed, self.position.clock);
        if self.position.finished {
            let label = &self.recipe.label;
            let text = format!("{label}: finished earlier, nothing is left to train");
            self.run.console.note(text);
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
        })?;
        match warning {
            Some(text) => self.log_note(&text),
            None => Ok(()),
        }
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
        // A batch depends on its own images alone, so a resumed epoch begins in its middle.
        let mut batches = batches.after(self.position.batch as usize);
        while let Some(batch) = self.next(&mut batches) {
            self.step(&batch?, task)?;
            self.estimate();
            if self.run.stop.is_set() {
                return Ok(Some(Outcome::Interrupted));
            }
            if self.position.batch < self.steps_per_epoch {
                self.save_if_due()?;
            }
        }
        self.check_weights()?;
        if !self.end_epoch()? {
            return Ok(Some(Outcome::Interrupted));
        }
        self.save_if_due()?;
        let (per_epoch, total) = (self.steps_per_epoch, self.total_steps);
        let watch = &self.position.watch;
        let patience = self.recipe.dead_start.epochs();
        let stop = patience.is_some_and(|epochs| watch.is_hopeless(epochs, per_epoch, total));
        Ok(stop.then_some(Outcome::DeadStart))
    }

    /// The next batch, and how long it was waited for.
    fn next(&mut self, batches: &mut Batches) -> Option<Result<Batch, DataError>> {
        let stopwatch = Stopwatch::start();
        let batch = batches.next()?;
        self.position.sums.waiting_seconds += stopwatch.seconds();
        Some(batch)
    }

    fn save_if_due(&mut self) -> Result<(), TrainError> {
        match self.saved.elapsed() >= self.run.checkpoint_every {
            true => self.save(),
            false => Ok(()),
        }
    }

    fn save(&mut self) -> Result<(), TrainError> {
        // A run cannot go on from other weights.
        self.check_weights()?;
        if let Some(store) = &self.store {
            self.run.check_folder()?;
            self.run.sync_log()?;
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
                Some(_) => "saved; the same command with --resume continues from here",
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
