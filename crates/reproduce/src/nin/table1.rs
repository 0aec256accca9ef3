//! Table 1: CIFAR-10 without and with dropout, and with augmentation.
//!
//! Expected: dropout takes more than a fifth of the error away.
//! Images are whitened first and moved afterwards.

use lab::data::Augment;
use lab::report::{Choice, Finding, Mark, Relation};
use lab::train::Recipe;
use nin::NinConfig;

use super::setup::{AT_PLATEAUS, CHOICES, CIFAR10, SETUPS};
use crate::experiment::{Experiment, Row};
use crate::training::Training;

/// The border is that of the Maxout code.
const AUGMENT: Augment = Augment {
    flip: true,
    translate: 4,
};

/// What the paper claims.
const FINDINGS: &[Finding] = &[
    Finding::of_error(
        "Dropout lowers the error by more than a fifth.",
        "Sec. 4.2",
        Relation::AtMostTimes {
            row: "NIN + dropout",
            times: 0.8,
            than: "NIN",
        },
    ),
    Finding::of_error(
        "Augmentation lowers it further.",
        "Table 1",
        Relation::Falls(&["NIN + dropout", "NIN + dropout + augmentation"]),
    ),
];

pub(crate) const TABLE1: Experiment = Experiment::new(
    "nin/table1",
    "CIFAR-10 without and with dropout and augmentation",
    CIFAR10,
    rows,
)
.choices(&[
    CHOICES,
    &[Choice::new(
        "recipe.augment.translate",
        "the border of the authors' random crops is not known; where there is one, it \
         is that of the Maxout code",
    )],
])
.findings(FINDINGS);

fn rows() -> Vec<Row> {
    let augmented = Row::new("NIN + dropout + augmentation", |scale, images| {
        let training = SETUPS.at(scale).training(NinConfig::cifar10(), images);
        Some(Training {
            recipe: Recipe {
                augment: AUGMENT,
                ..training.recipe
            },
            ..training
        })
    });
    let at_plateaus = Row::new(AT_PLATEAUS, |scale, images| {
        let setup = SETUPS.at(scale);
        Some(setup.at_plateaus(setup.training(NinConfig::cifar10(), images)))
    });
    let rows = [without_dropout(), with_dropout(), at_plateaus, augmented];
    let error = |(row, error): (Row, f64)| row.error(error, Mark::Verified, "Table 1, CIFAR-10");
    rows.into_iter()
        .zip([14.51, 10.41, 10.41, 8.81])
        .map(error)
        .collect()
}

/// Figures 3 and 4 train the same.
pub(super) fn without_dropout() -> Row {
    Row::new("NIN", |scale, images| {
        let setup = SETUPS.at(scale);
        Some(setup.without_dropout(NinConfig::cifar10(), images))
    })
}

pub(super) fn with_dropout() -> Row {
    Row::new("NIN + dropout", |scale, images| {
        Some(SETUPS.at(scale).training(NinConfig::cifar10(), images))
    })
}
