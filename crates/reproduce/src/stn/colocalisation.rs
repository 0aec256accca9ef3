//! App. A.2: where in these pictures is what they have in common? Nothing is told but that they have something in common.
//!
//! Command: `cargo xtask reproduce stn/colocalisation`
//! Expected: the window finds the digit in all pictures without clutter; among clutter in 75 to 93 % of them, by class.
//! Cost: a classifier of digits and twenty small transformers: a minute on two cores at scale quick.
//! Deviations: [`Colocalisation::deviations`].

use anyhow::Result;
use candle_core::{DType, Result as CandleResult, Tensor};
use lab::data::{Batch, CommonObject, Dataset, FloatSet, Preprocess, common_object};
use lab::report::{Claim, ImageGrid, Mark, Record, Scale};
use lab::train::{
    AdamConfig, Loss, LrSchedule, Objective, Outcome, ParamGroup, Recipe, fit_objective,
};
use stn::networks::{Body, Classifier, CoLocalisation, CoLocalisationConfig, DigitConfig};
use striate::Parameters;
use striate::rng::Clock;

use super::{looked, recipe};
use crate::experiment::{Experiment, Images};
use crate::laboratory::{Interrupted, Laboratory, Trained};
use crate::training::Training;

/// The row of the encoder, which is trained first.
const ENCODER: &str = "encoder: CNN on plain digits";
/// What is measured.
const FOUND: &str = "found";
/// Pictures of a class.
const PICTURES: usize = 100;
/// Margin of the hinge.
const ALPHA: f64 = 1.0;
/// A window counts if it overlaps the digit's frame by more than this.
const OVERLAP: f64 = 0.5;
/// Clutter: none, and the paper's pieces.
const CLUTTER: [(&str, usize); 2] = [("T", 0), ("TC", 16)];
/// The layers of the encoder.
const LAYERS: [&str; 3] = ["conv1", "conv2", "fc."];
/// How much shorter the codes of the hidden layers are than that of the logits.
const HIDDEN: f64 = 2.0;
/// Digits that the encoder's codes are measured on.
const MEASURED: usize = 200;
/// Pictures in the figure.
const SHOWN: usize = 8;

pub(crate) struct Colocalisation;

/// Sizes of the networks for digits of these images.
fn config(scale: Scale, images: Images) -> CoLocalisationConfig {
    let digit = images.size.1.max(images.size.2);
    CoLocalisationConfig {
        side: 3 * digit,
        crop: digit,
        body: Body::Cnn {
            filters: match scale {
                Scale::Paper => 64,
                Scale::Cpu => 32,
                Scale::Quick | Scale::Smoke => 16,
            },
        },
        start: 1.0 / 3.0,
        ..CoLocalisationConfig::digits()
    }
}

/// How a transformer is trained.
fn search(scale: Scale, seed: u64, label: String) -> Recipe {
    let (epochs, batch_size) = match scale {
        Scale::Paper | Scale::Cpu => (200, 25),
        Scale::Quick => (120, 25),
        Scale::Smoke => (1, 50),
    };
    let adam = AdamConfig {
        lr: 0.001,
        ..AdamConfig::default()
    };
    Recipe {
        label,
        seed,
        evaluate_every: epochs,
        schedule: LrSchedule::cosine(0.0),
        // The encoder stays as it is.
        groups: vec![ParamGroup::new("encoder*").lr_factor(0.0)],
        ..Recipe::new(epochs, batch_size, adam)
    }
}

impl Experiment for Colocalisation {
    fn id(&self) -> &'static str {
        "stn/colocalisation"
    }

    fn title(&self) -> &'static str {
        "finding what pictures have in common"
    }

    fn data_set(&self) -> &'static str {
        "mnist"
    }

    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        recipe::embedded(scale)
    }

    fn claims(&self) -> Vec<Claim> {
        let classes = CLUTTER
            .iter()
            .flat_map(|(name, pieces)| (0..10).map(move |class| (row(name, class), *pieces)));
        let claim = |(row, pieces): (String, usize)| {
            let claim = Claim::new(self.id(), row, FOUND, "%").source("App. A.2");
            match pieces {
                0 => claim.value(100.0, Mark::Verified),
                _ => claim,
            }
        };
        let encoder = Claim {
            mark: Mark::Absent,
            ..Claim::new(self.id(), ENCODER, "test error", "%")
        };
        std::iter::once(encoder).chain(classes.map(claim)).collect()
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        let steps = {
            let recipe = search(scale, 0, String::new());
            recipe.epochs * PICTURES.div_ceil(recipe.batch_size)
        };
        vec![format!(
            "Found: the window overlaps the frame of the digit's image by more than half of their union, in 100 pictures of 84x84 that it was trained on. \
             Deviations: {steps} steps of Adam at 0.003 on batches of pictures, windows start at half the side, an encoder trained on plain digits for few epochs; \
             the localisation net as described has 5,947 parameters where the text says 100k; \
             for clutter the paper says 75 to 93 %, by class."
        )]
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let config = config(scale, images);
        let encoder = DigitConfig {
            classes: images.classes,
            ..DigitConfig::plain(config.crop, config.body)
        };
        let (epochs, batch_size) = match scale {
            Scale::Paper | Scale::Cpu => (4, 64),
            Scale::Quick => (8, 32),
            Scale::Smoke => (1, 32),
        };
        let adam = AdamConfig {
            lr: 0.002,
            ..AdamConfig::default()
        };
        vec![Training {
            label: ENCODER.to_owned(),
            model: Box::new(encoder),
            recipe: Recipe {
                schedule: LrSchedule::cosine(0.0),
                ..Recipe::new(epochs, batch_size, adam)
            },
            rates: Vec::new(),
            train_images: match scale {
                Scale::Smoke => Some(200),
                _ => None,
            },
            test_images: match scale {
                Scale::Smoke => Some(20),
                _ => None,
            },
            initializer: None,
            preprocess: Preprocess::UnitRange,
            scenery: None,
        }]
    }

    fn run(&self, laboratory: &mut Laboratory, data: &Dataset) -> Result<()> {
        let images = Images::of(&data.train);
        let trainings = self.trainings(laboratory.scale(), images);
        let Some(training) = trainings.first() else {
            return Ok(());
        };
        let Some(encoder) = laboratory.trained(training, data)? else {
            return Ok(());
        };
        let sets = laboratory.prepare(training, data)?;
        let digits = sets.0.split_at(MEASURED).0;
        let shape = (digits.len(), 1, digits.height, digits.width);
        let digits = Tensor::from_slice(&digits.images, shape, &laboratory.settings.device)?;
        let weights = scaled(&config(laboratory.scale(), images), &encoder, &digits)?;
        for (name, pieces) in CLUTTER {
            let mut figure = ImageGrid::new(format!("{name}: the window, first pictures"));
            for class in 0..images.classes as u32 {
                let common = common_object(
                    &sets.0,
                    class,
                    PICTURES,
                    config(laboratory.scale(), images).side,
                    pieces,
                    encoder.seed,
                )?;
                let windows = self.find(
                    laboratory,
                    images,
                    (&weights, encoder.seed),
                    (name, class),
                    &common,
                )?;
                let overlaps = windows
                    .iter()
                    .zip(&common.boxes)
                    .map(|(a, b)| overlap(a, b));
                let found = overlaps.filter(|&share| share > OVERLAP).count();
                let percent = 100.0 * found as f64 / PICTURES as f64;
                let claim = Claim::new(self.id(), row(name, class), FOUND, "%");
                let dataset = laboratory.described(training, data);
                let record = Record::new(&claim, dataset, laboratory.scale())
                    .value(encoder.seed, Some(percent));
                laboratory.keep(&folder(laboratory, name, class), &record)?;
                figure.row(class.to_string(), pictures(&common.pictures, &windows)?);
            }
            laboratory.figure(name, &figure.draw()?)?;
        }
        Ok(())
    }
}

impl Colocalisation {
    /// Trains a transformer on the pictures of one class and gives its windows.
    fn find(
        &self,
        laboratory: &Laboratory,
        images: Images,
        (encoder, seed): (&[(String, Tensor)], u64),
        (name, class): (&str, u32),
        common: &CommonObject,
    ) -> Result<Vec<[f64; 4]>> {
        let config = config(laboratory.scale(), images);
        let device = &laboratory.settings.device;
        let parameters = Parameters::new(seed, DType::F32, device);
        let network = CoLocalisation::new(&config, parameters.builder())?;
        encoder_weights(&parameters, encoder)?;
        let mut settings = toml::Table::new();
        settings.insert("network".to_owned(), toml::Value::try_from(&config)?);
        settings.insert("pictures".to_owned(), row(name, class).into());
        let mut run = laboratory.quiet_run(folder(laboratory, name, class), &settings)?;
        let label = format!("{} {}", self.id(), row(name, class));
        let recipe = search(laboratory.scale(), seed, label);
        let objective = Search {
            network: &network,
            clock: Clock::new(seed),
        };
        let sets = (&common.pictures, &common.pictures);
        let log = fit_objective(&objective, &parameters, sets.0, sets.1, &recipe, &mut run)?;
        if log.outcome == Outcome::Interrupted {
            return Err(Interrupted.into());
        }
        let (c, h, w) = (1, config.side, config.side);
        let values = common.pictures.images.to_vec();
        let xs = Tensor::from_vec(values, (common.pictures.len(), c, h, w), device)?;
        Ok(CoLocalisation::boxes(
            &network.transform(&xs)?.theta,
            config.side,
        )?)
    }
}

/// Puts the trained weights into the encoder.
fn encoder_weights(parameters: &Parameters, encoder: &[(String, Tensor)]) -> CandleResult<()> {
    for (name, var) in parameters.named() {
        let own = |(own, _): &&(String, Tensor)| name.strip_prefix("encoder.") == Some(own);
        if let Some((_, value)) = encoder.iter().find(&own) {
            var.set(value)?;
        }
    }
    Ok(())
}

/// The encoder's weights, scaled so that each of the three codes has a mean square length of 1 over `digits`.
///
/// ReLU and pooling commute with a positive factor, so the answers of the classifier stay the same,
/// but the distances that the hinge compares with its margin of 1 are of that order.
fn scaled(
    config: &CoLocalisationConfig,
    encoder: &Trained,
    digits: &Tensor,
) -> Result<Vec<(String, Tensor)>> {
    let vb = encoder.parameters.builder();
    let classifier = Classifier::new(config.body, 1, config.crop, 10, vb)?;
    let mut lengths = Vec::new();
    for code in classifier.activations(digits)? {
        let square = code
            .sqr()?
            .sum_all()?
            .to_dtype(DType::F64)?
            .to_scalar::<f64>()?;
        lengths.push(
            if lengths.len() < 2 { HIDDEN } else { 1.0 }
                * (square / digits.dim(0)? as f64)
                    .sqrt()
                    .max(f64::MIN_POSITIVE),
        );
    }
    let before = |at: usize| {
        at.checked_sub(1)
            .and_then(|at| lengths.get(at))
            .copied()
            .unwrap_or(1.0)
    };
    let mut weights = Vec::new();
    for (name, var) in encoder.parameters.named() {
        let layer = LAYERS
            .iter()
            .position(|layer| name.starts_with(layer))
            .unwrap_or_default();
        let length = lengths.get(layer).copied().unwrap_or(1.0);
        let factor = match name.ends_with(".weight") {
            true => before(layer) / length,
            false => 1.0 / length,
        };
        weights.push((name, (var.as_tensor() * factor)?.detach()));
    }
    Ok(weights)
}

/// The triplet loss as an objective; there are no classes to predict.
struct Search<'a> {
    network: &'a CoLocalisation,
    clock: Clock,
}

impl Objective for Search<'_> {
    fn loss(&self, batch: &Batch) -> CandleResult<Loss> {
        let mut draws = self.clock.stream("random-window");
        self.clock.tick();
        let (total, _) = self.network.loss(&batch.xs, ALPHA, &mut draws)?;
        Ok(Loss::new(total))
    }

    fn predict(&self, xs: &Tensor) -> CandleResult<Tensor> {
        Tensor::zeros((xs.dim(0)?, 1), DType::F32, xs.device())
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }
}

fn row(name: &str, class: u32) -> String {
    format!("{name}, digit {class}")
}

fn folder(laboratory: &Laboratory, name: &str, class: u32) -> std::path::PathBuf {
    laboratory.folder().join(name).join(class.to_string())
}

/// The intersection of two boxes (left, top, right, bottom) as a share of their union.
fn overlap(a: &[f64; 4], b: &[f64; 4]) -> f64 {
    let area =
        |&[left, top, right, bottom]: &[f64; 4]| (right - left).max(0.0) * (bottom - top).max(0.0);
    let both = area(&[
        a[0].max(b[0]),
        a[1].max(b[1]),
        a[2].min(b[2]),
        a[3].min(b[3]),
    ]);
    both / (area(a) + area(b) - both).max(f64::MIN_POSITIVE)
}

/// The first pictures with their windows.
fn pictures(set: &FloatSet, windows: &[[f64; 4]]) -> Result<Vec<lab::report::Picture>> {
    let mut pictures = Vec::new();
    for (index, window) in windows.iter().enumerate().take(SHOWN) {
        let Some(image) = set.image(index) else { break };
        let image = Tensor::from_slice(image, (set.height, set.width), &candle_core::Device::Cpu)?;
        pictures.push(looked::with_box(&image, window)?);
    }
    Ok(pictures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps() {
        let unit = [0.0, 0.0, 2.0, 2.0];
        assert_eq!(overlap(&unit, &unit), 1.0);
        assert_eq!(overlap(&unit, &[2.0, 0.0, 4.0, 2.0]), 0.0);
        assert!((overlap(&unit, &[1.0, 0.0, 3.0, 2.0]) - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(overlap(&unit, &[5.0, 5.0, 4.0, 4.0]), 0.0);
    }
}
