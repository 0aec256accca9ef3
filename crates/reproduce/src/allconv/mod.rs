//! The experiments of "Striving for Simplicity: The All Convolutional Net" (arXiv 1412.6806).

mod fig2;
mod fig3;
mod imagenet;
mod large;
mod model;
mod recipe;
mod table3;
mod table4;
mod table5;

use lab::report::{Claim, Mark};

use crate::experiment::Experiment;

/// In the order of the paper.
pub(crate) const EXPERIMENTS: &[&dyn Experiment] = &[
    &table3::Table3,
    &table4::Table4,
    &table5::Table5,
    &large::Large,
    &imagenet::ImageNet,
    &fig2::Fig2,
    &fig3::Fig3,
];

/// A test error of the paper.
fn error(id: &str, model: impl Into<String>, value: f64, mark: Mark, source: &str) -> Claim {
    Claim::new(id, model, "test error", "%")
        .value(value, mark)
        .source(source)
}
