//! Sec. 4.3: SVHN with 1,000 labels.

use lab::report::{Finding, Mark, Note, Relation, Scales};
use swwae::SwwaeConfig;

use super::setup::{self, CHOICES, Kind, SETUPS};
use crate::experiment::{Experiment, Row};
use crate::images::{Data, View};
use crate::kept_labels::KeptLabels;

/// Labels that are kept.
const LABELS: usize = 1000;

/// What the paper claims, and what it has no Convnet for.
const FINDINGS: &[Finding] = &[
    Finding::of_error(
        "The decoder lowers the error.",
        Finding::OURS,
        Relation::Falls(&["Convnet, 1000 labels", "SWWAE, 1000 labels"]),
    ),
    Finding::of_error(
        "Dropout lowers the error of the auto-encoder.",
        "Sec. 4.3",
        Relation::Falls(&["SWWAE, 1000 labels", "SWWAE + dropout, 1000 labels"]),
    )
    .remembered(),
];

pub(crate) const SVHN: Experiment = Experiment::new(
    "swwae/svhn",
    "SVHN with 1,000 labels",
    Data::of("svhn")
        .smoke("fashion-mnist")
        .view(View::Unlabelled {
            at_most: Scales {
                paper: usize::MAX,
                ..Scales::all(0)
            },
            folds: Scales::all(false),
        }),
    rows,
)
.choices(&[CHOICES])
.findings(FINDINGS)
.notes(&[Note::new(
    "Whether the paper's unlabeled images include the extra set is not known; \
     here they do at scale paper, if the folder has them.",
)]);

fn rows() -> Vec<Row> {
    let row = |kind: Kind| {
        let label = format!("{}, {LABELS} labels", kind.label());
        Row::new(label, move |scale, images| {
            let setup = SETUPS.at(scale);
            let config = setup.config(SwwaeConfig::svhn(), images);
            let labels = setup.few(LABELS);
            let train = setup.colored_images.0.unwrap_or(images.train);
            let recipe = setup.colored(train.saturating_sub(labels));
            let model = kind.model(config, KeptLabels::Balanced(labels), setup);
            Some(setup::training(model, recipe, setup.colored_images))
        })
    };
    let source = "Sec. 4.3, SVHN";
    let [convnet, swwae, dropout] = Kind::ALL.map(row);
    vec![
        convnet.measured_error(),
        swwae.error(27.83, Mark::FromMemory, source),
        dropout.error(23.56, Mark::FromMemory, source),
    ]
}
