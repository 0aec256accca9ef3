//! Section 4.1, translated and cluttered digits (TC) on 60 x 60 pixels.
//!
//! Command: `cargo xtask reproduce stn/tc --scale cpu --data DIR`
//! Expected: the transformer finds the digit; 13.2 for FCN and 3.5 for CNN become 2.0 and 1.7.
//! Cost: `--list` prints it.
//! Deviations: `recipe.rs` and `digits.rs`; affine transformers, since the paper does not say which ones it used here.

use lab::data::Distortion;
use lab::report::{Claim, Scale};

use super::{digits, recipe, table1};
use crate::experiment::{Experiment, Images};
use crate::training::Training;

pub(crate) struct Cluttered;

/// The rows, by their places in [`digits::ROWS`], and the paper's errors.
const ROWS: [(usize, f64); 4] = [(0, 13.2), (1, 3.5), (2, 2.0), (5, 1.7)];

impl Experiment for Cluttered {
    fn id(&self) -> &'static str {
        "stn/tc"
    }

    fn title(&self) -> &'static str {
        "translated digits among clutter"
    }

    fn data_set(&self) -> &'static str {
        "mnist"
    }

    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        recipe::embedded(scale)
    }

    fn claims(&self) -> Vec<Claim> {
        let claim = |(row, value): (usize, f64)| {
            let label = table1::label(Distortion::Cluttered, digits::ROWS[row]);
            super::error(self.id(), &label, value, "Sec. 4.1")
        };
        ROWS.into_iter().map(claim).collect()
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        let mut notes = recipe::deviations(scale);
        notes.push(
            "The transformers are affine; the paper does not say which ones it used here."
                .to_owned(),
        );
        if scale == Scale::Quick {
            notes.push("The CNN has 10 filters, 20 behind the transformer and its pooling, where they cost less: a choice of ours.".to_owned());
        }
        notes
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let training = |(row, _): (usize, f64)| {
            table1::training(Distortion::Cluttered, digits::ROWS[row], scale, images)
        };
        ROWS.into_iter().filter_map(training).collect()
    }
}
