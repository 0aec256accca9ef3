//! Table 4: All-CNN-C on CIFAR-10 without and with flips and translations.
//!
//! Command: `cargo xtask reproduce allconv/table4 --scale paper --data DIR`
//! Expected: about two points less error with augmentation; 9.08 and 7.25 in the paper.
//! Cost: `--list` prints it.
//! Deviations: `recipe.rs`; images are whitened first and moved afterwards, with zeros at the border.

use allconv::{Architecture, BaseModel, Variant};
use lab::data::Augment;

use super::recipe;
use crate::claim::Claim;
use crate::experiment::Experiment;
use crate::job::Job;
use crate::scale::Scale;
use crate::train::Recipe;

/// Flips, and translations of up to five pixels.
pub(super) const AUGMENT: Augment = Augment {
    flip: true,
    translate: 5,
};

pub(crate) struct Table4;

impl Experiment for Table4 {
    fn id(&self) -> &'static str {
        "allconv/table4"
    }

    fn title(&self) -> &'static str {
        "All-CNN-C without and with augmentation"
    }

    fn data_set(&self) -> &'static str {
        "cifar10"
    }

    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        recipe::embedded(scale)
    }

    fn jobs(&self, scale: Scale, image: (usize, usize, usize), classes: usize) -> Vec<Job> {
        let architecture = Architecture::new(BaseModel::C, Variant::AllConv);
        let recipe = recipe::recipe(scale);
        let job = |label: &str, augment, error| Job {
            label: format!("{architecture}, {label}"),
            network: recipe::network(architecture, scale, image, classes),
            recipe: Recipe {
                augment,
                ..recipe.clone()
            },
            claim: Some(Claim::verified(
                error,
                "CIFAR-10, 50,000 training images, 350 epochs",
            )),
        };
        vec![
            job("no augmentation", Augment::NONE, 9.08),
            job("flip and translation", AUGMENT, 7.25),
        ]
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        recipe::deviations(scale)
    }
}
