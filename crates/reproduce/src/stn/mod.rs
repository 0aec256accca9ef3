//! The experiments of "Spatial Transformer Networks" (arXiv 1506.02025).

mod animation;
mod birds;
mod colocalisation;
mod digits;
mod found;
mod grid_overlay;
mod grids;
mod number_grids;
mod overhead;
mod search;
mod sequence;
mod setup;
mod sized;
mod table1;
mod table2;
mod table3;
mod table4;
mod tc;
mod volume;

use crate::experiment::Experiment;

/// In the order of the paper.
pub(crate) static EXPERIMENTS: &[Experiment] = &[
    table1::TABLE1,
    grids::GRIDS,
    tc::TC,
    table2::TABLE2,
    table3::TABLE3,
    table4::TABLE4,
    colocalisation::COLOCALISATION,
    volume::VOLUME,
    overhead::OVERHEAD,
    animation::ANIMATION,
];
