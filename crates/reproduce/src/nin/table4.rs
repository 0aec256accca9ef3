//! Table 4: MNIST.
//!
//! Command: `cargo xtask reproduce nin/table4 --scale cpu --data DIR`
//! Expected: 0.47 in the paper.
//! Cost: `--list` prints it.
//! Deviations: `recipe.rs`; images are standardized, where the authors' provider takes the mean image away.

use lab::data::Preprocess;
use lab::report::{Claim, Mark, Scale};
use nin::NinConfig;

use super::recipe;
use crate::experiment::{Experiment, Images};
use crate::training::Training;

/// The row.
const LABEL: &str = "NIN + dropout";

pub(crate) struct Table4;

impl Experiment for Table4 {
    fn id(&self) -> &'static str {
        "nin/table4"
    }

    fn title(&self) -> &'static str {
        "MNIST"
    }

    fn data_set(&self) -> &'static str {
        "mnist"
    }

    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        match scale {
            Scale::Smoke | Scale::Quick => Some("mnist"),
            Scale::Cpu | Scale::Paper => None,
        }
    }

    fn claims(&self) -> Vec<Claim> {
        vec![super::error(
            self.id(),
            LABEL,
            0.47,
            Mark::Verified,
            "Table 4, MNIST, 60,000 training images",
        )]
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        recipe::deviations(scale)
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let config = recipe::config(NinConfig::mnist(), scale, images);
        vec![Training {
            preprocess: Preprocess::Standardize,
            ..recipe::slow_class_maps(recipe::training(LABEL, config, scale), scale)
        }]
    }
}
