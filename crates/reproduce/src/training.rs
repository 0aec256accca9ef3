//! A training: one network, its recipe and what is made of its data.

use std::path::Path;
use std::rc::Rc;

use anyhow::{Result, bail};
use candle_core::{DType, Device};
use lab::data::{CacheUse, Dataset, Fitted, FloatSet, ImageSet, Preprocess, Synthetic};
use lab::report::Choice;
use lab::train::{AdamConfig, Console, DeadStart, Recipe, Run, SgdConfig, TrainError, TrainLog};
use serde::Serialize;
use striate::{Initializer, Parameters};

use crate::model::{Model, Sets};

/// How a learning rate is chosen where several are tried.
pub(crate) const CHOSEN_RATE: Choice = Choice::new(
    "rates",
    "the rate of each network is chosen on held-out training images, never on test images",
);

/// One network to train.
#[derive(Clone)]
pub(crate) struct Training {
    /// What is trained.
    pub(crate) model: Rc<dyn Model>,
    /// How; label and seed are filled in for every run.
    pub(crate) recipe: Recipe,
    /// Learning rates of which the best on held-out training images is taken; none: the recipe's own.
    pub(crate) rates: Vec<f64>,
    /// Epochs of such a trial; as many as the training has unless set.
    pub(crate) trial_epochs: Option<usize>,
    /// A tenth of the labelled training images takes the place of the test images, to choose a rate.
    pub(crate) held_out: bool,
    /// Training images; all unless set.
    pub(crate) train_images: Option<usize>,
    /// Test images; all unless set.
    pub(crate) test_images: Option<usize>,
    /// The draw of the weights; the model's own unless set.
    pub(crate) initializer: Option<Initializer>,
    /// Bytes to numbers.
    pub(crate) preprocess: Preprocess,
    /// What is made of the images; nothing unless set.
    pub(crate) synthetic: Option<Synthetic>,
}

/// Everything that decides a run, but for the recipe, as `config.toml` has it.
#[derive(Serialize)]
struct Settings<'a> {
    data_set: &'a str,
    train_images: usize,
    test_images: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_sha256: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    rates: &'a [f64],
    #[serde(skip_serializing_if = "Option::is_none")]
    trial_epochs: Option<usize>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    held_out: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    initializer: Option<&'a Initializer>,
    preprocess: &'a Preprocess,
    #[serde(skip_serializing_if = "Option::is_none")]
    synthetic: Option<&'a Synthetic>,
    model: toml::Table,
}

impl Training {
    /// A training on all images, as they are but for their range of 0 to 1.
    pub(crate) fn new(model: impl Model, recipe: Recipe) -> Self {
        Self {
            model: Rc::new(model),
            recipe,
            rates: Vec::new(),
            trial_epochs: None,
            held_out: false,
            train_images: None,
            test_images: None,
            initializer: None,
            preprocess: Preprocess::UnitRange,
            synthetic: None,
        }
    }

    /// The same with the epochs and learning rates that a command line gives.
    pub(crate) fn with(mut self, epochs: Option<usize>, rates: &[f64]) -> Self {
        if let Some(epochs) = epochs {
            self.recipe.epochs = epochs;
            self.trial_epochs = self.trial_epochs.map(|trial| trial.min(epochs));
        }
        match *rates {
            [] => {}
            // There is nothing to choose.
            [rate] => {
                self.recipe.optimizer = self.recipe.optimizer.with_lr(rate);
                self.rates.clear();
                self.trial_epochs = None;
            }
            [..] => rates.clone_into(&mut self.rates),
        }
        self
    }

    /// The same at a learning rate that is judged on held-out training images.
    fn candidate(&self, rate: f64) -> Self {
        Self {
            recipe: Recipe {
                optimizer: self.recipe.optimizer.with_lr(rate),
                dead_start: DeadStart::GiveUp,
                epochs: self.trial_epochs.unwrap_or(self.recipe.epochs),
                ..self.recipe.clone()
            },
            rates: Vec::new(),
            trial_epochs: None,
            held_out: true,
            ..self.clone()
        }
    }

    /// A training at each rate that is tried, with what it is called.
    pub(crate) fn candidates(&self, label: &str) -> Vec<(f64, String, Self)> {
        let candidate = |&rate: &f64| {
            let label = format!("{label}, learning rate {rate}");
            (rate, label, self.candidate(rate))
        };
        self.rates.iter().map(candidate).collect()
    }

    /// Everything that decides a run on images of `data_set`, but for the recipe.
    pub(crate) fn settings(
        &self,
        data_set: &str,
        (train, test): (usize, usize),
        data_sha256: Option<&str>,
        seed: Option<u64>,
    ) -> Result<toml::Table> {
        let (train_images, test_images) = self.counts(train, test);
        Ok(toml::Table::try_from(Settings {
            data_set,
            train_images,
            test_images,
            data_sha256,
            seed,
            rates: &self.rates,
            trial_epochs: self.trial_epochs,
            held_out: self.held_out,
            initializer: self.initializer.as_ref(),
            preprocess: &self.preprocess,
            synthetic: self.synthetic.as_ref(),
            model: self.model.settings()?,
        })?)
    }

    /// Settings and recipe as one table, for any images.
    pub(crate) fn resolved(&self, data_set: &str, counts: (usize, usize)) -> Result<toml::Table> {
        let mut table = self.settings(data_set, counts, None, None)?;
        let recipe: toml::Table = self.recipe.to_toml()?.parse()?;
        table.insert("recipe".to_owned(), recipe.into());
        Ok(table)
    }

    /// Training and test images that are used of so many.
    pub(crate) fn counts(&self, train: usize, test: usize) -> (usize, usize) {
        (
            self.train_images.unwrap_or(usize::MAX).min(train),
            self.test_images.unwrap_or(usize::MAX).min(test),
        )
    }

    /// The preprocessing, fitted to the training images that are used; a whitening is computed once and kept in `cache`.
    pub(crate) fn fitted(
        &self,
        data: &Dataset,
        cache: &Path,
        console: &Console,
    ) -> Result<(Fitted, Dataset)> {
        let (train, test) = self.counts(data.train.len(), data.test.len());
        let cut = data.first(train, test);
        let fitted = self.preprocess.fit_cached(&cut.train, cache)?;
        if let CacheUse::Replaced(reason) | CacheUse::Failed(reason) = &fitted.cache {
            console.warn(format!("the kept whitening: {reason}"));
        }
        Ok((fitted, cut))
    }

    /// Both splits as numbers.
    pub(crate) fn prepare(&self, data: &Dataset, cache: &Path, console: &Console) -> Result<Sets> {
        let (fitted, cut) = self.fitted(data, cache, console)?;
        let test = fitted.apply(&cut.test)?;
        match self.synthetic {
            Some(synthetic) => Ok(synthetic.apply((fitted.apply(&cut.train)?, test))?),
            None => Ok((numbers(&fitted, &cut.train, cache, console)?, test)),
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

    /// The sets of this training: with held-out images for test images where it is a trial.
    pub(crate) fn of_prepared(&self, sets: Rc<Sets>) -> Result<Rc<Sets>> {
        if !self.held_out {
            return Ok(sets);
        }
        let train = &sets.0;
        let held_out = held_out_images(train.labelled())?;
        Ok(Rc::new(match (self.synthetic, train.source()) {
            // A scene may show several images, and held-out ones are not changed for training.
            (Some(synthetic), Some(images)) => synthetic.apply(images.hold_out(held_out))?,
            _ => train.hold_out(held_out),
        }))
    }
}

/// A tenth of so many labelled images, and at least one.
fn held_out_images(labelled: usize) -> Result<usize> {
    if labelled < 2 {
        bail!(
            "--rates: a rate is chosen on held-out training images, and of the {labelled} here none can be; give one rate"
        );
    }
    Ok((labelled / 10).max(1))
}

/// The images as numbers, which go to a file in `folder` where they would take much of the memory.
fn numbers(fitted: &Fitted, set: &ImageSet, folder: &Path, console: &Console) -> Result<FloatSet> {
    /// 256 MiB; all of MNIST takes 180.
    const IN_MEMORY: usize = (256 << 20) / size_of::<f32>();
    if set.streamed.is_some() || set.pixels.len() <= IN_MEMORY {
        return Ok(fitted.apply(set)?);
    }
    let written = std::fs::create_dir_all(folder)
        .map_err(anyhow::Error::from)
        .and_then(|()| Ok(fitted.apply_to_file(set, folder)?));
    match written {
        Ok(set) => Ok(set),
        Err(error) => {
            console.warn(format!(
                "the preprocessed images stay in memory, {} MB: {error:#}",
                set.pixels.len() * size_of::<f32>() / 1_000_000
            ));
            Ok(fitted.apply(set)?)
        }
    }
}

/// Stochastic gradient descent with the usual momentum of 0.9.
pub(crate) fn sgd(lr: f64, weight_decay: f64) -> SgdConfig {
    SgdConfig {
        lr,
        momentum: 0.9,
        weight_decay,
        ..SgdConfig::default()
    }
}

/// Adam with its usual constants.
pub(crate) fn adam(lr: f64) -> AdamConfig {
    AdamConfig {
        lr,
        ..AdamConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::data::HeavyAugment;

    /// The sets of a trial on twenty images, of which the last two are of another class, and what is made of them.
    fn trial(synthetic: Option<Synthetic>) -> Result<Rc<Sets>> {
        let labels = (0..20).map(|image| u32::from(image >= 18)).collect();
        let images = (0..80).map(|value| value as f32).collect();
        let set = FloatSet::new((1, 2, 2), images, labels, 2)?;
        let sets = (set.clone(), set);
        let sets = match synthetic {
            Some(synthetic) => synthetic.apply(sets)?,
            None => sets,
        };
        let recipe = Recipe::new(1, 8, sgd(0.1, 0.0));
        let training = Training {
            held_out: true,
            synthetic,
            ..Training::new(allconv::Config::all_cnn_c(), recipe)
        };
        training.of_prepared(Rc::new(sets))
    }

    #[test]
    fn no_scene_shows_kept_and_held_out_images() -> Result<()> {
        let sets = trial(Some(Synthetic::Sum {
            canvas: 4,
            digits: 2,
        }))?;
        let (kept, held_out) = &*sets;
        assert_eq!((kept.len(), held_out.len()), (18, 2));
        // The sum of one image of each part is 1.
        for seed in 0..5 {
            let drawn = kept.rendered(seed);
            assert!(drawn.labels.iter().all(|&label| label == 0));
        }
        assert_eq!(*held_out.labels, [2, 2]);
        Ok(())
    }

    #[test]
    fn held_out_images_are_not_changed_for_training() -> Result<()> {
        let heavy = HeavyAugment {
            canvas: 4,
            enlarge: 1.0,
            scale: 1.3,
            degrees: 15.0,
            shift: 1.0,
            color: 0.2,
            flip: true,
        };
        let sets = trial(Some(Synthetic::Heavy(heavy)))?;
        let (kept, held_out) = &*sets;
        assert_ne!(kept.rendered(0).images, kept.rendered(1).images);
        assert_eq!(held_out.rendered(0).images, held_out.rendered(1).images);
        Ok(())
    }

    #[test]
    fn without_scenes_the_last_tenth_is_held_out() -> Result<()> {
        let sets = trial(None)?;
        let (kept, held_out) = &*sets;
        assert_eq!((kept.images.len(), held_out.images[0]), (72, 72.0));
        Ok(())
    }

    #[test]
    fn a_tenth_is_held_out_and_at_least_one() -> Result<()> {
        for (labelled, wanted) in [(2, 1), (8, 1), (19, 1), (60_000, 6_000)] {
            assert_eq!(held_out_images(labelled)?, wanted);
        }
        let error = held_out_images(1).expect_err("one image").to_string();
        assert!(
            error.starts_with("--rates: ") && error.contains("of the 1 here"),
            "{error}"
        );
        Ok(())
    }
}
