//! Table 2: CIFAR-100.

use lab::report::{Mark, Note};
use nin::NinConfig;

use super::setup::{CHOICES, SETUPS};
use crate::experiment::{Experiment, Row};
use crate::images::Data;

// No set of a hundred classes is part of the program; a smoke run only shows that the path works.
pub(crate) const TABLE2: Experiment = Experiment::new(
    "nin/table2",
    "CIFAR-100",
    Data::of("cifar100").smoke("fashion-mnist"),
    rows,
)
.choices(&[CHOICES])
.notes(&[Note::with(
    "The rates are those of CIFAR-10, as the paper says; the authors' own file for \
     CIFAR-100 has a learning rate of {rate} and a decay of {decay}.",
    &[("rate", 0.02), ("decay", 0.0005)],
)]);

fn rows() -> Vec<Row> {
    let row = Row::new("NIN + dropout", |scale, images| {
        Some(SETUPS.at(scale).training(NinConfig::cifar100(), images))
    });
    vec![row.error(35.68, Mark::Verified, "Table 2, CIFAR-100")]
}
