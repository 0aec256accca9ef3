//! Table 4: All-CNN-C on CIFAR-10 without and with flips and translations.
//!
//! Command: `cargo xtask reproduce allconv/table4 --scale paper --data DIR`
//! Expected: about two points less error with augmentation; 9.08 and 7.25 in the paper.
//! Cost: `--list` prints it.
//! Deviations: `recipe.rs`; images are whitened first and moved afterwards, with zeros at the border.

use allconv::{Architecture, BaseModel, Variant};
use lab::data::Augment;
use lab::report::{Claim, Mark, Scale};

use super::recipe;
use crate::experiment::{Experiment, Images};
use crate::training::Training;

/// Flips, and translations of up to five pixels.
pub(super) const AUGMENT: Augment = Augment {
    flip: true,
    translate: 5,
};

/// Label, augmentation and the paper's error.
const ROWS: [(&str, Augment, f64); 2] = [
    ("All-CNN-C, no augmentation", Augment::NONE, 9.08),
    ("All-CNN-C, flip and translation", AUGMENT, 7.25),
];

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

    fn claims(&self) -> Vec<Claim> {
        let source = "Table 4, CIFAR-10, 50,000 training images, 350 epochs";
        let claim =
            |(label, _, value)| super::error(self.id(), label, value, Mark::Verified, source);
        ROWS.map(claim).into()
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        recipe::deviations(scale)
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let architecture = Architecture::new(BaseModel::C, Variant::AllConv);
        let training = |(label, augment, _)| {
            recipe::training(architecture, scale, images).augmented(label, augment)
        };
        ROWS.map(training).into()
    }
}
