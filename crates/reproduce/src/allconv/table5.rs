//! Table 5: All-CNN-C on CIFAR-100.

use lab::report::{Choice, Mark, Note};

use super::setup::{CHOICES, SETUPS};
use super::table4::{ALL_CNN_C, AUGMENT, ORDER};
use crate::experiment::{Experiment, Row};
use crate::images::Data;

// No set of a hundred classes is part of the program; a smoke run only shows that the path works.
pub(crate) const TABLE5: Experiment = Experiment::new(
    "allconv/table5",
    "All-CNN-C on a hundred classes",
    Data::of("cifar100").smoke("fashion-mnist"),
    rows,
)
.choices(&[
    CHOICES,
    &[Choice::new(
        "recipe.augment",
        "the augmentation of Table 4, which the paper does not say for this table",
    )],
])
.notes(&[
    ORDER,
    Note::new(
        "The learning rate is chosen anew on held-out images of this set, where the paper keeps \
         that of CIFAR-10 (from memory).",
    ),
]);

fn rows() -> Vec<Row> {
    let row = Row::new("All-CNN-C", |scale, images| {
        Some(SETUPS.at(scale).augmented(ALL_CNN_C, images, AUGMENT))
    });
    vec![row.error(
        33.71,
        Mark::Verified,
        "Table 5, CIFAR-100, 50,000 training images, 350 epochs",
    )]
}
