//! Section 4.1, translated and cluttered digits (TC) on 60 x 60 pixels.
//!
//! Expected: the transformer finds the digit, and helps the FCN far more than the CNN.
//! A quick run has the FCN alone: the small CNNs that it has time for differ more from seed to seed than from each other.

use lab::data::Distortion;
use lab::report::{Finding, Mark, Note, Relation, Scale, Scales};

use super::digits::Kind;
use super::setup::{CHOICES, MNIST};
use super::{digits, table1};
use crate::experiment::{Experiment, Row};

/// The rows, by their places in [`digits::ROWS`], and the paper's errors.
const ROWS: [(usize, f64); 4] = [(0, 13.2), (1, 3.5), (2, 2.0), (5, 1.7)];

/// What the paper claims.
const FINDINGS: &[Finding] = &[
    Finding::of_error(
        "A transformer lowers the error of the fully connected network among clutter.",
        "Sec. 4.1",
        Relation::Falls(&["TC: FCN", "TC: ST-FCN Aff"]),
    ),
    Finding::of_error(
        "A transformer lowers the error of the CNN among clutter.",
        "Sec. 4.1",
        Relation::Falls(&["TC: CNN", "TC: ST-CNN Aff"]),
    ),
];

pub(crate) const TC: Experiment =
    Experiment::new("stn/tc", "translated digits among clutter", MNIST, rows)
        .seeds(Scales {
            quick: 3,
            ..Scales::all(1)
        })
        .choices(&[CHOICES])
        .findings(FINDINGS)
        .notes(&[Note::new(
            "The transformers are affine; the paper does not say which ones it used here.",
        )]);

fn rows() -> Vec<Row> {
    let row = |(row, error): (usize, f64)| {
        let digit = digits::ROWS[row];
        let label = table1::label(Distortion::Cluttered, digit);
        Row::new(label, move |scale, images| {
            let is_run = scale != Scale::Quick || digit.kind == Kind::Fcn;
            is_run.then(|| table1::training(Distortion::Cluttered, digit, scale, images))?
        })
        .error(error, Mark::Verified, "Sec. 4.1")
    };
    ROWS.map(row).into()
}
