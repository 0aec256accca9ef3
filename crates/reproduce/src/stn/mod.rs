//! The experiments of "Spatial Transformer Networks" (arXiv 1506.02025).

mod animation;
mod birds;
mod colocalisation;
mod digits;
mod grids;
mod looked;
mod model;
mod overhead;
mod recipe;
mod search;
mod sequence;
mod table1;
mod table2;
mod table3;
mod table4;
mod tc;
mod volume;

use lab::report::{Claim, Mark};

use crate::experiment::Experiment;

/// In the order of the paper.
pub(crate) const EXPERIMENTS: &[&dyn Experiment] = &[
    &table1::Table1,
    &grids::Grids,
    &tc::Cluttered,
    &table2::Table2,
    &table3::Table3,
    &table4::Table4,
    &colocalisation::Colocalisation,
    &volume::Volume,
    &overhead::Overhead,
    &animation::Moving,
];

/// A test error of the paper.
fn error(id: &str, model: &str, value: f64, source: &str) -> Claim {
    Claim::new(id, model, "test error", "%")
        .value(value, Mark::Verified)
        .source(source)
}
