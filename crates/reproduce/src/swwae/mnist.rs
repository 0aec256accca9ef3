//! Sec. 4.3: MNIST with few labels.
//!
//! Expected: with the decoder the error is far below that of the same Convnet at every number of labels, and lower still with dropout.

use lab::report::{Finding, Mark, Note, Relation, Scales};
use swwae::SwwaeConfig;

use super::setup::{CHOICES, Kind, MNIST, SETUPS};
use crate::experiment::{Experiment, Row};
use crate::kept_labels::KeptLabels;

/// Numbers of labels, and the paper's errors of the three networks.
const ROWS: [(usize, [f64; 3]); 4] = [
    (100, [22.98, 9.17, 8.71]),
    (600, [7.86, 4.16, 3.31]),
    (1000, [6.45, 3.39, 2.83]),
    (3000, [3.35, 2.50, 2.10]),
];

/// The numbers of labels that are run: in a quick run three draws of the fewest labels are worth more than one draw of each number.
const LABELS: Scales<&[usize]> = Scales::new(
    &[100, 600, 1000, 3000],
    &[100, 600, 1000, 3000],
    &[100],
    &[100],
);

/// Draws of the labels.
pub(super) const SEEDS: Scales<u64> = Scales::new(10, 3, 3, 1);

/// What the paper claims.
const FINDINGS: &[Finding] = &[
    Finding::of_error(
        "The decoder lowers the error with 100 labels.",
        "Sec. 4.3",
        Relation::Falls(&["Convnet, 100 labels", "SWWAE, 100 labels"]),
    )
    .remembered(),
    Finding::of_error(
        "Dropout lowers it further with 100 labels.",
        "Sec. 4.3",
        Relation::Falls(&["SWWAE, 100 labels", "SWWAE + dropout, 100 labels"]),
    )
    .remembered(),
    Finding::of_error(
        "The decoder lowers the error with 600 labels.",
        "Sec. 4.3",
        Relation::Falls(&["Convnet, 600 labels", "SWWAE, 600 labels"]),
    )
    .remembered(),
    Finding::of_error(
        "Dropout lowers it further with 600 labels.",
        "Sec. 4.3",
        Relation::Falls(&["SWWAE, 600 labels", "SWWAE + dropout, 600 labels"]),
    )
    .remembered(),
    Finding::of_error(
        "The decoder lowers the error with 1000 labels.",
        "Sec. 4.3",
        Relation::Falls(&["Convnet, 1000 labels", "SWWAE, 1000 labels"]),
    )
    .remembered(),
    Finding::of_error(
        "Dropout lowers it further with 1000 labels.",
        "Sec. 4.3",
        Relation::Falls(&["SWWAE, 1000 labels", "SWWAE + dropout, 1000 labels"]),
    )
    .remembered(),
    Finding::of_error(
        "The decoder lowers the error with 3000 labels.",
        "Sec. 4.3",
        Relation::Falls(&["Convnet, 3000 labels", "SWWAE, 3000 labels"]),
    )
    .remembered(),
    Finding::of_error(
        "Dropout lowers it further with 3000 labels.",
        "Sec. 4.3",
        Relation::Falls(&["SWWAE, 3000 labels", "SWWAE + dropout, 3000 labels"]),
    )
    .remembered(),
];

pub(crate) const MNIST_FEW_LABELS: Experiment =
    Experiment::new("swwae/mnist", "MNIST with few labels", MNIST, rows)
        .seeds(SEEDS)
        .choices(&[CHOICES])
        .findings(FINDINGS)
        .notes(&[Note::new(
            "Each seed draws its labels anew, equally many of each class.",
        )]);

fn rows() -> Vec<Row> {
    let of_labels = |(labels, errors): (usize, [f64; 3])| {
        let row = move |(kind, error): (Kind, f64)| {
            let label = format!("{}, {labels} labels", kind.label());
            let row = Row::new(label, move |scale, images| {
                let setup = SETUPS.at(scale);
                let config = setup.config(SwwaeConfig::mnist(), images);
                let model = kind.model(config, KeptLabels::Balanced(labels), setup);
                let is_run = LABELS.at(scale).contains(&labels);
                is_run.then(|| setup.digits(model, labels, images))
            });
            row.error(error, Mark::FromMemory, "Sec. 4.3, MNIST")
        };
        Kind::ALL.into_iter().zip(errors).map(row)
    };
    ROWS.into_iter().flat_map(of_labels).collect()
}
