//! A training: one network, its recipe and its data; one row of a table.

use std::path::Path;

use anyhow::{Context, Result, bail};
use candle_core::{DType, Device};
use lab::data::{Dataset, FloatSet, Preprocess};
use lab::train::{Recipe, Run, TrainError, TrainLog, fit};
use serde::Serialize;
use striate::{Initializer, Network, Parameters};

use crate::scenery::Scenery;

/// A network that can be built anew for every run.
pub(crate) trait Model {
    /// Builds it.
    fn build(&self, parameters: &Parameters) -> candle_core::Result<Box<dyn Network>>;

    /// Everything that makes it what it is, for `config.toml`.
    fn settings(&self) -> Result<toml::Table>;

    /// Multiplications of one forward pass of one image.
    fn multiplications(&self) -> f64;

    /// What training reaches at full width on two cores, in GFLOP/s, preparation and evaluation included.
    ///
    /// For `--list` alone; models whose speed was measured say so.
    fn gflops(&self) -> f64 {
        100.0
    }

    /// Whether it gives class scores, so that a test error is its result.
    fn classifies(&self) -> bool {
        true
    }

    /// Builds and trains it; as a classifier, unless a model minimizes something else.
    fn fit(
        &self,
        parameters: &Parameters,
        (train, test): &Sets,
        recipe: &Recipe,
        run: &mut Run,
    ) -> Result<TrainLog, TrainError> {
        let network = self.build(parameters)?;
        fit(network.as_ref(), parameters, train, test, recipe, run)
    }
}

/// One network to train.
pub(crate) struct Training {
    /// The row of the table.
    pub(crate) label: String,
    /// What is trained.
    pub(crate) model: Box<dyn Model>,
    /// How; label and seed are filled in for every run.
    pub(crate) recipe: Recipe,
    /// Learning rates of which the best on held-out training images is taken; none: the recipe's own.
    pub(crate) rates: Vec<f64>,
    /// Training images; all unless set.
    pub(crate) train_images: Option<usize>,
    /// Test images; all unless set.
    pub(crate) test_images: Option<usize>,
    /// The draw of the weights; the model's own unless set.
    pub(crate) initializer: Option<Initializer>,
    /// Bytes to numbers.
    pub(crate) preprocess: Preprocess,
    /// What is made of the images; nothing unless set.
    pub(crate) scenery: Option<Scenery>,
}

/// Both splits as numbers.
pub(crate) type Sets = (FloatSet, FloatSet);

impl Training {
    /// Number of times that the network is trained, the choice of the learning rate included.
    pub(crate) fn candidates(&self) -> usize {
        match self.rates.len() {
            0 => 1,
            n => n + 1,
        }
    }

    /// Everything that decides a run of `seed`, but for the recipe.
    pub(crate) fn settings(&self, data: &Dataset, seed: u64) -> Result<toml::Table> {
        #[derive(Serialize)]
        struct Settings<'a> {
            data_set: &'a str,
            train_images: usize,
            test_images: usize,
            seed: u64,
            rates: &'a [f64],
            #[serde(skip_serializing_if = "Option::is_none")]
            initializer: Option<&'a Initializer>,
            preprocess: &'a Preprocess,
            #[serde(skip_serializing_if = "Option::is_none")]
            scenery: Option<&'a Scenery>,
            model: toml::Table,
        }
        let (train_images, test_images) = self.counts(data);
        Ok(toml::Table::try_from(Settings {
            data_set: &data.name,
            train_images,
            test_images,
            seed,
            rates: &self.rates,
            initializer: self.initializer.as_ref(),
            preprocess: &self.preprocess,
            scenery: self.scenery.as_ref(),
            model: self.model.settings()?,
        })?)
    }

    /// Training and test images that are used of `data`.
    pub(crate) fn counts(&self, data: &Dataset) -> (usize, usize) {
        (
            self.train_images
                .unwrap_or(usize::MAX)
                .min(data.train.len()),
            self.test_images.unwrap_or(usize::MAX).min(data.test.len()),
        )
    }

    /// Both splits as numbers; a whitening is computed once and kept in `cache`.
    pub(crate) fn prepare(&self, data: &Dataset, cache: &Path) -> Result<Sets> {
        let (train, test) = self.counts(data);
        let cut = data.first(train, test);
        let fitted = self.preprocess.fit_cached(&cut.train, cache)?;
        let sets = (fitted.apply(&cut.train)?, fitted.apply(&cut.test)?);
        match self.scenery {
            Some(scenery) => scenery.apply(sets),
            None => Ok(sets),
        }
    }

    /// Trains a fresh network of `recipe.seed`; gives its history and its number of parameters.
    pub(crate) fn fit(
        &self,
        sets: &Sets,
        recipe: &Recipe,
        device: &Device,
        run: &mut Run,
    ) -> Result<(TrainLog, usize), TrainError> {
        let parameters = Parameters::new(recipe.seed, DType::F32, device);
        let parameters = match self.initializer {
            Some(initializer) => parameters.with_weights(initializer),
            None => parameters,
        };
        let log = self.model.fit(&parameters, sets, recipe, run)?;
        Ok((log, parameters.count()))
    }

    /// The learning rate with the least error on a held-out tenth of the labelled training images.
    ///
    /// `run` gives the run of a rate; a rate whose loss is not a number is passed over.
    pub(crate) fn choose_rate(
        &self,
        (train, _): &Sets,
        recipe: &Recipe,
        device: &Device,
        mut run: impl FnMut(f64) -> Result<Run>,
    ) -> Result<f64> {
        let sets = train.hold_out(train.labelled() / 10);
        let mut best: Option<(f64, f64)> = None;
        for &rate in &self.rates {
            let mut run = run(rate)?;
            let console = run.console().clone();
            let candidate = Recipe {
                label: format!("{}, learning rate {rate}", recipe.label),
                optimizer: recipe.optimizer.with_lr(rate),
                ..recipe.clone()
            };
            let error = match self.fit(&sets, &candidate, device, &mut run) {
                Ok((log, _)) if log.outcome == lab::train::Outcome::Interrupted => {
                    return Err(crate::laboratory::Interrupted.into());
                }
                Ok((log, _)) => log.final_error().context("the recipe has no epochs")?,
                Err(error @ TrainError::NotFinite { .. }) => {
                    console.warn(format!("{}: {error}", candidate.label));
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            console.note(format!(
                "{}: {error:.2}% on held-out training images",
                candidate.label
            ));
            if best.is_none_or(|(least, _)| error < least) {
                best = Some((error, rate));
            }
        }
        match best {
            Some((_, rate)) => Ok(rate),
            None => bail!(
                "no learning rate of {:?} trains this network; give smaller ones",
                self.rates
            ),
        }
    }
}
