//! Section 4.1, translated and cluttered digits (TC) on 60 x 60 pixels.
//!
//! Expected: the transformer finds the digit, and helps the FCN far more than the CNN.
//! Where a CNN sees all pixels of the plain image and a quarter of those of the transformed one, the comparison is of two things:
//! two rows of ours have the CNN behind the pooling without the transformer, and behind the transformer without the pooling.
//! A quick run has the FCN alone: the small CNNs that it has time for differ more from seed to seed than from each other.

use lab::data::Distortion;
use lab::report::{Finding, Mark, Note, Relation, Scale, Scales};

use super::digits::{Digit, Kind};
use super::setup::{CHOICES, MNIST, RECIPE, SEEDS};
use super::{digits, table1};
use crate::experiment::{Experiment, Row};

const CLUTTER: Distortion = Distortion::Cluttered;

/// The rows, by their places in [`digits::ROWS`], and the paper's errors.
const ROWS: [(usize, f64); 4] = [(0, 13.2), (1, 3.5), (2, 2.0), (5, 1.7)];

/// Rows of ours: the same networks as the rows at these places, the other way about the pooling.
const OTHER_POOLING: [(usize, &str); 2] = [(1, "pooled"), (5, "not pooled")];

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
    Finding::of_error(
        "A transformer lowers the error of the CNN among clutter, both behind the same pooling.",
        Finding::OURS,
        Relation::Falls(&["TC: CNN, pooled", "TC: ST-CNN Aff"]),
    ),
];

pub(crate) const TC: Experiment =
    Experiment::new("stn/tc", "translated digits among clutter", MNIST, rows)
        .seeds(Scales { quick: 3, ..SEEDS })
        .choices(&[CHOICES])
        .findings(FINDINGS)
        .notes(&[
            RECIPE,
            Note::new(
                "The transformers are affine; the paper does not say which ones it used here.",
            ),
        ]);

fn rows() -> Vec<Row> {
    let row = |label: String, digit: Digit| {
        Row::new(label, move |scale, images| {
            let is_run = scale != Scale::Quick || digit.kind == Kind::Fcn;
            is_run.then(|| table1::training(CLUTTER, digit, scale, images))?
        })
    };
    let of_paper = |(place, error): (usize, f64)| {
        let digit = digits::ROWS[place];
        row(table1::label(CLUTTER, digit), digit).error(error, Mark::Verified, "Sec. 4.1")
    };
    let of_ours = |(place, what): (usize, &str)| {
        let digit = Digit {
            other_pooling: true,
            ..digits::ROWS[place]
        };
        let label = format!("{}, {what}", table1::label(CLUTTER, digit));
        row(label, digit).measured_error()
    };
    let rows = ROWS.into_iter().map(of_paper);
    rows.chain(OTHER_POOLING.into_iter().map(of_ours)).collect()
}
