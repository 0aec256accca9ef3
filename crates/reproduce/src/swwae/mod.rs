//! The experiments of "Stacked What-Where Auto-encoders" (arXiv 1506.02351).
//!
//! No full text of the paper was at hand: numbers of it are from memory and marked so.

mod ablation;
mod cifar;
mod equivariance;
mod line;
mod mnist;
mod model;
mod necessity_of_where;
mod recipe;
mod stl10;
mod svhn;
mod weights;

use lab::report::{Claim, Mark};

use crate::experiment::Experiment;

/// In the order of the paper.
pub(crate) const EXPERIMENTS: &[&dyn Experiment] = &[
    &necessity_of_where::NecessityOfWhere,
    &equivariance::Equivariance,
    &mnist::Mnist,
    &svhn::Svhn,
    &stl10::Stl10,
    &cifar::Cifar,
    &ablation::Ablation,
    &weights::Weights,
];

/// A test error of the paper, from memory.
fn error(id: &str, model: impl Into<String>, value: f64, source: &str) -> Claim {
    Claim::new(id, model, "test error", "%")
        .value(value, Mark::FromMemory)
        .source(source)
}

/// Something that the paper gives no number for.
fn measured(id: &str, model: impl Into<String>, quantity: &str, unit: &str) -> Claim {
    Claim {
        mark: Mark::Absent,
        ..Claim::new(id, model, quantity, unit)
    }
}
