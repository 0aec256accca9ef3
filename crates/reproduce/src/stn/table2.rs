//! Table 2: whole house numbers of SVHN, read by a CNN with no, one and four transformers.
//!
//! Expected: both ST-CNN read more numbers right than the CNN, and the looser crops of 128 px hurt the CNN most.

use anyhow::Result;
use lab::data::{NUMBER_CLASSES, Preprocess, Synthetic};
use lab::report::{Choice, Finding, Mark, Note, Relation, Scale, Scales, file_name};
use lab::train::{LrSchedule, ParamGroup, Recipe};
use stn::networks::{HouseNumberConfig, HouseNumberNet, Placement};

use super::number_grids;
use super::setup::{MOMENTUM, Optimizer};
use crate::experiment::{Experiment, Row};
use crate::images::{Data, Images};
use crate::planned::Planned;
use crate::session::Session;
use crate::training::{Training, sgd};

/// A setup of section 4.2.
struct Setup {
    /// The part of the paper's maps and units, but for the localisation net of Single.
    width: f64,
    dropout: f32,
    /// The factor of the gradient to the localisation nets, where SGD trains them.
    gradient_scale: f64,
    /// The factor of the rate of the localisation nets of Single and of Multi, where Adam trains them:
    /// several small nets learn at a rate that a single deep one does not stand.
    localisation_rates: [f64; 2],
    optimizer: Optimizer,
    epochs: usize,
    batch_size: usize,
    evaluate_every: usize,
    /// Training and test images; all unless few.
    images: (Option<usize>, Option<usize>),
    /// Numbers made of digits where there are no house numbers, on tight and on loose crops.
    made: [Option<Made>; 2],
}

/// Numbers made of digits: side of the image, digits of the longest, least and largest size of a digit in pixels.
#[derive(Clone, Copy)]
struct Made {
    canvas: usize,
    longest: usize,
    digit: (f64, f64),
}

/// Nothing stands in for the loose crops: they would take four times as long.
const MADE: [Option<Made>; 2] = [
    Some(Made {
        canvas: 32,
        longest: 2,
        digit: (14.0, 20.0),
    }),
    None,
];

/// Appendix A.5, from memory: 400,000 steps of 128 images, which are 217 epochs of the 235,755 training and
/// extra images, a tenth of the rate after every 80,000, weight decay 0.0005.
const PAPER: Setup = Setup {
    width: 1.0,
    dropout: 0.5,
    gradient_scale: 0.1,
    localisation_rates: [1.0, 1.0],
    optimizer: Optimizer::Sgd { lr: 0.01 },
    epochs: 217,
    batch_size: 128,
    evaluate_every: 10,
    images: (None, None),
    made: MADE,
};

const CPU: Setup = Setup {
    width: 0.25,
    dropout: 0.0,
    gradient_scale: 1.0,
    localisation_rates: [0.1, 0.1],
    optimizer: Optimizer::Adam {
        lr: 0.001,
        warmup: 1.0,
    },
    epochs: 12,
    batch_size: 64,
    evaluate_every: 2,
    // SVHN's training images; the extra ones that follow them are for scale paper.
    images: (Some(33_402), None),
    ..PAPER
};

const QUICK: Setup = Setup {
    width: 0.125,
    localisation_rates: [0.1, 0.5],
    epochs: 9,
    batch_size: 16,
    evaluate_every: 9,
    images: (Some(4_000), Some(1_000)),
    ..CPU
};

const SMOKE: Setup = Setup {
    width: 0.05,
    localisation_rates: CPU.localisation_rates,
    optimizer: Optimizer::Adam {
        lr: 0.002,
        warmup: 0.0,
    },
    epochs: 1,
    batch_size: 8,
    evaluate_every: 1,
    images: (Some(16), Some(8)),
    made: [
        Some(Made {
            canvas: 16,
            longest: 5,
            digit: (8.0, 12.0),
        }),
        Some(Made {
            canvas: 32,
            longest: 5,
            digit: (8.0, 12.0),
        }),
    ],
    ..QUICK
};

const SETUPS: Scales<Setup> = Scales::new(PAPER, CPU, QUICK, SMOKE);

const CHOICES: &[Choice] = &[
    MOMENTUM,
    Choice::new(
        "recipe.batch_size",
        "the paper's is from memory, and not certain",
    ),
    Choice::new("preprocess", "the paper does not state it"),
];

/// Crops of 64 x 64 pixels, and looser ones of 128 x 128.
const CROPS: [(usize, Data); 2] = [
    (64, Data::of("svhn-numbers-64").smoke("mnist")),
    (128, Data::of("svhn-numbers-128").smoke("mnist")),
];

/// Name, place of the transformers, and the paper's errors on tight and on loose crops.
const ROWS: [(&str, Placement, [f64; 2]); 3] = [
    ("CNN", Placement::None, [4.0, 5.6]),
    ("ST-CNN Single", Placement::Single, [3.7, 3.9]),
    ("ST-CNN Multi", Placement::Multi, [3.6, 3.9]),
];

/// What the paper claims.
const FINDINGS: &[Finding] = &[
    Finding::of_error(
        "Transformers read more house numbers right on tight crops.",
        "Table 2",
        Relation::Below(&[
            ("ST-CNN Single, 64 px", "CNN, 64 px"),
            ("ST-CNN Multi, 64 px", "CNN, 64 px"),
        ]),
    ),
    Finding::of_error(
        "Transformers read more house numbers right on loose crops.",
        "Table 2",
        Relation::Below(&[
            ("ST-CNN Single, 128 px", "CNN, 128 px"),
            ("ST-CNN Multi, 128 px", "CNN, 128 px"),
        ]),
    ),
];

pub(crate) const TABLE2: Experiment = Experiment::new(
    "stn/table2",
    "whole house numbers without and with transformers",
    CROPS[0].1,
    rows,
)
.choices(&[CHOICES])
.findings(FINDINGS)
.notes(&[
    Note::new("The paper's maps, units, steps, learning rates and weight decay are from memory."),
    Note::new("A number is wrong unless all of its digits, and their count, are right."),
    Note::new(
        "House numbers are cut off at the picture's edge, and loose crops show twice \
         as much along each side: choices of this project.",
    ),
    Note::new(
        "Where there are no house numbers, numbers made of the set's digits stand in, \
         written askew and somewhere on the image, anew in every epoch.",
    ),
])
.run(run);

/// Trains all rows and shows what the transformers of each Multi look at.
fn run(session: &mut Session, rows: &[Planned]) -> Result<()> {
    session.train_all(rows)?;
    for row in rows {
        let config: &HouseNumberConfig = row.config()?;
        if config.placement != Placement::Multi {
            continue;
        }
        let Some(trained) = session.trained(row)? else {
            continue;
        };
        let network = HouseNumberNet::new(config, trained.parameters.builder())?;
        let sets = session.prepare(row)?;
        let picture = number_grids::draw(&network, &sets.1, &row.label)?;
        session.figure(&file_name(&row.label), &picture)?;
    }
    Ok(())
}

fn rows() -> Vec<Row> {
    let of_crop = |(at, (side, data)): (usize, (usize, Data))| {
        ROWS.map(|(name, placement, errors)| {
            Row::new(format!("{name}, {side} px"), move |scale, images| {
                training(placement, at, scale, images)
            })
            .error(errors[at], Mark::Verified, "Table 2, whole numbers")
            .on(data)
        })
    };
    CROPS.into_iter().enumerate().flat_map(of_crop).collect()
}

fn training(placement: Placement, crop: usize, scale: Scale, images: &Images) -> Option<Training> {
    let setup = SETUPS.at(scale);
    let are_numbers = images.classes == NUMBER_CLASSES;
    let made = setup.made[crop].filter(|_| !are_numbers);
    if made.is_none() && !are_numbers {
        return None;
    }
    let config = HouseNumberConfig {
        width: setup.width,
        dropout: setup.dropout,
        gradient_scale: setup.gradient_scale,
        ..HouseNumberConfig::paper(made.map_or(images.size.1, |made| made.canvas), placement)
    };
    let [single, multi] = setup.localisation_rates;
    let factor = match placement {
        Placement::None => 1.0,
        Placement::Single => single,
        Placement::Multi => multi,
    };
    let (optimizer, schedule) = match setup.optimizer {
        Optimizer::Sgd { lr } => {
            let falls = LrSchedule::steps_at_fractions(&[0.2, 0.4, 0.6, 0.8], 0.1);
            (sgd(lr, 0.0005).into(), falls)
        }
        adam => adam.with_schedule(),
    };
    let recipe = Recipe {
        schedule,
        evaluate_every: setup.evaluate_every,
        groups: Vec::from_iter((factor != 1.0).then(|| ParamGroup::new("st*").lr_factor(factor))),
        ..Recipe::new(setup.epochs, setup.batch_size, optimizer)
    };
    Some(Training {
        train_images: setup.images.0,
        test_images: setup.images.1,
        preprocess: match made {
            Some(_) => Preprocess::UnitRange,
            None => Preprocess::Standardize,
        },
        synthetic: made.map(|made| Synthetic::Numbers {
            canvas: made.canvas,
            longest: made.longest,
            digit: made.digit,
        }),
        ..Training::new(config, recipe)
    })
}
