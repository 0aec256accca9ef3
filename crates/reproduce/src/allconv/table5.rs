//! Table 5: All-CNN-C on CIFAR-100.
//!
//! Command: `cargo xtask reproduce allconv/table5 --scale paper --data DIR`
//! Expected: 33.71 in the paper.
//! Cost: `--list` prints it.
//! Deviations: `recipe.rs`; with the augmentation of Table 4, which the paper does not say for this table.

use allconv::{Architecture, BaseModel, Variant};
use lab::report::{Claim, Mark, Scale};

use super::{recipe, table4};
use crate::experiment::{Experiment, Images};
use crate::training::Training;

/// The row.
const LABEL: &str = "All-CNN-C";

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

    fn claims(&self) -> Vec<Claim> {
        let source = "Table 5, CIFAR-100, 50,000 training images, 350 epochs";
        vec![super::error(
            self.id(),
            LABEL,
            33.71,
            Mark::Verified,
            source,
        )]
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        recipe::deviations(scale)
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let architecture = Architecture::new(BaseModel::C, Variant::AllConv);
        vec![recipe::training(architecture, scale, images).augmented(LABEL, table4::AUGMENT)]
    }
}
