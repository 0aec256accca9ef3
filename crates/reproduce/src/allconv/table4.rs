//! Table 4: All-CNN-C on CIFAR-10 without and with flips and translations.
//!
//! Expected: about two points less error with augmentation.
//! Images are whitened first and moved afterwards, with zeros at the border.

use allconv::{Architecture, BaseModel, Variant};
use lab::data::Augment;
use lab::report::{Choice, Finding, Mark, Note, Relation};

use super::setup::{CHOICES, CIFAR10_ALONE, SETUPS};
use crate::experiment::{Experiment, Row};

/// Flips, and translations of up to five pixels, a number from memory.
pub(super) const AUGMENT: Augment = Augment {
    flip: true,
    translate: 5,
};

/// In which order images are changed.
pub(super) const ORDER: Note = Note::new(
    "Training images that are flipped and moved are preprocessed first, and zeros come in at the \
     border, as in the Maxout code; the paper does not say in which order it does so.",
);

/// The network of Tables 4 and 5.
pub(super) const ALL_CNN_C: Architecture = Architecture::new(BaseModel::C, Variant::AllConv);

/// What the paper claims.
const FINDINGS: &[Finding] = &[Finding::of_error(
    "Flips and translations lower the error.",
    "Table 4",
    Relation::Falls(&[
        "All-CNN-C, no augmentation",
        "All-CNN-C, flip and translation",
    ]),
)];

pub(crate) const TABLE4: Experiment = Experiment::new(
    "allconv/table4",
    "All-CNN-C without and with augmentation",
    CIFAR10_ALONE,
    rows,
)
.choices(&[
    CHOICES,
    &[Choice::new(
        "recipe.augment",
        "the paper flips and translates; how far at most is from memory",
    )],
])
.findings(FINDINGS)
.notes(&[ORDER]);

fn rows() -> Vec<Row> {
    let row = |(label, augment, error): (&str, Augment, f64)| {
        Row::new(label, move |scale, images| {
            Some(SETUPS.at(scale).augmented(ALL_CNN_C, images, augment))
        })
        .error(
            error,
            Mark::Verified,
            "Table 4, CIFAR-10, 50,000 training images, 350 epochs",
        )
    };
    vec![
        row(("All-CNN-C, no augmentation", Augment::NONE, 9.08)),
        row(("All-CNN-C, flip and translation", AUGMENT, 7.25)),
    ]
}
