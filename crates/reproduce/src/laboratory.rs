//! The place where experiments run: it gives them data, run folders and a console, and keeps what they measure.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use candle_core::{DType, Device};
use lab::data::{DataError, Dataset, ImageSet, Source, load_folds, load_unlabelled};
use lab::report::{Animation, Claim, Environment, Picture, Plot, Record, Scale, write_records};
use lab::train::{Console, Outcome, Progress, Recipe, Run, Start, StopFlag, TrainError, TrainLog};
use striate::init::Match;
use striate::{Network, Parameters};

use crate::cli::Shard;
use crate::experiment::Experiment;
use crate::training::{Sets, Training};

/// What the command line decided for all runs.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) scale: Scale,
    /// `None`: not given, and the scale needs it.
    pub(crate) source: Option<Source>,
    pub(crate) device: Device,
    /// The first seed.
    pub(crate) seed: u64,
    /// Number of runs with consecutive seeds; `None`: as many as the experiment wants.
    pub(crate) seeds: Option<u64>,
    pub(crate) out: PathBuf,
    pub(crate) resume: bool,
    pub(crate) shard: Option<Shard>,
    /// The command that does all this again.
    pub(crate) command: String,
}

/// Somebody asked the program to stop; what was done is saved.
#[derive(Debug, thiserror::Error)]
#[error(
    "interrupted; what was done is saved, and the same command with --resume goes on from there"
)]
pub(crate) struct Interrupted;

/// Runs experiments.
pub(crate) struct Laboratory<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) console: Console,
    stop: StopFlag,
    environment: Environment,
    current: Option<&'static dyn Experiment>,
    data: HashMap<String, Rc<Dataset>>,
    /// The sets that were prepared last, under what decides them.
    prepared: Option<(String, Rc<Sets>)>,
    /// Runs by everything that decides them, so that two tables can share one.
    done: HashMap<String, Done>,
    /// Number of runs so far, those of other shards included.
    position: usize,
    /// The histories of the current experiment.
    curves: Vec<Curve>,
    /// Gets every record as it is measured.
    on_record: OnRecord<'a>,
}

/// A finished run.
struct Done {
    log: TrainLog,
    parameters: usize,
    /// The trained weights.
    weights: PathBuf,
}

/// The history of one run.
struct Curve {
    label: String,
    seed: u64,
    log: TrainLog,
}

/// A trained network.
pub(crate) struct Trained {
    pub(crate) network: Box<dyn Network>,
    pub(crate) parameters: Parameters,
    pub(crate) seed: u64,
}

/// What is done with a record.
type OnRecord<'a> = Box<dyn Fn(&Record) -> Result<()> + 'a>;

/// Checkpoints are this far apart.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(120);

impl<'a> Laboratory<'a> {
    pub(crate) fn new(
        settings: &'a Settings,
        console: Console,
        stop: StopFlag,
        on_record: impl Fn(&Record) -> Result<()> + 'a,
    ) -> Self {
        Self {
            settings,
            console,
            stop,
            environment: Environment::detect(&settings.device),
            current: None,
            data: HashMap::new(),
            prepared: None,
            done: HashMap::new(),
            position: 0,
            curves: Vec::new(),
            on_record: Box::new(on_record),
        }
    }

    /// How much of the paper is done.
    pub(crate) fn scale(&self) -> Scale {
        self.settings.scale
    }

    /// The seeds of the current experiment.
    pub(crate) fn seeds(&self) -> impl Iterator<Item = u64> + use<> {
        let wanted = self
            .current
            .map(|experiment| experiment.seeds(self.scale()));
        let count = self.settings.seeds.or(wanted).unwrap_or(1);
        let first = self.settings.seed;
        (0..count).map(move |i| first.wrapping_add(i))
    }

    /// Runs an experiment; says why if it cannot be run with these settings.
    pub(crate) fn experiment(
        &mut self,
        experiment: &'static dyn Experiment,
    ) -> Result<Option<String>> {
        let scale = self.scale();
        let (name, source) = match &self.settings.source {
            Some(Source::Embedded) | None => match experiment.embedded(scale) {
                Some(name) => (name, Source::Embedded),
                None => {
                    return Ok(Some(format!(
                        "{} at scale {scale} needs {}: give --data DIR with its files, or --data hub",
                        experiment.id(),
                        experiment.data_set()
                    )));
                }
            },
            Some(source) => (experiment.data_set(), source.clone()),
        };
        let data = match self.load(name, &source) {
            Ok(data) => data,
            // A folder need not hold the sets of all experiments; a damaged set is an error.
            Err(error) if is_absent(&error) => {
                return Ok(Some(format!(
                    "{} cannot have its data: {error}",
                    experiment.id()
                )));
            }
            Err(error) => {
                let context = format!("{} cannot have its data", experiment.id());
                return Err(error.context(context));
            }
        };
        self.current = Some(experiment);
        self.curves.clear();
        experiment.run(self, &data)?;
        Ok(None)
    }

    fn load(&mut self, name: &str, source: &Source) -> Result<Rc<Dataset>> {
        if let Some(data) = self.data.get(name) {
            return Ok(Rc::clone(data));
        }
        let data = Rc::new(lab::data::load(name, source)?);
        for set in [&data.train, &data.test] {
            if set.left_out > 0 {
                let text = format!(
                    "{}: {} images left out, which no label fits",
                    set.name, set.left_out
                );
                self.console.warn(text);
            }
        }
        self.data.insert(name.to_owned(), Rc::clone(&data));
        Ok(data)
    }

    /// Where images come from; embedded ones unless the command line says so.
    fn source(&self) -> Source {
        self.settings.source.clone().unwrap_or(Source::Embedded)
    }

    /// Another data set from where the experiment's own came.
    pub(crate) fn other(&mut self, name: &str) -> Result<Rc<Dataset>> {
        let source = self.source();
        self.load(name, &source)
            .with_context(|| format!("{} needs {name} too", self.id()))
    }

    /// The first images, at most so many, that a data set has for learning without labels; says so if it has none.
    pub(crate) fn unlabelled(&self, name: &str, at_most: usize) -> Result<Option<ImageSet>> {
        let images = load_unlabelled(name, &self.source(), at_most)?;
        if images.is_none() {
            self.console.warn(format!(
                "{}: there are no images without labels beside {name}; the training images alone are used",
                self.id()
            ));
        }
        Ok(images)
    }

    /// The predefined folds of a data set; says so if it has none.
    pub(crate) fn folds(&self, name: &str, train: &ImageSet) -> Result<Option<Vec<Vec<u32>>>> {
        let folds = load_folds(name, &self.source(), train)?;
        if folds.is_none() {
            self.console.warn(format!(
                "{}: there are no predefined folds beside {name}; labels are drawn instead",
                self.id()
            ));
        }
        Ok(folds)
    }

    /// Trains a network once for every seed and keeps a record of each.
    pub(crate) fn train(&mut self, training: &Training, data: &Dataset) -> Result<()> {
        for seed in self.seeds() {
            self.position += 1;
            if self
                .settings
                .shard
                .is_some_and(|shard| !shard.holds(self.position - 1))
            {
                continue;
            }
            let label = &training.label;
            self.train_seed(training, data, seed)
                .with_context(|| format!("{} {label} seed {seed}", self.id()))?;
        }
        Ok(())
    }

    /// One run; gives its weights unless its loss was not a number.
    fn train_seed(
        &mut self,
        training: &Training,
        data: &Dataset,
        seed: u64,
    ) -> Result<Option<PathBuf>> {
        let settings = training.settings(data, seed)?;
        let folder = self
            .folder()
            .join(file_name(&training.label))
            .join(format!("seed-{seed}"));
        let mut recipe = Recipe {
            label: format!("{} {}", self.id(), training.label),
            seed,
            ..training.recipe.clone()
        };
        // The label is no part of what decides a run: two tables may train the same network.
        let identity = Recipe {
            label: String::new(),
            ..recipe.clone()
        };
        let identity = format!("{settings}{}", identity.to_toml()?);
        let device = self.settings.device.clone();
        let record = match self.done.get(&identity) {
            Some(done) => self.record(training, data, seed, Some(&done.log), done.parameters),
            None => {
                let sets = self.prepare(training, data)?;
                if !training.rates.is_empty() {
                    let run = |rate: f64| self.run(folder.join(format!("rate-{rate}")), &settings);
                    let rate = training.choose_rate(&sets, &recipe, &device, run)?;
                    recipe.optimizer = recipe.optimizer.with_lr(rate);
                }
                let mut run = self.run(folder.clone(), &settings)?;
                match training.fit(&sets, &recipe, &device, &mut run) {
                    Ok((log, _)) if log.outcome == Outcome::Interrupted => {
                        return Err(Interrupted.into());
                    }
                    Ok((log, parameters)) => {
                        let done = Done {
                            log: log.clone(),
                            parameters,
                            weights: folder.join("checkpoint/weights.safetensors"),
                        };
                        self.done.insert(identity.clone(), done);
                        self.record(training, data, seed, Some(&log), parameters)
                    }
                    Err(error @ TrainError::NotFinite { .. }) => {
                        self.console.warn(format!("{}: {error}", recipe.label));
                        self.record(training, data, seed, None, 0)
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        };
        let known = |curve: &Curve| curve.label == training.label && curve.seed == seed;
        if let Some(done) = self.done.get(&identity)
            && !self.curves.iter().any(known)
        {
            self.curves.push(Curve {
                label: training.label.clone(),
                seed,
                log: done.log.clone(),
            });
        }
        if training.model.classifies() {
            self.keep(&folder, &record)?;
        }
        Ok(self.done.get(&identity).map(|done| done.weights.clone()))
    }

    /// Trains a network with the first seed and gives it back.
    ///
    /// `None` if the run belongs to another shard, or its loss was not a number.
    pub(crate) fn trained(
        &mut self,
        training: &Training,
        data: &Dataset,
    ) -> Result<Option<Trained>> {
        let seed = self.settings.seed;
        self.position += 1;
        if self
            .settings
            .shard
            .is_some_and(|shard| !shard.holds(self.position - 1))
        {
            return Ok(None);
        }
        let Some(weights) = self.train_seed(training, data, seed)? else {
            return Ok(None);
        };
        let parameters = Parameters::new(seed, DType::F32, &self.settings.device);
        let network = training.model.build(&parameters)?;
        parameters.load(&weights, Match::Strict)?;
        Ok(Some(Trained {
            network,
            parameters,
            seed,
        }))
    }

    /// A run in `folder` with the settings of the command line.
    pub(crate) fn run(&self, folder: PathBuf, settings: &toml::Table) -> Result<Run> {
        self.run_on(folder, settings, &self.console)
    }

    /// The same without progress, for a run that is one of many.
    pub(crate) fn quiet_run(&self, folder: PathBuf, settings: &toml::Table) -> Result<Run> {
        self.run_on(folder, settings, &Console::stderr(Progress::Quiet))
    }

    fn run_on(&self, folder: PathBuf, settings: &toml::Table, console: &Console) -> Result<Run> {
        let start = match self.settings.resume {
            true => Start::Resume,
            false => Start::Afresh,
        };
        let run = Run::in_folder(folder, start, console)?;
        Ok(run
            .settings(settings)?
            .command(&self.settings.command)
            .checkpoint_every(CHECKPOINT_EVERY)
            .stop_flag(&self.stop))
    }

    /// The sets of a training as numbers; those of the last training are kept.
    pub(crate) fn prepare(&mut self, training: &Training, data: &Dataset) -> Result<Rc<Sets>> {
        let key = format!(
            "{} {:?} {:?} {:?}",
            data.name,
            training.counts(data),
            training.preprocess,
            training.scenery
        );
        if let Some((known, sets)) = &self.prepared
            && *known == key
        {
            return Ok(Rc::clone(sets));
        }
        // Large sets: the old ones go before the new ones come.
        self.prepared = None;
        let sets = Rc::new(training.prepare(data, &self.settings.out.join("cache"))?);
        self.prepared = Some((key, Rc::clone(&sets)));
        Ok(sets)
    }

    /// The record of one run; no log means that it gave no number.
    fn record(
        &self,
        training: &Training,
        data: &Dataset,
        seed: u64,
        log: Option<&TrainLog>,
        parameters: usize,
    ) -> Record {
        let claim = Claim::new(self.id(), &training.label, "test error", "%");
        let record = Record::new(&claim, self.described(training, data), self.scale());
        let record = match log {
            Some(log) => record.trained(seed, log),
            None => record.value(seed, None),
        };
        let notes = self
            .current
            .map(|experiment| experiment.deviations(self.scale()));
        Record {
            parameters: (parameters > 0).then_some(parameters),
            notes: notes.unwrap_or_default(),
            ..record
        }
    }

    /// The data of a training as a reader should see it.
    pub(crate) fn described(&self, training: &Training, data: &Dataset) -> String {
        let (train, test) = training.counts(data);
        format!("{} ({train} training and {test} test images)", data.name)
    }

    /// Writes a record to its folder and shows it.
    pub(crate) fn keep(&self, folder: &Path, record: &Record) -> Result<()> {
        let today = chrono::Utc::now().format("%Y-%m-%d").to_string();
        let record = record
            .clone()
            .measured_by(&self.settings.command, today, &self.environment);
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}; choose another --out", folder.display()))?;
        write_records(&folder.join("record.json"), std::slice::from_ref(&record))?;
        (self.on_record)(&record)
    }

    /// Saves a figure of the current experiment.
    pub(crate) fn figure(&self, name: &str, picture: &Picture) -> Result<()> {
        let path = self.folder().join("figures").join(format!("{name}.png"));
        Ok(picture.save(&path)?)
    }

    /// Saves a moving figure of the current experiment.
    pub(crate) fn animation(&self, name: &str, animation: &Animation) -> Result<()> {
        let path = self.folder().join("figures").join(format!("{name}.png"));
        Ok(animation.save(&path)?)
    }

    /// Draws the test error of every training of the current experiment over its epochs.
    pub(crate) fn draw_curves(&self) -> Result<()> {
        let mut plot = Plot::new(
            format!("{}: test error", self.id()),
            "epoch",
            "test error, %",
        );
        let mut drawn = false;
        for Curve { label, seed, log } in &self.curves {
            let label = match self.seeds().count() {
                1 => label.clone(),
                _ => format!("{label}, seed {seed}"),
            };
            let curve = log.test_curve();
            drawn |= curve.len() > 1;
            plot = plot.line(label, curve);
        }
        match drawn {
            true => self.figure("test-error", &plot.draw()?),
            false => Ok(()),
        }
    }

    /// Seed and history of the runs of a row of the current experiment.
    pub(crate) fn logs(&self, label: &str) -> impl Iterator<Item = (u64, &TrainLog)> {
        let of_row = self.curves.iter().filter(move |curve| curve.label == label);
        of_row.map(|curve| (curve.seed, &curve.log))
    }

    /// Where the current experiment writes.
    pub(crate) fn folder(&self) -> PathBuf {
        self.settings.out.join(self.id()).join(self.scale().name())
    }

    fn id(&self) -> &'static str {
        self.current.map_or("", |experiment| experiment.id())
    }
}

/// Whether a data set is not there, as opposed to damaged.
fn is_absent(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<DataError>();
    error.is_some_and(|error| {
        matches!(
            error,
            DataError::NoLayout { .. } | DataError::UnknownName { .. }
        )
    })
}

/// A label as the name of a folder.
pub(crate) fn file_name(label: &str) -> String {
    let part = |c: char| {
        if c.is_ascii_alphanumeric() || "-.+".contains(c) {
            c
        } else {
            '-'
        }
    };
    let name: String = label.chars().map(part).collect();
    let parts: Vec<&str> = name.split('-').filter(|part| !part.is_empty()).collect();
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_become_names() {
        assert_eq!(
            file_name("All-CNN-C, flip and translation"),
            "All-CNN-C-flip-and-translation"
        );
        assert_eq!(file_name("NIN + dropout (100 %)"), "NIN-+-dropout-100");
        assert_eq!(file_name("../x"), "..-x");
    }
}
