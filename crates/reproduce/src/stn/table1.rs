//! Table 1: eight networks on digits that are rotated (R), rotated, scaled and placed (RTS), seen in perspective (P), bent (E).
//!
//! Expected: every network with a transformer beats the one without; the gap is largest for FCN on RTS.

use lab::data::{Distortion, Synthetic};
use lab::report::{Finding, Mark, Relation, Scale, Scales};

use super::digits::{self, Digit, Kind};
use super::setup::{CHOICES, MNIST, RECIPE, SEEDS, SETUPS};
use crate::experiment::{Experiment, Row};
use crate::images::Images;
use crate::training::Training;

/// The distortions of the table, with the paper's errors in the order of [`digits::ROWS`].
const COLUMNS: [(Distortion, [f64; 8]); 4] = [
    (
        Distortion::Rotated,
        [2.1, 1.2, 1.2, 1.3, 1.1, 0.7, 0.8, 0.7],
    ),
    (
        Distortion::RotatedScaledPlaced,
        [5.2, 0.8, 0.8, 0.9, 0.8, 0.5, 0.6, 0.5],
    ),
    (
        Distortion::Projective,
        [3.1, 1.5, 1.5, 1.4, 1.4, 0.8, 0.8, 0.8],
    ),
    (
        Distortion::Elastic,
        [3.2, 1.4, 2.7, 2.6, 2.4, 1.2, 1.3, 1.1],
    ),
];

/// What the paper claims.
const FINDINGS: &[Finding] = &[
    Finding::of_error(
        "Every transformer lowers the error on rotated digits.",
        "Table 1",
        Relation::Below(&[
            ("R: ST-FCN Aff", "R: FCN"),
            ("R: ST-FCN Proj", "R: FCN"),
            ("R: ST-FCN TPS", "R: FCN"),
            ("R: ST-CNN Aff", "R: CNN"),
            ("R: ST-CNN Proj", "R: CNN"),
            ("R: ST-CNN TPS", "R: CNN"),
        ]),
    ),
    Finding::of_error(
        "Every transformer lowers the error on rotated, scaled and placed digits.",
        "Table 1",
        Relation::Below(&[
            ("RTS: ST-FCN Aff", "RTS: FCN"),
            ("RTS: ST-FCN Proj", "RTS: FCN"),
            ("RTS: ST-FCN TPS", "RTS: FCN"),
            ("RTS: ST-CNN Aff", "RTS: CNN"),
            ("RTS: ST-CNN Proj", "RTS: CNN"),
            ("RTS: ST-CNN TPS", "RTS: CNN"),
        ]),
    ),
    Finding::of_error(
        "Every transformer lowers the error on digits in perspective.",
        "Table 1",
        Relation::Below(&[
            ("P: ST-FCN Aff", "P: FCN"),
            ("P: ST-FCN Proj", "P: FCN"),
            ("P: ST-FCN TPS", "P: FCN"),
            ("P: ST-CNN Aff", "P: CNN"),
            ("P: ST-CNN Proj", "P: CNN"),
            ("P: ST-CNN TPS", "P: CNN"),
        ]),
    ),
    Finding::of_error(
        "Every transformer lowers the error on bent digits.",
        "Table 1",
        Relation::Below(&[
            ("E: ST-FCN Aff", "E: FCN"),
            ("E: ST-FCN Proj", "E: FCN"),
            ("E: ST-FCN TPS", "E: FCN"),
            ("E: ST-CNN Aff", "E: CNN"),
            ("E: ST-CNN Proj", "E: CNN"),
            ("E: ST-CNN TPS", "E: CNN"),
        ]),
    ),
];

pub(crate) const TABLE1: Experiment = Experiment::new(
    "stn/table1",
    "distorted MNIST without and with a transformer",
    MNIST,
    rows,
)
.seeds(SEEDS)
.choices(&[CHOICES])
.findings(FINDINGS)
.notes(&[RECIPE]);

fn rows() -> Vec<Row> {
    let column = |(distortion, errors): (Distortion, [f64; 8])| {
        let rows = digits::ROWS.into_iter().zip(errors);
        rows.map(move |(digit, error)| {
            let row = Row::new(label(distortion, digit), move |scale, images| {
                let is_run = *ALL_ROWS.at(scale)
                    || distortion == Distortion::RotatedScaledPlaced
                    || digit
                        .transform
                        .is_none_or(|own| own == digits::suited(distortion));
                is_run.then(|| training(distortion, digit, scale, images))?
            });
            row.error(error, Mark::Verified, "Table 1")
        })
    };
    COLUMNS.into_iter().flat_map(column).collect()
}

/// Whether all rows are run, or, but for RTS, the plain networks and the transformer that is made for the distortion.
const ALL_ROWS: Scales<bool> = Scales {
    quick: false,
    ..Scales::all(true)
};

/// The row of a network and a distortion.
pub(super) fn label(distortion: Distortion, digit: Digit) -> String {
    format!("{distortion}: {}", digit.name())
}

/// One network on one distortion; `None` for images that it cannot be built for.
pub(super) fn training(
    distortion: Distortion,
    digit: Digit,
    scale: Scale,
    images: &Images,
) -> Option<Training> {
    let config = digit.config(distortion, scale, images).ok()?;
    let setup = SETUPS.at(scale);
    let epochs = EPOCHS
        .at(scale)
        .map_or(setup.epochs, |of| of(distortion, digit.kind));
    Some(Training {
        synthetic: Some(Synthetic::Distorted {
            distortion,
            canvas: digits::canvas(distortion, images),
        }),
        ..setup.training(config, epochs, digit.transform.is_some())
    })
}

type Epochs = fn(Distortion, Kind) -> usize;

/// Epochs of a network on a distortion, if not those of the setup.
const EPOCHS: Scales<Option<Epochs>> = Scales {
    quick: Some(quick_epochs),
    ..Scales::all(None)
};

/// Equal for all networks of a kind on a distortion, more where an epoch takes less time or teaches less.
fn quick_epochs(distortion: Distortion, kind: Kind) -> usize {
    match (distortion, kind) {
        (Distortion::Rotated, Kind::Fcn) => 80,
        (Distortion::Rotated, Kind::Cnn) => 24,
        (Distortion::Elastic, Kind::Fcn) => 40,
        (Distortion::Elastic, Kind::Cnn) => 12,
        (Distortion::Cluttered, _) | (_, Kind::Fcn) => 16,
        (_, Kind::Cnn) => 8,
    }
}
