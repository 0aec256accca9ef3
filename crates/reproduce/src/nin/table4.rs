//! Table 4: MNIST.

use lab::report::{Choice, Mark};

use super::setup::{CHOICES, SETUPS};
use crate::experiment::{Experiment, Row};
use crate::images::Data;

pub(crate) const TABLE4: Experiment = Experiment::new(
    "nin/table4",
    "MNIST",
    Data::of("mnist").quick("mnist"),
    rows,
)
.choices(&[
    CHOICES,
    &[Choice::new(
        "preprocess",
        "the authors' provider takes the mean image away",
    )],
]);

fn rows() -> Vec<Row> {
    let row = Row::new("NIN + dropout", |scale, images| {
        Some(SETUPS.at(scale).mnist(images))
    });
    vec![row.error(
        0.47,
        Mark::Verified,
        "Table 4, MNIST, 60,000 training images",
    )]
}
