//! Table 2: whole house numbers of SVHN, read by a CNN with no, one and four transformers.
//!
//! Command: `cargo xtask reproduce stn/table2 --scale cpu --data DIR`
//! Expected: both ST-CNN read more numbers right than the CNN, and the looser crops of 128 px hurt the CNN most.
//! Cost: `--list` prints it.
//! Deviations: [`Table2::deviations`].

use anyhow::Result;
use lab::data::{Dataset, NUMBER_CLASSES, Preprocess};
use lab::report::{Claim, Scale};
use lab::train::{AdamConfig, LrSchedule, OptimizerConfig, ParamGroup, Recipe, SgdConfig};
use stn::networks::{HouseNumberConfig, Placement};

use super::recipe;
use crate::experiment::{Experiment, Images};
use crate::laboratory::Laboratory;
use crate::scenery::Scenery;
use crate::training::Training;

/// Name, place of the transformers, and the paper's errors on tight and on loose crops.
const ROWS: [(&str, Placement, [f64; 2]); 3] = [
    ("CNN", Placement::None, [4.0, 5.6]),
    ("ST-CNN Single", Placement::Single, [3.7, 3.9]),
    ("ST-CNN Multi", Placement::Multi, [3.6, 3.9]),
];
/// SVHN's training images; the extra ones behind them are for scale paper.
const TRAIN: usize = 33_402;

/// How much of its surroundings a crop shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Crop {
    /// 64 x 64 pixels.
    Tight,
    /// 128 x 128 pixels, looser.
    Loose,
}

impl Crop {
    const ALL: [Self; 2] = [Self::Tight, Self::Loose];

    fn side(self) -> usize {
        match self {
            Self::Tight => 64,
            Self::Loose => 128,
        }
    }

    fn data_set(self) -> &'static str {
        match self {
            Self::Tight => "svhn-numbers-64",
            Self::Loose => "svhn-numbers-128",
        }
    }

    fn label(self, name: &str) -> String {
        format!("{name}, {} px", self.side())
    }
}

pub(crate) struct Table2;

/// Whether these are house numbers, and not digits that numbers are to be made of.
fn are_numbers(images: Images) -> bool {
    images.classes == NUMBER_CLASSES
}

/// Numbers made of digits: side of the image, digits of the longest, least and largest size of a digit in pixels.
///
/// Nothing stands in for the loose crops at scale quick: they would take four times as long.
fn made(crop: Crop, scale: Scale) -> Option<(usize, usize, (f64, f64))> {
    match (scale, crop) {
        (Scale::Smoke, Crop::Tight) => Some((16, 5, (8.0, 12.0))),
        (Scale::Smoke, Crop::Loose) => Some((32, 5, (8.0, 12.0))),
        (_, Crop::Tight) => Some((32, 2, (14.0, 20.0))),
        (_, Crop::Loose) => None,
    }
}

/// The trainings on one kind of crops.
fn of_crop(crop: Crop, scale: Scale, images: Images) -> Vec<Training> {
    let made = made(crop, scale);
    let (side, scenery) = match (are_numbers(images), made) {
        (true, _) => (images.size.1, None),
        (false, None) => return Vec::new(),
        (false, Some((canvas, longest, digit))) => {
            let scenery = Scenery::Numbers {
                canvas,
                longest,
                digit,
            };
            (canvas, Some(scenery))
        }
    };
    let training = |(name, placement, _): (&str, Placement, [f64; 2])| Training {
        label: crop.label(name),
        model: Box::new(config(side, placement, scale)),
        recipe: recipe_of(placement, scale),
        rates: Vec::new(),
        train_images: match scale {
            Scale::Smoke => Some(16),
            Scale::Quick => Some(4_000),
            Scale::Cpu => Some(TRAIN),
            Scale::Paper => None,
        },
        test_images: match scale {
            Scale::Smoke => Some(8),
            Scale::Quick => Some(1_000),
            Scale::Cpu | Scale::Paper => None,
        },
        initializer: None,
        preprocess: match scenery {
            Some(_) => Preprocess::UnitRange,
            None => Preprocess::Standardize,
        },
        scenery,
    };
    ROWS.map(training).into()
}

fn config(side: usize, placement: Placement, scale: Scale) -> HouseNumberConfig {
    let paper = HouseNumberConfig::paper(side, placement);
    let width = match scale {
        Scale::Smoke => 0.05,
        Scale::Quick => 0.125,
        Scale::Cpu => 0.25,
        Scale::Paper => return paper,
    };
    HouseNumberConfig {
        width,
        dropout: 0.0,
        gradient_scale: recipe::gradient_scale(scale),
        ..paper
    }
}

fn recipe_of(placement: Placement, scale: Scale) -> Recipe {
    let adam = |lr: f64| -> OptimizerConfig {
        let config = AdamConfig {
            lr,
            ..AdamConfig::default()
        };
        config.into()
    };
    let sgd = SgdConfig {
        lr: 0.01,
        momentum: 0.9,
        ..SgdConfig::default()
    };
    let falls = LrSchedule::steps_at_fractions(&[1.0 / 3.0, 2.0 / 3.0], 0.1);
    let cosine = LrSchedule::cosine(0.0).warmup(1.0);
    // 400,000 steps of 128 images are 217 epochs of the 235,755 training and extra images.
    let (epochs, batch_size, optimizer, schedule, evaluate_every) = match scale {
        Scale::Smoke => (1, 8, adam(0.002), LrSchedule::cosine(0.0), 1),
        Scale::Quick => (9, 16, adam(0.001), cosine, 9),
        Scale::Cpu => (12, 64, adam(0.001), cosine, 2),
        Scale::Paper => (217, 128, sgd.into(), falls, 10),
    };
    let groups = match (placement, scale) {
        // There the gradient is smaller instead.
        (Placement::None, _) | (_, Scale::Paper) => Vec::new(),
        // Several small nets learn at a rate that a single deep one does not stand.
        (Placement::Multi, Scale::Quick) => vec![ParamGroup::new("st*").lr_factor(0.5)],
        _ => vec![ParamGroup::new("st*").lr_factor(0.1)],
    };
    Recipe {
        schedule,
        evaluate_every,
        groups,
        ..Recipe::new(epochs, batch_size, optimizer)
    }
}

impl Experiment for Table2 {
    fn id(&self) -> &'static str {
        "stn/table2"
    }

    fn title(&self) -> &'static str {
        "whole house numbers without and with transformers"
    }

    fn data_set(&self) -> &'static str {
        Crop::Tight.data_set()
    }

    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        recipe::embedded(scale)
    }

    fn claims(&self) -> Vec<Claim> {
        let column = |(crop, at): (Crop, usize)| {
            ROWS.map(|(name, _, errors)| {
                let source = "Table 2, whole numbers";
                super::error(self.id(), &crop.label(name), errors[at], source)
            })
        };
        Crop::ALL.into_iter().zip(0..).flat_map(column).collect()
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        let crops = "the crops are cut off at the picture's edge, those of 128 px show twice as much along each side (choices of this project)";
        let text = match scale {
            Scale::Smoke => {
                "a smoke run shows that everything works, its numbers mean nothing".to_owned()
            }
            Scale::Quick => "not SVHN: without --data, numbers of one or two embedded MNIST digits, written askew and somewhere on 32x32 pixels, \
                 anew in every epoch, and nothing for the rows of 128 px; 4,000 images, an eighth of the width but for Single's localisation net, no dropout, \
                 9 epochs of Adam at 0.001 with warm-up and cosine instead of 400,000 steps of SGD, a tenth of the rate for Single's localisation net and half of it for Multi's, batch 16"
                .to_owned(),
            Scale::Cpu => format!(
                "the 33,402 training images without the extra ones, a quarter of the width but for Single's localisation net, no dropout, \
                 12 epochs of Adam at 0.001 with warm-up and cosine instead of 400,000 steps of SGD, a tenth of the rate for localisation nets, batch 64; {crops}"
            ),
            Scale::Paper => format!(
                "momentum 0.9 and batches of 128, which the paper does not state, the rate falls to a tenth after each third; {crops}"
            ),
        };
        vec![
            format!("Deviations: {text}."),
            "A number is wrong unless all of its digits, and their count, are right.".to_owned(),
        ]
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let of_crop = |crop: Crop| {
            let (channels, ..) = images.size;
            let images = Images {
                size: match are_numbers(images) {
                    true => (channels, crop.side(), crop.side()),
                    false => images.size,
                },
                ..images
            };
            of_crop(crop, scale, images)
        };
        Crop::ALL.into_iter().flat_map(of_crop).collect()
    }

    fn run(&self, laboratory: &mut Laboratory, data: &Dataset) -> Result<()> {
        let (scale, images) = (laboratory.scale(), Images::of(&data.train));
        for training in of_crop(Crop::Tight, scale, images) {
            laboratory.train(&training, data)?;
        }
        if are_numbers(images) {
            let loose = laboratory.other(Crop::Loose.data_set())?;
            for training in of_crop(Crop::Loose, scale, Images::of(&loose.train)) {
                laboratory.train(&training, &loose)?;
            }
        } else {
            for training in of_crop(Crop::Loose, scale, images) {
                laboratory.train(&training, data)?;
            }
        }
        laboratory.draw_curves()
    }
}
