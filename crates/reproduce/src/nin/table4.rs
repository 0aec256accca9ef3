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

/// Epochs of this table where they are not those of the other tables.
fn epochs(scale: Scale) -> Option<usize> {
    match scale {
        // Digits are small images, so more of them fit into minutes,
        Scale::Quick => Some(20),
        // and two cores need less than an hour for these.
        Scale::Cpu => Some(10),
        Scale::Smoke | Scale::Paper => None,
    }
}

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
        let epochs = epochs(scale).map(|epochs| format!("MNIST is trained for {epochs} epochs."));
        notes.extend(epochs);
        notes
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let config = recipe::config(NinConfig::mnist(), scale, images);
        let training = recipe::training(LABEL, config, scale);
        let training = recipe::slow_class_maps(training, scale);
        let epochs = epochs(scale).unwrap_or(training.recipe.epochs);
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
