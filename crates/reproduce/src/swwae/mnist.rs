//! Sec. 4.3: MNIST with few labels.
//!
//! Command: `cargo xtask reproduce swwae/mnist --scale cpu --data DIR`
//! Expected: with the decoder the error is far below that of the same Convnet at every number of labels, and lower still with dropout.
//! Cost: `--list` prints it.
//! Deviations: `recipe.rs`; the labels are drawn anew by each seed, equally many of each class.

use lab::report::{Claim, Scale};
use swwae::SwwaeConfig;

use super::model::{KeptLabels, SemiSupervised};
use super::recipe::{self, Budget, Kind};
use crate::experiment::{Experiment, Images};
use crate::training::Training;

/// Numbers of labels, and the paper's errors of the three networks, all from memory.
const ROWS: [(usize, [f64; 3]); 4] = [
    (100, [22.98, 9.17, 8.71]),
    (600, [7.86, 4.16, 3.31]),
    (1000, [6.45, 3.39, 2.83]),
    (3000, [3.35, 2.50, 2.10]),
];

pub(crate) struct Mnist;

/// The row of a network with so many labels.
fn label(kind: Kind, labels: usize) -> String {
    format!("{}, {labels} labels", kind.label())
}

/// Training and test images at a scale; all unless few.
pub(super) fn images(scale: Scale) -> (Option<usize>, Option<usize>) {
    match scale {
        Scale::Smoke => (Some(300), Some(20)),
        Scale::Quick | Scale::Cpu | Scale::Paper => (None, None),
    }
}

/// Draws of the labels.
pub(super) fn seeds(scale: Scale) -> u64 {
    match scale {
        Scale::Smoke | Scale::Quick => 1,
        Scale::Cpu => 3,
        Scale::Paper => 10,
    }
}

/// What stands in for the whole set.
pub(super) fn embedded(scale: Scale) -> Option<&'static str> {
    match scale {
        Scale::Smoke | Scale::Quick => Some("mnist"),
        Scale::Cpu | Scale::Paper => None,
    }
}

/// The paper's network as wide as a scale allows.
pub(super) fn config(scale: Scale, images: Images) -> SwwaeConfig {
    recipe::config(&SwwaeConfig::mnist(), scale, images)
}

/// A training of a model that keeps so many labels.
pub(super) fn training(
    label: String,
    model: SemiSupervised,
    labels: usize,
    scale: Scale,
    of: Images,
) -> Training {
    let (train, test) = images(scale);
    let kept = recipe::few(labels, scale);
    let unlabelled = train.unwrap_or(of.train).saturating_sub(kept);
    let recipe = Budget::of(scale).recipe(unlabelled);
    recipe::training(label, model, recipe, (train, test))
}

impl Experiment for Mnist {
    fn id(&self) -> &'static str {
        "swwae/mnist"
    }

    fn title(&self) -> &'static str {
        "MNIST with few labels"
    }

    fn data_set(&self) -> &'static str {
        "mnist"
    }

    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        embedded(scale)
    }

    fn claims(&self) -> Vec<Claim> {
        let source = "Sec. 4.3, MNIST";
        let of_row = |(labels, errors): (usize, [f64; 3])| {
            let claim = move |(kind, value)| {
                super::error("swwae/mnist", label(kind, labels), value, source)
            };
            Kind::ALL.into_iter().zip(errors).map(claim)
        };
        ROWS.into_iter().flat_map(of_row).collect()
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        recipe::deviations(scale)
    }

    fn seeds(&self, scale: Scale) -> u64 {
        seeds(scale)
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let rows = match scale {
            Scale::Smoke => &ROWS[..1],
            Scale::Quick | Scale::Cpu | Scale::Paper => &ROWS[..],
        };
        let of_row = |&(labels, _): &(usize, [f64; 3])| {
            Kind::ALL.map(|kind| {
                let model = kind.model(config(scale, images), KeptLabels::Balanced(labels), scale);
                training(label(kind, labels), model, labels, scale, images)
            })
        };
        rows.iter().flat_map(of_row).collect()
    }
}
