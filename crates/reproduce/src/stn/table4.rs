//! Table 4: MNIST addition. Two digits in two channels, each rotated, scaled and placed on its own; the label is their sum.
//!
//! Command: `cargo xtask reproduce stn/table4 --scale cpu --data DIR`
//! Expected: two transformers straighten one digit each and leave a single one, which must straighten both, far behind.
//! Cost: `--list` prints it.
//! Deviations: `recipe.rs`; a 2x pooling behind the transformers of the FCN, as for RTS; the CNN has a size of its own.

use lab::report::{Claim, Scale};
use lab::train::Recipe;
use stn::networks::{Body, DigitConfig, Transform};

use super::{model, recipe};
use crate::experiment::{Experiment, Images};
use crate::scenery::Scenery;
use crate::training::Training;

/// Name, transformers, their kind, and the paper's error.
type Row = (&'static str, usize, Option<Transform>, f64);

const ROWS: [Row; 8] = [
    ("FCN", 0, None, 47.7),
    (CNN, 0, None, 14.7),
    ("ST-FCN Aff", 1, Some(Transform::Affine), 22.6),
    ("ST-FCN Proj", 1, Some(Transform::Projective), 18.5),
    ("ST-FCN TPS", 1, Some(Transform::Tps), 19.1),
    ("2xST-FCN Aff", 2, Some(Transform::Affine), 9.0),
    ("2xST-FCN Proj", 2, Some(Transform::Projective), 5.9),
    ("2xST-FCN TPS", 2, Some(Transform::Tps), 5.8),
];
const CNN: &str = "CNN";

/// Side of the canvas for digits of 28 x 28.
const CANVAS: usize = 42;

pub(crate) struct Table4;

/// A network for pairs of digits.
fn config(row: Row, scale: Scale, images: Images) -> candle_core::Result<DigitConfig> {
    let (name, transformers, transform, _) = row;
    let side = canvas(images);
    let plain = |body| DigitConfig {
        in_channels: 2,
        classes: (2 * digits(scale, images)).saturating_sub(1),
        gradient_scale: recipe::gradient_scale(scale),
        ..DigitConfig::plain(side, body)
    };
    let (filters, hidden) = match scale {
        Scale::Paper => (64, 256),
        Scale::Cpu => (32, 128),
        Scale::Quick | Scale::Smoke => (8, 64),
    };
    if name == CNN {
        return Ok(plain(Body::Cnn { filters }));
    }
    let with = |count: usize, transform: Option<Transform>| {
        let fcn = plain(Body::Fcn { hidden });
        match transform {
            Some(transform) => fcn.with_transformers(count, transform).pooled(),
            None => fcn,
        }
    };
    let largest = model::parameters(&with(2, Some(Transform::Tps)))?;
    model::sized(&with(transformers, transform), largest)
}

/// Digits that are added: all below this.
fn digits(scale: Scale, images: Images) -> usize {
    match scale {
        Scale::Quick => images.classes.min(3),
        _ => images.classes,
    }
}

/// Many small steps: what one digit says about a sum is little.
fn quick(training: Training) -> Training {
    let training = recipe::at_rate(recipe::lasting(training, 80), 0.001, 0.5);
    Training {
        recipe: Recipe {
            batch_size: 16,
            ..training.recipe
        },
        ..training
    }
}

fn canvas(images: Images) -> usize {
    CANVAS + images.size.1.max(images.size.2).saturating_sub(28)
}

impl Experiment for Table4 {
    fn id(&self) -> &'static str {
        "stn/table4"
    }

    fn title(&self) -> &'static str {
        "MNIST addition"
    }

    fn data_set(&self) -> &'static str {
        "mnist"
    }

    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        recipe::embedded(scale)
    }

    fn claims(&self) -> Vec<Claim> {
        let claim =
            |(name, _, _, value): Row| super::error(self.id(), name, value, "Table 4, App. A.1");
        ROWS.map(claim).into()
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        match scale {
            Scale::Quick => vec![
                "Deviations: digits 0, 1 and 2 alone, since sums of all ten are not learnt in minutes; 80 epochs of Adam at 0.001 instead of SGD, batch 16, \
                 one number of parameters for all FCN and 8 filters in the CNN."
                    .to_owned(),
                "Not run at this scale: projective and TPS transformers.".to_owned(),
            ],
            _ => recipe::deviations(scale),
        }
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let training = |row: Row| {
            let scenery = Scenery::Sum {
                canvas: canvas(images),
                digits: digits(scale, images),
            };
            let config = config(row, scale, images).ok()?;
            let transform = config.transform;
            let training = recipe::training(row.0.to_owned(), config, scenery, scale);
            match (scale, transform) {
                (Scale::Quick, None | Some(Transform::Affine)) => Some(quick(training)),
                (Scale::Quick, Some(_)) => None,
                (_, Some(_)) => Some(recipe::slow_localisation(training, scale)),
                (_, None) => Some(training),
            }
        };
        ROWS.into_iter().filter_map(training).collect()
    }
}
