//! Both tables: digits as they are, and digits that were turned, scaled and put somewhere.

use lab::data::{Distortion, Synthetic};
use lab::report::{Note, Scales};

use super::ideas::{ALL_BUT, ALONE};
use super::setup::{CHOICES, MNIST, SEEDS, training};
use crate::experiment::{Experiment, Row};

/// The ideas, so that a table explains itself.
const NOTES: &[Note] = &[
    Note::new(
        "The base network has three convolutions, a maximum pooling after the first and the second, \
         and a fully connected layer on its class maps.",
    ),
    Note::new(
        "P-norm pooling: the Euclidean norm of each window takes the place of its maximum in the second pooling.",
    ),
    Note::new(
        "Stride: a convolution with stride takes the place of the second pooling, as in All-CNN.",
    ),
    Note::new("GAP: the mean of each class map takes the place of the fully connected layer."),
    Note::new("Transformer: an affine spatial transformer comes before the first convolution."),
    Note::new(
        "What-where: a decoder, which knows where the maxima of the first pooling were, \
         rebuilds the image, with and without a label; the other networks see the labeled images alone.",
    ),
];

/// Digits as they are.
pub(crate) const PLAIN: Experiment = Experiment::new(
    "components/plain",
    "the four ideas alone and together, on digits with few labels",
    MNIST,
    || rows(None),
)
.seeds(SEEDS)
.choices(&[CHOICES])
.notes(NOTES);

/// Digits that were turned, scaled and put somewhere on a canvas.
pub(crate) const DISTORTED: Experiment = Experiment::new(
    "components/distorted",
    "the same on digits that are turned, scaled and put somewhere",
    MNIST,
    || rows(Some(Distortion::RotatedScaledPlaced)),
)
.seeds(SEEDS)
.choices(&[CHOICES])
.notes(NOTES);

/// Whether networks with all ideas but one are trained; minutes do not suffice for them.
const IS_ALL_BUT_RUN: Scales<bool> = Scales {
    quick: false,
    ..Scales::all(true)
};

fn rows(distortion: Option<Distortion>) -> Vec<Row> {
    let row = |(label, ideas), is_run: Scales<bool>| {
        let row = Row::new(label, move |scale, images| {
            let synthetic = distortion.map(|distortion| {
                let canvas = distortion.canvas() + images.side().saturating_sub(28);
                (Synthetic::Distorted { distortion, canvas }, canvas)
            });
            is_run
                .at(scale)
                .then(|| training(ideas, synthetic, scale, images))?
        });
        row.measured_error()
    };
    let alone = ALONE.map(|idea| row(idea, Scales::all(true)));
    alone
        .into_iter()
        .chain(ALL_BUT.map(|idea| row(idea, IS_ALL_BUT_RUN)))
        .collect()
}
