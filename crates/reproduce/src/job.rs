//! Runs: what they are, and the loop that does them one after the other.

use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use allconv::{AllConv, Config, ImageNetConfig, LargeConfig, LayerSpec};
use anyhow::{Context, Result, bail};
use candle_core::{DType, Device};
use lab::data::{Dataset, FloatSet, ImageSet, Source};
use serde::Serialize;
use striate::Parameters;

use crate::claim::Claim;
use crate::cli::Shard;
use crate::experiment::Experiment;
use crate::record::Record;
use crate::scale::Scale;
use crate::table;
use crate::train::{Recipe, train};

/// One network to train.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Row of the table.
    pub(crate) label: String,
    /// What is trained.
    pub(crate) network: NetworkSpec,
    /// How.
    pub(crate) recipe: Recipe,
    /// The paper's number, if it has one for this row.
    pub(crate) claim: Option<Claim>,
}

impl Job {
    /// Number of trainings, the choice of the learning rate included.
    pub(crate) fn candidates(&self) -> usize {
        match self.recipe.learning_rates.len() {
            0 | 1 => 1,
            n => n + 1,
        }
    }
}

/// A network by its configuration.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NetworkSpec {
    /// One of the twelve.
    Cifar(Config),
    /// The large All-CNN.
    Large(LargeConfig),
    /// The ImageNet All-CNN-B.
    ImageNet(ImageNetConfig),
}

impl NetworkSpec {
    /// The layers and the shape of an image.
    pub(crate) fn layers_and_input(&self) -> (Vec<LayerSpec>, (usize, usize, usize)) {
        let (layers, channels, (h, w)) = match self {
            Self::Cifar(config) => (config.layers(), config.in_channels, config.image_size),
            Self::Large(config) => (config.layers(), config.in_channels, config.image_size),
            Self::ImageNet(config) => (config.layers(), config.in_channels, config.image_size),
        };
        (layers, (channels, h, w))
    }

    fn build(&self, parameters: &Parameters) -> candle_core::Result<AllConv> {
        let vb = parameters.builder();
        match self {
            Self::Cifar(config) => AllConv::new(config, vb),
            Self::Large(config) => AllConv::large(config, vb),
            Self::ImageNet(config) => AllConv::imagenet(config, vb),
        }
    }
}

/// What the command line decided for all runs.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) scale: Scale,
    /// `None`: not given, and the scale needs it.
    pub(crate) source: Option<Source>,
    pub(crate) device: Device,
    pub(crate) seeds: Vec<u64>,
    pub(crate) out: PathBuf,
    pub(crate) resume: bool,
    pub(crate) shard: Option<Shard>,
    pub(crate) quiet: bool,
    pub(crate) json: bool,
}

/// What became of an experiment.
pub(crate) struct Outcome {
    pub(crate) experiment: &'static dyn Experiment,
    pub(crate) jobs: Vec<Job>,
    pub(crate) records: Vec<Record>,
    pub(crate) not_run: Option<String>,
}

/// Does all runs, prints their tables and writes the report.
pub(crate) fn run_all(experiments: &[&'static dyn Experiment], settings: &Settings) -> Result<()> {
    let start = Instant::now();
    let mut runner = Runner {
        settings,
        sets: HashMap::new(),
        done: HashMap::new(),
        position: 0,
    };
    let mut outcomes = Vec::new();
    for experiment in experiments {
        outcomes.push(runner.experiment(*experiment)?);
    }
    table::report(&outcomes, settings, start.elapsed())?;
    if outcomes.iter().all(|outcome| outcome.not_run.is_some()) {
        let reasons: Vec<String> = outcomes.iter().filter_map(|o| o.not_run.clone()).collect();
        bail!("nothing was run: {}", reasons.join("; "));
    }
    Ok(())
}

struct Runner<'a> {
    settings: &'a Settings,
    sets: HashMap<String, Rc<Dataset>>,
    /// Records by everything that decides them, so that two tables can share a run.
    done: HashMap<String, Record>,
    position: usize,
}

impl Runner<'_> {
    fn experiment(&mut self, experiment: &'static dyn Experiment) -> Result<Outcome> {
        let settings = self.settings;
        let (name, source) = match &settings.source {
            Some(Source::Embedded) => match experiment.embedded(settings.scale) {
                Some(name) => (name, Source::Embedded),
                None => return Ok(not_run(experiment, settings.scale)),
            },
            Some(source) => (experiment.data_set(), source.clone()),
            None => return Ok(not_run(experiment, settings.scale)),
        };
        if !self.sets.contains_key(name) {
            let set = lab::data::load(name, &source)
                .with_context(|| format!("{} cannot have its data", experiment.id()))?;
            self.sets.insert(name.to_string(), Rc::new(set));
        }
        let data = Rc::clone(&self.sets[name]);
        let set = &data.train;
        let jobs = experiment.jobs(
            settings.scale,
            (set.channels, set.height, set.width),
            set.classes(),
        );
        let mut records = Vec::new();
        for job in &jobs {
            for &seed in &settings.seeds {
                self.position += 1;
                if settings
                    .shard
                    .is_some_and(|shard| !shard.holds(self.position - 1))
                {
                    continue;
                }
                records.push(
                    self.run(experiment, job, &data, seed).with_context(|| {
                        format!("{} {} seed {seed}", experiment.id(), job.label)
                    })?,
                );
            }
        }
        Ok(Outcome {
            experiment,
            jobs,
            records,
            not_run: None,
        })
    }

    fn run(
        &mut self,
        experiment: &dyn Experiment,
        job: &Job,
        data: &Dataset,
        seed: u64,
    ) -> Result<Record> {
        let settings = self.settings;
        let folder = settings
            .out
            .join(experiment.id())
            .join(settings.scale.to_string())
            .join(job.label.replace([' ', ',', '/'], "-"))
            .join(format!("seed-{seed}"));
        let text = describe(job, data, settings.scale, seed)?;
        let known = match settings.resume {
            true => Record::load(&folder).filter(|record| record.settings == text),
            false => None,
        };
        let known = known.or_else(|| self.done.get(&text).cloned());
        let record = match known {
            Some(record) => Record {
                experiment: experiment.id().to_string(),
                label: job.label.clone(),
                ..record
            },
            None => self.measure(experiment, job, data, seed, text.clone())?,
        };
        record.save(&folder)?;
        self.done.insert(text, record.clone());
        if settings.json {
            table::print_json(&record)?;
        }
        Ok(record)
    }

    fn measure(
        &self,
        experiment: &dyn Experiment,
        job: &Job,
        data: &Dataset,
        seed: u64,
        text: String,
    ) -> Result<Record> {
        let start = Instant::now();
        let recipe = &job.recipe;
        let say = |line: String| {
            if !self.settings.quiet {
                eprintln!("{} {}: {line}", experiment.id(), job.label);
            }
        };
        let cut = data.first(
            recipe
                .train_images
                .unwrap_or(usize::MAX)
                .min(data.train.len()),
            recipe
                .test_images
                .unwrap_or(usize::MAX)
                .min(data.test.len()),
        );
        let learning_rate = match recipe.learning_rates.as_slice() {
            [] => bail!("the recipe has no learning rate"),
            [only] => *only,
            several => {
                let (train, held_out) = split(&cut.train);
                let sets = self.prepare(job, &train, &held_out)?;
                let mut best = (f64::INFINITY, several[0]);
                for &rate in several {
                    match self.fit(job, &sets, rate, seed, |_| {}) {
                        Ok((_, error, _)) => {
                            say(format!(
                                "learning rate {rate}: {error:.2} % on held-out training images"
                            ));
                            if error < best.0 {
                                best = (error, rate);
                            }
                        }
                        Err(error) => say(format!("learning rate {rate}: {error:#}")),
                    }
                }
                if best.0.is_infinite() {
                    bail!("no learning rate of {several:?} trains this network; give smaller ones");
                }
                best.1
            }
        };
        let sets = self.prepare(job, &cut.train, &cut.test)?;
        let (loss, error, parameters) = self.fit(job, &sets, learning_rate, seed, say)?;
        let counts = cut.test.class_counts();
        let most = counts.iter().max().copied().unwrap_or(0);
        Ok(Record {
            experiment: experiment.id().to_string(),
            label: job.label.clone(),
            scale: self.settings.scale.to_string(),
            data_set: data.name.clone(),
            train_images: cut.train.len(),
            test_images: cut.test.len(),
            seed,
            parameters,
            learning_rate,
            epochs: recipe.epochs,
            train_loss: loss,
            error,
            chance: 100.0 * (1.0 - most as f64 / cut.test.len().max(1) as f64),
            seconds: start.elapsed().as_secs_f64(),
            threads: rayon::current_num_threads(),
            settings: text,
        })
    }

    /// Both splits as numbers; a whitening is computed once and kept in the cache folder.
    fn prepare(
        &self,
        job: &Job,
        train: &ImageSet,
        test: &ImageSet,
    ) -> Result<(FloatSet, FloatSet)> {
        let cache = self.settings.out.join("cache");
        let fitted = job.recipe.preprocess.fit_cached(train, &cache)?;
        Ok((fitted.apply(train)?, fitted.apply(test)?))
    }

    /// Trains a fresh network; returns its last training loss, its error and its number of parameters.
    fn fit(
        &self,
        job: &Job,
        (train_set, test_set): &(FloatSet, FloatSet),
        learning_rate: f64,
        seed: u64,
        say: impl Fn(String),
    ) -> Result<(f64, f64, usize)> {
        let parameters = Parameters::new(seed, DType::F32, &self.settings.device)
            .with_weights(job.recipe.initializer);
        let network = job.network.build(&parameters)?;
        let epochs = job.recipe.epochs;
        let log = train(
            &network,
            &parameters,
            (train_set, test_set),
            (&job.recipe, learning_rate),
            seed,
            |e| {
                say(format!(
                    "epoch {}/{epochs}, loss {:.3}, test error {:.2} %",
                    e.epoch, e.loss, e.error
                ))
            },
        )?;
        let last = log.last().context("the recipe has no epochs")?;
        if (last.loss - (train_set.classes as f64).ln()).abs() < 1e-3 {
            say(format!(
                "dead start: the loss stayed at ln {} = {:.3}, the network answers at chance",
                train_set.classes, last.loss
            ));
        }
        Ok((last.loss, last.error, parameters.count()))
    }
}

fn not_run(experiment: &'static dyn Experiment, scale: Scale) -> Outcome {
    let what = experiment.data_set();
    Outcome {
        experiment,
        jobs: Vec::new(),
        records: Vec::new(),
        not_run: Some(format!(
            "{} at scale {scale} needs {what}: give --data DIR with its files, or --data hub",
            experiment.id()
        )),
    }
}

/// The last tenth of the training images, held out for the choice of the learning rate.
fn split(train: &ImageSet) -> (ImageSet, ImageSet) {
    let kept = train.len() - train.len() / 10;
    let mut held_out = train.clone();
    held_out.pixels.drain(..kept * train.image_len());
    held_out.labels.drain(..kept);
    (train.first(kept), held_out)
}

/// Everything that decides a run.
fn describe(job: &Job, data: &Dataset, scale: Scale, seed: u64) -> Result<String> {
    #[derive(Serialize)]
    struct All<'a> {
        data_set: &'a str,
        train_available: usize,
        scale: String,
        seed: u64,
        recipe: &'a Recipe,
        network: &'a NetworkSpec,
    }
    Ok(toml::to_string(&All {
        data_set: &data.name,
        train_available: data.train.len(),
        scale: scale.to_string(),
        seed,
        recipe: &job.recipe,
        network: &job.network,
    })?)
}
