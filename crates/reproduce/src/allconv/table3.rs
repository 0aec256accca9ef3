//! Table 3: the three base models and what happens when their pooling is replaced, CIFAR-10 without augmentation.
//!
//! Command: `cargo xtask reproduce allconv/table3 --scale paper --data DIR`
//! Expected: Strided worst (up to one point), All-CNN within half a point of ConvPool, C best; All-CNN-C 9.08 in the paper.
//! Cost: `--list` prints it.
//! Deviations: `recipe.rs`.

use allconv::Architecture;
use lab::report::{Claim, Mark, Scale};

use super::recipe;
use crate::experiment::{Experiment, Images};
use crate::training::Training;

/// Test errors in the order of [`Architecture::ALL`].
const ERRORS: [f64; 12] = [
    12.47, 13.46, 10.21, 10.30, //
    10.20, 10.98, 9.33, 9.10, //
    9.74, 10.19, 9.31, 9.08,
];

pub(crate) struct Table3;

impl Experiment for Table3 {
    fn id(&self) -> &'static str {
        "allconv/table3"
    }

    fn title(&self) -> &'static str {
        "twelve networks without augmentation"
    }

    fn data_set(&self) -> &'static str {
        "cifar10"
    }

    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        recipe::embedded(scale)
    }

    fn claims(&self) -> Vec<Claim> {
        let source = "Table 3, CIFAR-10, 50,000 training images, 350 epochs";
        let claim = |(architecture, value): (Architecture, f64)| {
            super::error(
                self.id(),
                architecture.to_string(),
                value,
                Mark::Verified,
                source,
            )
        };
        Architecture::ALL
            .into_iter()
            .zip(ERRORS)
            .map(claim)
            .collect()
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        recipe::deviations(scale)
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let all = Architecture::ALL.into_iter();
        all.map(|architecture| recipe::training(architecture, scale, images))
            .collect()
    }
}
