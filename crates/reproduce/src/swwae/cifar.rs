//! Sec. 4.3: CIFAR-10 and CIFAR-100 with all their labels and images without.
//!
//! Expected: reconstruction of the images without labels takes one to two points off the Convnet's error.
//! The folder of the data must hold both sets.

use lab::report::{Finding, Mark, Note, Relation, Scales};
use lab::train::Recipe;
use swwae::SwwaeConfig;

use super::setup::{self, CHOICES, Kind, QUICK, SETUPS, SMOKE};
use crate::experiment::{Experiment, Row};
use crate::images::{Data, View};
use crate::kept_labels::KeptLabels;

/// The networks of a table.
const KINDS: [Kind; 2] = [Kind::Convnet, Kind::SwwaeDropout];

/// The sets, and what stands in for them.
const SETS: [(&str, &str); 2] = [("cifar10", "fashion-mnist"), ("cifar100", "mnist")];

/// One of the sets, with the training images of the other without their labels.
const fn with_images_of(own: usize) -> Data {
    let ((set, stand_in), (other, other_stand_in)) = (SETS[own], SETS[1 - own]);
    Data::of(set).smoke(stand_in).view(View::UnlabelledOf {
        paper: other,
        stand_in: Data::of(other).smoke(other_stand_in).stand_in,
        train: Scales {
            quick: QUICK.colored_images.0,
            smoke: SMOKE.colored_images.0,
            ..Scales::all(None)
        },
        test: Scales {
            quick: QUICK.colored_images.1,
            smoke: SMOKE.colored_images.1,
            ..Scales::all(None)
        },
    })
}

/// What the paper claims.
const FINDINGS: &[Finding] = &[Finding::of_error(
    "Reconstruction of images without labels lowers the error.",
    "Sec. 4.3",
    Relation::Below(&[
        ("CIFAR-10, SWWAE + dropout", "CIFAR-10, Convnet + dropout"),
        ("CIFAR-100, SWWAE + dropout", "CIFAR-100, Convnet + dropout"),
    ]),
)
.remembered()];

pub(crate) const CIFAR: Experiment = Experiment::new(
    "swwae/cifar",
    "CIFAR-10 and CIFAR-100 with images without labels",
    with_images_of(0),
    rows,
)
.choices(&[CHOICES])
.findings(FINDINGS)
.notes(&[
    Note::new(
        "The images without labels are the training images of the other of the two \
         sets, which were taken from the same collection, in place of the 80 Million \
         Tiny Images, which their owners withdrew.",
    ),
    Note::new("Both networks have dropout, since the paper is not known to say."),
]);

fn rows() -> Vec<Row> {
    // The paper's shares of right answers.
    let ten = ("CIFAR-10", with_images_of(0), [91.33, 92.23]);
    let hundred = ("CIFAR-100", with_images_of(1), [67.50, 69.12]);
    let of_table = |(table, data, right): (&'static str, Data, [f64; 2])| {
        let row = move |(kind, right): (Kind, f64)| {
            let name = match kind {
                Kind::Convnet => "Convnet + dropout",
                kind => kind.label(),
            };
            let row = Row::new(format!("{table}, {name}"), move |scale, images| {
                let setup = SETUPS.at(scale);
                let paper = match images.classes {
                    10 => SwwaeConfig::cifar10(),
                    _ => SwwaeConfig::cifar100(),
                };
                let config = setup.with_dropout(setup.config(paper, images));
                let unlabelled = images.train - images.labelled;
                let recipe = setup.colored(unlabelled.max(1));
                let recipe = Recipe {
                    labelled: recipe.labelled.filter(|_| unlabelled > 0),
                    augment: setup.augment,
                    ..recipe
                };
                let model = kind.model(config, KeptLabels::All, setup);
                Some(setup::training(
                    model,
                    recipe,
                    (None, setup.colored_images.1),
                ))
            });
            let source = "Sec. 4.3, CIFAR; the paper gives the share of right answers";
            row.error(100.0 - right, Mark::FromMemory, source).on(data)
        };
        KINDS.into_iter().zip(right).map(row)
    };
    [ten, hundred].into_iter().flat_map(of_table).collect()
}
