//! The experiments of "Striving for Simplicity: The All Convolutional Net" (arXiv 1412.6806).

mod fig2;
mod fig3;
mod imagenet;
mod large;
mod setup;
mod table3;
mod table4;
mod table5;

use crate::experiment::Experiment;

/// In the order of the paper.
pub(crate) static EXPERIMENTS: &[Experiment] = &[
    table3::TABLE3,
    table4::TABLE4,
    table5::TABLE5,
    large::LARGE,
    imagenet::IMAGENET,
    fig2::FIG2,
    fig3::FIG3,
];
