//! Table 2: CIFAR-100.
//!
//! Command: `cargo xtask reproduce nin/table2 --scale paper --data DIR`
//! Expected: 35.68 in the paper.
//! Cost: `--list` prints it.
//! Deviations: `recipe.rs`; the rates of the CIFAR-10 files, as the paper says, not those of the authors' CIFAR-100 file.

use lab::report::{Claim, Mark, Scale};
use nin::NinConfig;

use super::recipe;
use crate::experiment::{Experiment, Images};
use crate::training::Training;

/// The row.
const LABEL: &str = "NIN + dropout";

pub(crate) struct Table2;

impl Experiment for Table2 {
    fn id(&self) -> &'static str {
        "nin/table2"
    }

    fn title(&self) -> &'static str {
        "CIFAR-100"
    }

    fn data_set(&self) -> &'static str {
        "cifar100"
    }

    /// No set of a hundred classes is part of the program; a smoke run only shows that the path works.
    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        (scale == Scale::Smoke).then_some("fashion-mnist")
    }

    fn claims(&self) -> Vec<Claim> {
        vec![super::error(
            self.id(),
            LABEL,
            35.68,
            Mark::Verified,
            "Table 2, CIFAR-100",
        )]
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        recipe::deviations(scale)
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let config = recipe::config(NinConfig::cifar100(), scale, images);
        vec![recipe::slow_class_maps(
            recipe::training(LABEL, config, scale),
            scale,
        )]
    }
}
