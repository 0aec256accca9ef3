//! Table 3: Street View House Numbers.
//!
//! Command: `cargo xtask reproduce nin/table3 --scale paper --data DIR`
//! Expected: 2.35 in the paper, with the extra images.
//! Cost: `--list` prints it.
//! Deviations: `recipe.rs`; the extra images are not used; below scale cpu channels are standardized.

use lab::data::Preprocess;
use lab::report::{Claim, Mark, Scale};
use nin::NinConfig;

use super::recipe;
use crate::experiment::{Experiment, Images};
use crate::training::Training;

/// The row.
const LABEL: &str = "NIN + dropout";

pub(crate) struct Table3;

impl Experiment for Table3 {
    fn id(&self) -> &'static str {
        "nin/table3"
    }

    fn title(&self) -> &'static str {
        "Street View House Numbers"
    }

    fn data_set(&self) -> &'static str {
        "svhn"
    }

    /// A smoke run only shows that the path works.
    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        (scale == Scale::Smoke).then_some("mnist")
    }

    fn claims(&self) -> Vec<Claim> {
        let source = "Table 3, SVHN with the extra images";
        vec![super::error(self.id(), LABEL, 2.35, Mark::Verified, source)]
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        let mut notes = recipe::deviations(scale);
        notes.push("No extra images are used.".to_owned());
        notes
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let config = recipe::config(NinConfig::svhn(), scale, images);
        vec![Training {
            preprocess: match scale {
                Scale::Paper | Scale::Cpu => Preprocess::gcn_lcn(),
                Scale::Quick | Scale::Smoke => Preprocess::Standardize,
            },
            ..recipe::slow_class_maps(recipe::training(LABEL, config, scale), scale)
        }]
    }
}
