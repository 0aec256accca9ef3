//! The experiments of "Spatial Transformer Networks" (arXiv 1506.02025).

mod digits;
mod model;
mod recipe;
mod table1;

use lab::report::{Claim, Mark};

use crate::experiment::Experiment;

/// In the order of the paper.
pub(crate) const EXPERIMENTS: &[&dyn Experiment] = &[&table1::Table1];

/// A test error of the paper.
fn error(id: &str, model: &str, value: f64, source: &str) -> Claim {
    Claim::new(id, model, "test error", "%")
        .value(value, Mark::Verified)
        .source(source)
}
