//! The experiments of "Network In Network" (arXiv 1312.4400).

mod fig3;
mod fig4;
mod model;
mod recipe;
mod table1;
mod table2;
mod table3;
mod table4;
mod table5;

use lab::report::{Claim, Mark};

use crate::experiment::Experiment;

/// In the order of the paper.
pub(crate) const EXPERIMENTS: &[&dyn Experiment] = &[
    &table1::Table1,
    &table2::Table2,
    &table3::Table3,
    &table4::Table4,
    &table5::Table5,
    &fig3::Fig3,
    &fig4::Fig4,
];

/// A test error of the paper.
fn error(id: &str, model: &str, value: f64, mark: Mark, source: &str) -> Claim {
    Claim::new(id, model, "test error", "%")
        .value(value, mark)
        .source(source)
}

/// Something that the paper gives no number for.
fn measured(id: &str, model: &str, quantity: &str, unit: &str) -> Claim {
    Claim {
        mark: Mark::Absent,
        ..Claim::new(id, model, quantity, unit)
    }
}
