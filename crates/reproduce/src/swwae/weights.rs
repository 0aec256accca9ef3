//! Which weights the terms of the objective get: chosen on held-out training images, since the paper's are not known.
//!
//! Command: `cargo xtask reproduce swwae/weights --scale cpu --data DIR`
//! Expected: reconstruction helps at moderate weights and hurts at large ones.
//! Cost: `--list` prints it.
//! Deviations: the paper has no such table; `recipe.rs` holds what was chosen by it.

use anyhow::Result;
use lab::data::Dataset;
use lab::report::{Claim, Scale};
use swwae::LossWeights;

use super::mnist;
use super::model::{KeptLabels, SemiSupervised};
use super::recipe::{self, Kind};
use crate::experiment::{Experiment, Images};
use crate::laboratory::Laboratory;
use crate::training::Training;

/// Labels that are kept.
const LABELS: usize = 1000;

/// lambda_L2rec and lambda_L2M.
const GRID: [(f64, f64); 6] = [
    (0.0, 0.0),
    (0.1, 0.1),
    (1.0, 1.0),
    (10.0, 1.0),
    (1.0, 10.0),
    (10.0, 10.0),
];

pub(crate) struct Weights;

fn label((l2_rec, l2_m): (f64, f64)) -> String {
    format!("L2rec {l2_rec}, L2M {l2_m}")
}

/// The training images without their last sixth, which takes the place of the test set.
fn held_out(data: &Dataset) -> Dataset {
    let kept = data.train.len() - data.train.len() / 6;
    let mut test = data.train.clone();
    test.name = format!("{}, last sixth", data.train.name);
    test.pixels.drain(..kept * data.train.image_len());
    test.labels.drain(..kept);
    Dataset {
        name: format!("{}, held-out training images", data.name),
        train: data.train.first(kept),
        test,
    }
}

impl Experiment for Weights {
    fn id(&self) -> &'static str {
        "swwae/weights"
    }

    fn title(&self) -> &'static str {
        "weights of the reconstruction terms, on held-out training images"
    }

    fn data_set(&self) -> &'static str {
        "mnist"
    }

    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        mnist::embedded(scale)
    }

    fn claims(&self) -> Vec<Claim> {
        let claim = |weights| super::measured(self.id(), label(weights), "test error", "%");
        GRID.into_iter().map(claim).collect()
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        recipe::deviations(scale)
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let training = |weights: (f64, f64)| {
            let labels = KeptLabels::Balanced(recipe::few(LABELS, scale));
            let model = SemiSupervised {
                weights: LossWeights {
                    l2_rec: weights.0,
                    l2_m: weights.1,
                },
                ..Kind::Swwae.model(mnist::config(scale, images), labels, scale)
            };
            mnist::training(label(weights), model, LABELS, scale, images)
        };
        GRID.into_iter().map(training).collect()
    }

    fn run(&self, laboratory: &mut Laboratory, data: &Dataset) -> Result<()> {
        let data = held_out(data);
        for training in self.trainings(laboratory.scale(), Images::of(&data.train)) {
            laboratory.train(&training, &data)?;
        }
        laboratory.draw_curves()
    }
}
