//! Trains what is not trained yet.

use std::collections::HashSet;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use cli::Only;
use lab::train::{
    Asked, Console, Outcome, Recipe, Run, RunId, RunLock, RunResult, RunStore, Start, StopFlag,
    TrainError, TrainLog,
};

use crate::agenda::Agenda;
use crate::model::Sets;
use crate::planned::Planned;
use crate::settings::Settings;
use crate::training::Training;

/// Somebody asked the program to stop; what was done is saved.
#[derive(Debug, thiserror::Error)]
#[error(
    "interrupted; what was done is saved, and the same command with --resume goes on from there (with --again, finished runs begin anew)"
)]
pub(crate) struct Interrupted;

/// Trains, one run at a time.
pub(crate) struct Trainer<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) console: Console,
    stop: StopFlag,
    pub(crate) store: RunStore,
    /// The sets that were prepared last, under what decides them.
    prepared: Option<(String, Rc<Sets>)>,
    /// What this session has trained.
    done: HashSet<RunId>,
    /// Whether a run of this part needs what is asked for, such as the runs that choose its learning rate.
    pub(crate) is_needed: bool,
    /// Whether a run that is to be done here was asked for.
    pub(crate) met: bool,
    /// What is left to train.
    pub(crate) agenda: Agenda,
    /// Nothing is trained: it is only asked what would be.
    pub(crate) is_planning: bool,
}

/// What came of a training: its history and its number of parameters.
pub(crate) type Fitted = std::result::Result<(TrainLog, usize), TrainError>;

/// Whether to wait for a run that another process is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    No,
    Yes,
}

/// What became of a run.
pub(crate) enum Ended {
    /// It is done, here or by another.
    Done(RunId, RunResult),
    /// It belongs to another shard, and is not done yet.
    Elsewhere,
    /// Another process is at it.
    Busy,
}

/// Checkpoints are this far apart.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(120);
/// Time between two looks at a run that another process is at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

impl<'a> Trainer<'a> {
    pub(crate) fn new(settings: &'a Settings, console: Console, stop: StopFlag) -> Self {
        Self {
            settings,
            console,
            stop,
            store: RunStore::new(&settings.out),
            prepared: None,
            done: HashSet::new(),
            is_needed: false,
            met: false,
            agenda: Agenda::default(),
            is_planning: false,
        }
    }

    /// Fails if somebody has asked to stop.
    pub(crate) fn goes_on(&self) -> Result<()> {
        match self.stop.is_set() {
            true => Err(Interrupted.into()),
            false => Ok(()),
        }
    }

    /// The result of a training with one seed: of an earlier run if there is one.
    pub(crate) fn finished(
        &mut self,
        row: &Planned,
        training: &Training,
        label: &str,
        seed: u64,
        wait: Wait,
    ) -> Result<Ended> {
        let mut recipe = Recipe {
            label: label.to_owned(),
            seed,
            ..training.recipe.clone()
        };
        let settings = row.settings(training, seed)?;
        let run = RunId::of(&settings, &recipe)?;
        if matches!(self.settings.only, Some(Only::Run(_))) && !self.takes(&run) {
            // The run that is wanted may be at one of the rates.
            for (_, label, candidate) in training.candidates(label) {
                if let Ended::Busy = self.finished(row, &candidate, &label, seed, wait)? {
                    return Ok(Ended::Busy);
                }
            }
        }
        let id = run.clone();
        self.once(run, label, wait, |trainer, lock, start| {
            let mut chosen = None;
            if !training.rates.is_empty() {
                let rate = trainer.choose_rate(row, training, label, seed)?;
                recipe.optimizer = recipe.optimizer.with_lr(rate);
                chosen = Some(rate);
            }
            let sets = training.of_prepared(trainer.prepare(row, training)?)?;
            trainer.console.set_overall(trainer.agenda.begin(id.name()));
            let mut process = trainer.run(lock, start, &settings, &trainer.console)?;
            let device = &trainer.settings.device;
            let trained = training.fit(&sets, &recipe, device, &mut process);
            Ok((trained, chosen, process))
        })
    }

    /// The result of a run, which `train` does unless it is done.
    pub(crate) fn once(
        &mut self,
        run: RunId,
        label: &str,
        wait: Wait,
        train: impl FnOnce(&mut Self, RunLock, Start) -> Result<(Fitted, Option<f64>, Run)>,
    ) -> Result<Ended> {
        if !self.takes(&run) {
            return Ok(match self.store.finished(&run)? {
                Some(finished) => Ended::Done(run, finished),
                None => Ended::Elsewhere,
            });
        }
        self.met = true;
        let again = self.settings.again && !self.done.contains(&run);
        let mut said = false;
        let lock = loop {
            match self.store.ask(&run, again)? {
                Asked::Finished(finished) => {
                    self.agenda.end(run.name(), None);
                    return Ok(Ended::Done(run, finished));
                }
                Asked::Mine(lock) => break lock,
                Asked::Theirs(_) if wait == Wait::No => return Ok(Ended::Busy),
                Asked::Theirs(holder) if !said => {
                    said = true;
                    self.console.note(format!("{label}: waiting for {holder}"));
                }
                Asked::Theirs(_) if self.stop.is_set() => return Err(Interrupted.into()),
                Asked::Theirs(_) => std::thread::sleep(LOOK_EVERY),
            }
        };
        // What is done again goes on only if it was begun again: then it has no result.
        let start = match self.settings.resume && self.store.finished(&run)?.is_none() {
            true => Start::Resume,
            false => Start::Afresh,
        };
        let begun = self.store.folder(&run).join("checkpoint");
        if start == Start::Afresh && !again && begun.exists() {
            self.console.warn(format!(
                "{label}: begins again from the first step; --resume would have gone on from its checkpoint, which is kept as {}.previous unless a further one is there",
                begun.display()
            ));
        }
        // The folder belongs to the run until its result is kept.
        let (trained, rate, _process) = train(self, lock, start)?;
        // Also what was spent before the run was resumed, and without the runs that chose its learning rate.
        let taken = trained.as_ref().ok().map(|(log, _)| log.seconds());
        let finished = match trained {
            Ok((log, _)) if log.outcome == Outcome::Interrupted => return Err(Interrupted.into()),
            Ok((log, parameters)) => self.store.finish(&run, Some(log), parameters, rate)?,
            Err(error @ TrainError::NotFinite { .. }) => {
                self.console.warn(format!("{label}: {error}"));
                self.store.finish(&run, None, 0, rate)?
            }
            Err(error) => return Err(error.into()),
        };
        self.agenda.end(run.name(), taken);
        self.done.insert(run.clone());
        Ok(Ended::Done(run, finished))
    }

    /// Whether a run is to be done here.
    fn takes(&self, run: &RunId) -> bool {
        match (&self.settings.only, self.settings.shard) {
            _ if self.is_planning => false,
            _ if self.is_needed => true,
            (Some(Only::Run(name)), _) => run.name() == name,
            (Some(Only::Nothing), _) => false,
            (None, Some((index, count))) => run.is_in(index, count),
            (None, None) => true,
        }
    }

    /// The learning rate with the least error on a held-out tenth of the labelled training images.
    ///
    /// A rate whose loss is not a number is passed over.
    fn choose_rate(
        &mut self,
        row: &Planned,
        training: &Training,
        label: &str,
        seed: u64,
    ) -> Result<f64> {
        let mut best: Option<(f64, f64)> = None;
        for (rate, label, candidate) in training.candidates(label) {
            self.is_needed = true;
            let ended = self.finished(row, &candidate, &label, seed, Wait::Yes);
            self.is_needed = false;
            let Ended::Done(_, RunResult { log: Some(log), .. }) = ended? else {
                continue;
            };
            if log.outcome == Outcome::DeadStart {
                continue;
            }
            let error = log.final_error().context("the recipe has no epochs")?;
            self.console
                .note(format!("{label}: {error:.2}% on held-out training images"));
            if best.is_none_or(|(least, _)| error < least) {
                best = Some((error, rate));
            }
        }
        let (_, rate) = best.with_context(|| {
            format!(
                "no learning rate of {:?} trains this network; give smaller ones",
                training.rates
            )
        })?;
        Ok(rate)
    }

    /// A run with the settings of the command line.
    pub(crate) fn run(
        &self,
        lock: RunLock,
        start: Start,
        settings: &toml::Table,
        console: &Console,
    ) -> Result<Run> {
        let run = Run::with_lock(lock, start, console);
        Ok(run
            .settings(settings)?
            .command(&self.settings.command)
            .checkpoint_every(CHECKPOINT_EVERY)
            .stop_flag(&self.stop))
    }

    /// The sets of a row as numbers; those of the last row are kept.
    pub(crate) fn prepare(&mut self, row: &Planned, training: &Training) -> Result<Rc<Sets>> {
        let key = format!(
            "{} {:?} {:?} {:?}",
            row.data_sha256,
            training.counts(row.data.train.len(), row.data.test.len()),
            training.preprocess,
            training.synthetic
        );
        if let Some((known, sets)) = &self.prepared
            && *known == key
        {
            return Ok(Rc::clone(sets));
        }
        // Large sets: the old ones go before the new ones come.
        self.prepared = None;
        let sets = Rc::new(training.prepare(
            &row.data,
            &self.settings.out.join("cache"),
            &self.console,
        )?);
        self.prepared = Some((key, Rc::clone(&sets)));
        Ok(sets)
    }
}
