//! Table 5: All-CNN-C on CIFAR-100.
//!
//! Command: `cargo xtask reproduce allconv/table5 --scale paper --data DIR`
//! Expected: 33.71 in the paper.
//! Cost: `--list` prints it.
//! Deviations: `recipe.rs`; the paper does not say whether images were augmented, here they are.

use allconv::{Architecture, BaseModel, Variant};

use super::{recipe, table4};
use crate::claim::Claim;
use crate::experiment::Experiment;
use crate::job::Job;
use crate::scale::Scale;
use crate::train::Recipe;

pub(crate) struct Table5;

impl Experiment for Table5 {
    fn id(&self) -> &'static str {
        "allconv/table5"
    }

    fn title(&self) -> &'static str {
        "All-CNN-C on a hundred classes"
    }

    fn data_set(&self) -> &'static str {
        "cifar100"
    }

    /// No set of a hundred classes is part of the program; a smoke run only shows that the path works.
    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        (scale == Scale::Smoke).then_some("fashion-mnist")
    }

    fn jobs(&self, scale: Scale, image: (usize, usize, usize), classes: usize) -> Vec<Job> {
        let architecture = Architecture::new(BaseModel::C, Variant::AllConv);
        vec![Job {
            label: architecture.to_string(),
            network: recipe::network(architecture, scale, image, classes),
            recipe: Recipe {
                augment: table4::AUGMENT,
                ..recipe::recipe(scale)
            },
            claim: Some(Claim::verified(
                33.71,
                "CIFAR-100, 50,000 training images, 350 epochs",
            )),
        }]
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        recipe::deviations(scale)
    }
}
