//! The experiments of "Striving for Simplicity: The All Convolutional Net" (arXiv 1412.6806).

mod imagenet;
mod large;
mod recipe;
mod table3;
mod table4;
mod table5;

use crate::experiment::Experiment;

/// In the order of the paper.
pub(crate) const EXPERIMENTS: &[&dyn Experiment] = &[
    &table3::Table3,
    &table4::Table4,
    &table5::Table5,
    &large::Large,
    &imagenet::ImageNet,
];
