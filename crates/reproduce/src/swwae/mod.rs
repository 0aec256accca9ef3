//! The experiments of "Stacked What-Where Auto-encoders" (arXiv 1506.02351).
//!
//! No full text of the paper was at hand: numbers of it are from memory and marked so.

mod ablation;
mod cifar;
mod equivariance;
mod mnist;
mod model;
mod necessity_of_where;
mod setup;
mod stl10;
mod svhn;
mod weights;

use crate::experiment::Experiment;

/// In the order of the paper.
pub(crate) static EXPERIMENTS: &[Experiment] = &[
    necessity_of_where::WHERE,
    equivariance::EQUIVARIANCE,
    mnist::MNIST_FEW_LABELS,
    svhn::SVHN,
    stl10::STL10,
    cifar::CIFAR,
    ablation::ABLATION,
    weights::WEIGHTS,
];
