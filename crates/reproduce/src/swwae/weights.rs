//! Which weights the terms of the objective get: chosen on held-out training images, since the paper's are not known.
//!
//! Expected: reconstruction helps at moderate weights and hurts at large ones.
//! The paper has no such table; `setup.rs` holds what was chosen by it.

use swwae::{LossWeights, SwwaeConfig};

use super::model::SemiSupervised;
use super::setup::{CANDIDATES, Kind, MNIST_ALONE, SETUPS};
use crate::experiment::{Experiment, Row};
use crate::images::View;
use crate::kept_labels::KeptLabels;

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

pub(crate) const WEIGHTS: Experiment = Experiment::new(
    "swwae/weights",
    "weights of the reconstruction terms, on held-out training images",
    MNIST_ALONE.view(View::HeldOut),
    rows,
)
.choices(&[CANDIDATES]);

fn rows() -> Vec<Row> {
    let row = |(l2_rec, l2_m): (f64, f64)| {
        let label = format!("L2rec {l2_rec}, L2M {l2_m}");
        let row = Row::new(label, move |scale, images| {
            let setup = SETUPS.at(scale);
            let labels = KeptLabels::Balanced(setup.few(LABELS));
            let config = setup.config(SwwaeConfig::mnist(), images);
            let model = SemiSupervised {
                weights: LossWeights { l2_rec, l2_m },
                ..Kind::Swwae.model(config, labels, setup)
            };
            Some(setup.digits(model, LABELS, images))
        });
        row.measured_error()
    };
    GRID.map(row).into()
}
