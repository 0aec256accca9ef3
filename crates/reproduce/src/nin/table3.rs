//! Table 3: Street View House Numbers.

use lab::report::{Mark, Note};

use super::setup::{CHOICES, SETUPS};
use crate::experiment::{Experiment, Row};
use crate::images::Data;

// A smoke run only shows that the path works.
pub(crate) const TABLE3: Experiment = Experiment::new(
    "nin/table3",
    "Street View House Numbers",
    Data::of("svhn").smoke("mnist"),
    rows,
)
.choices(&[CHOICES])
.notes(&[Note::new(
    "No extra images are used, where the paper uses them.",
)]);

fn rows() -> Vec<Row> {
    let row = Row::new("NIN + dropout", |scale, images| {
        Some(SETUPS.at(scale).svhn(images))
    });
    vec![row.error(2.35, Mark::Verified, "Table 3, SVHN with the extra images")]
}
