//! The experiments of "Network In Network" (arXiv 1312.4400).

mod fig3;
mod fig4;
mod setup;
mod table1;
mod table2;
mod table3;
mod table4;
mod table5;

use crate::experiment::Experiment;

/// In the order of the paper.
pub(crate) static EXPERIMENTS: &[Experiment] = &[
    table1::TABLE1,
    table2::TABLE2,
    table3::TABLE3,
    table4::TABLE4,
    table5::TABLE5,
    fig3::FIG3,
    fig4::FIG4,
];
