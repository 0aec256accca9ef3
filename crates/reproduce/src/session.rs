//! A session: it gives experiments their data, trains what they plan, and keeps what they measure.

mod origin;
mod records;

use std::path::PathBuf;
use std::rc::Rc;

use anyhow::{Context, Result};
use candle_core::{DType, Device};
use cli::Only;
use lab::data::Source;
use lab::report::{Environment, Record, Scale, chosen_rate};
use lab::train::{Console, Progress, Recipe, Run, RunId, StopFlag, TrainLog};
use striate::init::Match;
use striate::{Network, Parameters};

use crate::agenda::Agenda;
use crate::curves::Curves;
use crate::datasets::{Datasets, Given};
use crate::images::Data;
use crate::model::Sets;
use crate::planned::Planned;
use crate::settings::Settings;
use crate::trainer::{Ended, Fitted, Trainer, Wait};
use crate::trainings::{self, Listed};

/// Runs what experiments plan.
pub(crate) struct Session<'a> {
    pub(crate) settings: &'a Settings,
    trainer: Trainer<'a>,
    environment: Environment,
    datasets: Datasets,
    /// The experiment that is being run, and its seeds.
    id: &'static str,
    seeds: u64,
    /// The histories of the current experiment.
    curves: Curves,
    /// What would be trained, if that is all that is asked for.
    pub(crate) listed: Option<Vec<Listed>>,
    /// What is known of the current experiment, if trainings are listed.
    known: Vec<Record>,
    /// Gets every record as it is measured.
    on_record: OnRecord<'a>,
}

/// A trained network.
pub(crate) struct Trained {
    pub(crate) network: Box<dyn Network>,
    pub(crate) parameters: Parameters,
    pub(crate) seed: u64,
    /// The folder of its run.
    pub(crate) folder: PathBuf,
    log: TrainLog,
}

/// What is done with a record.
type OnRecord<'a> = Box<dyn Fn(&Record) -> Result<()> + 'a>;

/// How a run that is no row's ended.
pub(crate) enum Once {
    /// With this history, and its weights in this file.
    Done(TrainLog, PathBuf),
    /// Its loss was not a number.
    NotFinite,
    /// It is not among those to be done here.
    Elsewhere,
}

impl<'a> Session<'a> {
    pub(crate) fn new(
        settings: &'a Settings,
        console: Console,
        stop: StopFlag,
        on_record: impl Fn(&Record) -> Result<()> + 'a,
    ) -> Self {
        Self {
            settings,
            datasets: Datasets::new(console.clone()),
            trainer: Trainer::new(settings, console, stop),
            environment: Environment::detect(&settings.device),
            id: "",
            seeds: 1,
            curves: Curves::default(),
            listed: None,
            known: Vec::new(),
            on_record: Box::new(on_record),
        }
    }

    /// Turns to an experiment, whose runs have so many seeds unless the command line says how many.
    pub(crate) fn begin(&mut self, id: &'static str, seeds: u64) {
        (self.id, self.seeds) = (id, self.settings.seeds.unwrap_or(seeds));
        self.curves = Curves::default();
        if self.listed.is_some() {
            self.known = trainings::records(self.settings, id);
        }
    }

    /// Looks at what `execute` would train, so that every training can say how far all are.
    ///
    /// What is to be said of the data is said here, since they are loaded once.
    pub(crate) fn plan(&mut self, execute: impl FnOnce(&mut Self)) {
        let console = std::mem::replace(&mut self.trainer.console, Console::silent());
        self.trainer.is_planning = true;
        self.listed = Some(Vec::new());
        execute(self);
        let listed = self.listed.take().unwrap_or_default();
        let is_wanted = |run: &Listed| run.is_here && (self.settings.again || !run.done);
        let wanted = listed.into_iter().filter(is_wanted);
        self.trainer.agenda = Agenda::of(wanted.map(|run| (run.run, run.seconds)));
        self.trainer.is_planning = false;
        self.trainer.console = console;
    }

    /// Where progress is shown.
    pub(crate) fn console(&self) -> &Console {
        &self.trainer.console
    }

    /// What a row gets from a source.
    pub(crate) fn load(&mut self, data: &Data, source: &Source) -> Result<Given> {
        self.trainer.goes_on()?;
        let given = self.datasets.load(data, source, self.settings.scale)?;
        // Reading may take minutes, in which somebody has asked to stop.
        self.trainer.goes_on()?;
        Ok(given)
    }

    /// A run that is no row's, and that `train` does without progress unless it is done.
    pub(crate) fn once(
        &mut self,
        settings: &toml::Table,
        recipe: &Recipe,
        train: impl FnOnce(&mut Run) -> Fitted,
    ) -> Result<Once> {
        let run = RunId::of(settings, recipe)?;
        let progress = match self.console().progress() {
            Progress::Json => Progress::Json,
            _ => Progress::Quiet,
        };
        let console = Console::stderr(progress);
        let label = &recipe.label;
        // It starts from a network that is here, whatever part of all runs is done here.
        self.trainer.is_needed = self.settings.shard.is_some();
        let ended = self
            .trainer
            .once(run, label, Wait::Yes, |trainer, lock, start| {
                let mut run = trainer.run(lock, start, settings, &console)?;
                Ok((train(&mut run), None, run))
            });
        self.trainer.is_needed = false;
        let Ended::Done(run, finished) = ended? else {
            return Ok(Once::Elsewhere);
        };
        let Some(log) = finished.log.clone() else {
            return Ok(Once::NotFinite);
        };
        let weights = self.trainer.store.weights_of(&run, &finished)?;
        Ok(Once::Done(log, weights))
    }

    /// The sets of a row as numbers; those of the last row are kept.
    pub(crate) fn prepare(&mut self, row: &Planned) -> Result<Rc<Sets>> {
        self.trainer.prepare(row, &row.training)
    }

    /// How much of the paper is done.
    pub(crate) fn scale(&self) -> Scale {
        self.settings.scale
    }

    /// Whether the run that alone is to be done has not been met.
    pub(crate) fn misses_its_run(&self) -> bool {
        matches!(self.settings.only, Some(Only::Run(_))) && !self.trainer.met
    }

    /// What computes.
    pub(crate) fn device(&self) -> &Device {
        &self.settings.device
    }

    /// The experiment that is being run.
    pub(crate) fn id(&self) -> &'static str {
        self.id
    }

    /// The seeds of the current experiment.
    fn seeds(&self) -> impl Iterator<Item = u64> + use<> {
        let (first, count) = (self.settings.seed, self.seeds);
        (0..count).map(move |i| first.wrapping_add(i))
    }

    /// Trains every row with every seed, draws their curves, and keeps a record of each.
    ///
    /// What another process is at comes last; then this one waits for it.
    pub(crate) fn train_all(&mut self, rows: &[Planned]) -> Result<()> {
        let mut later = Vec::new();
        for row in rows {
            for seed in self.seeds() {
                if let Ended::Busy = self.train_seed(row, seed, Wait::No)? {
                    later.push((row, seed));
                }
            }
        }
        for (row, seed) in later {
            self.train_seed(row, seed, Wait::Yes)?;
        }
        self.draw_curves()
    }

    /// Trains a row with every seed and keeps a record of each.
    pub(crate) fn train(&mut self, row: &Planned) -> Result<()> {
        for seed in self.seeds() {
            self.train_seed(row, seed, Wait::Yes)?;
        }
        Ok(())
    }

    /// Trains a row with the first seed and gives its network back.
    ///
    /// `None` if the run belongs to another shard, or its loss was not a number.
    pub(crate) fn trained(&mut self, row: &Planned) -> Result<Option<Trained>> {
        let seed = self.settings.seed;
        let Ended::Done(run, finished) = self.train_seed(row, seed, Wait::Yes)? else {
            return Ok(None);
        };
        let Some(log) = finished.log.clone() else {
            return Ok(None);
        };
        let weights = self.trainer.store.weights_of(&run, &finished)?;
        let parameters = Parameters::new(seed, DType::F32, &self.settings.device);
        let network = row.training.model.build(&parameters)?;
        parameters.load(&weights, Match::Strict)?;
        Ok(Some(Trained {
            network,
            parameters,
            seed,
            folder: self.trainer.store.folder(&run),
            log,
        }))
    }

    /// Trains a row with one seed, unless that is done, and keeps its record.
    fn train_seed(&mut self, row: &Planned, seed: u64, wait: Wait) -> Result<Ended> {
        if let Some(listed) = &mut self.listed {
            listed.extend(trainings::of(
                self.settings,
                self.id,
                &self.known,
                row,
                seed,
            )?);
            return Ok(Ended::Elsewhere);
        }
        let label = format!("{} {}", self.id, row.label);
        let ended = self
            .trainer
            .finished(row, &row.training, &label, seed, wait)
            .with_context(|| format!("{label} seed {seed}"))?;
        if let Ended::Done(run, finished) = &ended {
            if let Some(log) = &finished.log {
                self.curves.add(&row.label, seed, log);
            }
            if row.training.model.classifies() {
                let mut record = row.record(self.id, self.scale(), "test error", "%")?;
                let chosen = finished.chosen_rate.map(chosen_rate);
                record.notes.extend(chosen);
                let record = match &finished.log {
                    Some(log) => record.trained(seed, log),
                    None => record.value(seed, None),
                };
                let parameters = Some(finished.parameters).filter(|&count| count > 0);
                let record = Record {
                    test_images: Some(row.test_images()),
                    parameters,
                    runs: vec![run.folder()],
                    ..record
                };
                let folder = self.trainer.store.folder(run);
                self.keep_trained(&row.folder(seed), &record, &folder)?;
            }
            self.keep_model(row, seed, run, finished)?;
        }
        Ok(ended)
    }

    /// Draws the test error of every training of the current experiment over its epochs.
    pub(crate) fn draw_curves(&self) -> Result<()> {
        let title = format!("{}: test error", self.id);
        match self.curves.plot(&title, self.seeds) {
            Some(plot) => self.figure("test-error", &plot.draw()?),
            None => Ok(()),
        }
    }

    /// Seed and history of the runs of a row of the current experiment.
    pub(crate) fn logs(&self, label: &str) -> Vec<(u64, TrainLog)> {
        self.curves.of_row(label)
    }

    /// Where the current experiment writes.
    pub(crate) fn folder(&self) -> PathBuf {
        self.settings.out.join(self.id).join(self.scale().name())
    }
}
