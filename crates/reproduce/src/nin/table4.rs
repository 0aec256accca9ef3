//! Table 4: MNIST.

use lab::report::{Choice, Mark};

use super::setup::{AT_PLATEAUS, CHOICES, SETUPS};
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
    let at_plateaus = Row::new(AT_PLATEAUS, |scale, images| {
        let setup = SETUPS.at(scale);
        Some(setup.at_plateaus(setup.mnist(images)))
    });
    let error = |row: Row| {
        let source = "Table 4, MNIST, 60,000 training images";
        row.error(0.47, Mark::Verified, source)
    };
    [row, at_plateaus].map(error).into()
}
