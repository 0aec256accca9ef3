//! Section 4.1, translated and cluttered digits (TC) on 60 x 60 pixels.
//!
//! Expected: the transformer finds the digit, and helps the FCN far more than the CNN.

use lab::data::Distortion;
use lab::report::{Finding, Mark, Note, Relation};

use super::setup::{CHOICES, MNIST};
use super::{digits, table1};
use crate::experiment::{Experiment, Row};

/// The rows, by their places in [`digits::ROWS`], and the paper's errors.
const ROWS: [(usize, f64); 4] = [(0, 13.2), (1, 3.5), (2, 2.0), (5, 1.7)];

/// What the paper claims.
const FINDINGS: &[Finding] = &[Finding::of_error(
    "A transformer lowers the error among clutter, for both kinds of network.",
    "Sec. 4.1",
    Relation::Below(&[("TC: ST-FCN Aff", "TC: FCN"), ("TC: ST-CNN Aff", "TC: CNN")]),
)];

pub(crate) const TC: Experiment =
    Experiment::new("stn/tc", "translated digits among clutter", MNIST, rows)
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
            table1::training(Distortion::Cluttered, digit, scale, images)
        })
        .error(error, Mark::Verified, "Sec. 4.1")
    };
    ROWS.map(row).into()
}
