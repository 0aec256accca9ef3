//! Sec. 4.3: STL-10, 1,000 labels of a predefined fold and 100,000 images without.
//!
//! Expected: the decoder takes off two fifths of the Convnet's error.

use lab::report::{Finding, Mark, Note, Relation, Scales};
use swwae::SwwaeConfig;

use super::setup::{self, CHOICES, Kind, SETUPS};
use crate::canvas::Canvas;
use crate::experiment::{Experiment, Row};
use crate::images::{Data, View};
use crate::kept_labels::KeptLabels;

/// Labels of a fold.
const LABELS: usize = 1000;
/// The side of its images, which the poolings 4, 3, 2 and 2 need; smaller ones are enlarged into the middle.
const SIDE: usize = 96;

/// What the paper claims.
const FINDINGS: &[Finding] = &[Finding::of_error(
    "The decoder lowers the error.",
    "Sec. 4.3",
    Relation::Falls(&["Convnet", "SWWAE"]),
)
.remembered()];

pub(crate) const STL10: Experiment = Experiment::new(
    "swwae/stl10",
    "STL-10",
    Data::of("stl10")
        .smoke("fashion-mnist")
        .view(View::Unlabelled {
            at_most: Scales::new(100_000, 10_000, 0, 0),
            folds: Scales::new(true, true, false, false),
        }),
    rows,
)
.seeds(Scales {
    paper: 10,
    ..Scales::all(1)
})
.choices(&[CHOICES])
.findings(FINDINGS)
.notes(&[Note::new(
    "The labels are those of the predefined fold that the seed counts to; without \
     folds they are drawn.",
)]);

fn rows() -> Vec<Row> {
    let row = |kind: Kind| {
        Row::new(kind.label(), move |scale, images| {
            let setup = SETUPS.at(scale);
            let labels = setup.few(LABELS);
            let kept = match &images.folds {
                Some(folds) => KeptLabels::Folds(folds.clone()),
                None => KeptLabels::Balanced(labels),
            };
            let (_, height, _) = images.size;
            let mut config = setup.config(SwwaeConfig::stl10(), images);
            config.image_size = (height.max(SIDE), height.max(SIDE));
            let mut model = kind.model(config, kept, setup);
            model.canvas = (height < SIDE).then_some(Canvas {
                side: SIDE,
                scale: (SIDE / height.max(1)).max(1),
            });
            let train = setup.colored_images.0.unwrap_or(images.train);
            let recipe = setup.colored(train.saturating_sub(labels));
            Some(setup::training(model, recipe, setup.colored_images))
        })
    };
    let source = "Sec. 4.3, STL-10; the paper gives the share of right answers";
    let [convnet, swwae, dropout] = Kind::ALL.map(row);
    vec![
        convnet.error(100.0 - 57.45, Mark::FromMemory, source),
        swwae.error(100.0 - 74.33, Mark::FromMemory, source),
        dropout.measured_error(),
    ]
}
