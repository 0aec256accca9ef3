//! Table 4: MNIST.
//!
//! Command: `cargo xtask reproduce nin/table4 --scale cpu --data DIR`
//! Expected: 0.47 in the paper.
//! Cost: `--list` prints it.
//! Deviations: `recipe.rs`; images are standardized, where the authors' provider takes the mean image away.

use lab::data::Preprocess;
use lab::report::{Claim, Mark, Scale};
use lab::train::Recipe;
use nin::NinConfig;

use super::recipe;
use crate::experiment::{Experiment, Images};
use crate::training::Training;

/// The row.
const LABEL: &str = "NIN + dropout";
/// Epochs at scale cpu, where the other tables take 20.
const CPU_EPOCHS: usize = 10;

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
        let mut notes = recipe::deviations(scale);
        if scale == Scale::Cpu {
            notes.push(format!(
                "MNIST is trained for {CPU_EPOCHS} epochs, not 20, so that two cores need less than an hour."
            ));
        }
        notes
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let config = recipe::config(NinConfig::mnist(), scale, images);
        let training = recipe::training(LABEL, config, scale);
        let training = recipe::slow_class_maps(training, scale);
        let epochs = match scale {
            Scale::Cpu => CPU_EPOCHS,
            _ => training.recipe.epochs,
        };
        vec![Training {
            preprocess: Preprocess::Standardize,
            recipe: Recipe {
                epochs,
                ..training.recipe
            },
            ..training
        }]
    }
}
