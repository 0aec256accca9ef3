//! Table 4: MNIST, and a narrow network, which `models` has room for.

use lab::report::{Choice, Mark, Scale};

use super::setup::{AT_PLATEAUS, CHOICES, SETUPS};
use crate::experiment::{Experiment, Row};
use crate::images::Data;

const NARROW: &str = "NIN + dropout, a third of the maps";

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
        "the authors' data provider subtracts the mean image",
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
    let narrow = Row::new(NARROW, |scale, images| {
        (scale == Scale::Cpu).then(|| SETUPS.at(scale).narrow().mnist(images))
    });
    [error(row), error(at_plateaus), narrow.measured_error()].into()
}
