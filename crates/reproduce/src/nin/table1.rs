//! Table 1: CIFAR-10 without and with dropout, and with augmentation.
//!
//! Command: `cargo xtask reproduce nin/table1 --scale paper --data DIR`
//! Expected: dropout takes a quarter of the error away; 14.51, 10.41 and 8.81 in the paper.
//! Cost: `--list` prints it.
//! Deviations: `recipe.rs`; images are whitened first and moved afterwards.

use lab::data::Augment;
use lab::report::{Claim, Mark, Scale};
use lab::train::Recipe;
use nin::NinConfig;

use super::recipe;
use crate::experiment::{Experiment, Images};
use crate::training::Training;

/// Without dropout, with it, and with augmentation too.
pub(super) const ROWS: [&str; 3] = ["NIN", "NIN + dropout", "NIN + dropout + augmentation"];

/// The border of the authors' random crops is not known; this is the one of the Maxout code.
const AUGMENT: Augment = Augment {
    flip: true,
    translate: 4,
};

pub(crate) struct Table1;

/// NIN for CIFAR-10 without or with dropout; Figures 3 and 4 train the same.
pub(super) fn training(label: &str, dropout: bool, scale: Scale, images: Images) -> Training {
    let mut config = recipe::config(NinConfig::cifar10(), scale, images);
    if !dropout {
        config.dropout = 0.0;
    }
    recipe::slow_class_maps(recipe::training(label, config, scale), scale)
}

impl Experiment for Table1 {
    fn id(&self) -> &'static str {
        "nin/table1"
    }

    fn title(&self) -> &'static str {
        "CIFAR-10 without and with dropout and augmentation"
    }

    fn data_set(&self) -> &'static str {
        "cifar10"
    }

    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        recipe::embedded(scale)
    }

    fn claims(&self) -> Vec<Claim> {
        let source = "Table 1, CIFAR-10";
        let claim = |(row, value)| super::error(self.id(), row, value, Mark::Verified, source);
        ROWS.into_iter()
            .zip([14.51, 10.41, 8.81])
            .map(claim)
            .collect()
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        recipe::deviations(scale)
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let [plain, dropout, augmented] = ROWS;
        let moved = training(augmented, true, scale, images);
        vec![
            training(plain, false, scale, images),
            training(dropout, true, scale, images),
            Training {
                recipe: Recipe {
                    augment: AUGMENT,
                    ..moved.recipe
                },
                ..moved
            },
        ]
    }
}
