//! App. A.3: digits as bodies in a volume, turned in space; the classifier sees their shadow.
//!
//! Expected: a transformer turns the body until its shadow can be read, and beats the same classifier without one.
//! The paper gives no error and no ranges of the pose; the bodies are those of `lab::data::Extrude`.

use anyhow::Result;
use lab::data::{Extrude, FloatSet, Synthetic};
use lab::report::{Choice, Finding, ImageGrid, Note, Picture, Relation, Scales};
use stn::networks::{Body, ShadowConfig, ShadowNet, VolumeConfig};
use striate::Network;

use super::grid_overlay;
use super::setup::{self, LOWER_RATE, MNIST, Optimizer};
use crate::experiment::{Experiment, Row};
use crate::model::models;
use crate::pictures;
use crate::planned::Planned;
use crate::session::Session;
use crate::training::Training;

/// A setup of appendix A.3.
struct Setup {
    training: setup::Setup,
    /// Side of the volume.
    side: usize,
    filters: usize,
}

const PAPER: Setup = Setup {
    training: setup::PAPER,
    side: 60,
    filters: 64,
};

const CPU: Setup = Setup {
    training: setup::Setup {
        optimizer: SLOW_ADAM,
        ..setup::CPU
    },
    side: 28,
    filters: 32,
};

const QUICK: Setup = Setup {
    training: setup::Setup {
        optimizer: SLOW_ADAM,
        epochs: 5,
        images: (Some(1_500), Some(300)),
        ..setup::QUICK
    },
    filters: 10,
    ..CPU
};

const SMOKE: Setup = Setup {
    training: setup::SMOKE,
    ..QUICK
};

/// Shadows are sums over a depth: at the rate of the other networks the first steps leave ReLUs that never open again.
const SLOW_ADAM: Optimizer = Optimizer::Adam {
    lr: 0.0007,
    warmup: 1.0,
};

const SETUPS: Scales<Setup> = Scales::new(PAPER, CPU, QUICK, SMOKE);

/// Why the training and the size of the network are ours.
const SILENT: &str = "the paper does not state it for this network";

/// What the paper does not say.
const CHOICES: &[Choice] = &[
    Choice::new(
        "recipe.epochs",
        "the paper does not state them for this network",
    ),
    Choice::new("recipe.batch_size", SILENT),
    Choice::new("recipe.optimizer", SILENT),
    Choice::new(
        "recipe.schedule.warmup_epochs",
        "the paper does not state them for this network",
    ),
    Choice::new("recipe.schedule.decay", SILENT),
    Choice::new(
        "model.network.body.cnn.filters",
        "the paper does not state them",
    ),
    Choice::new("model.network.gradient_scale", LOWER_RATE),
];

/// The paper shows it and gives no number.
const FINDINGS: &[Finding] = &[Finding::of_error(
    "A transformer turns the body until its shadow can be read.",
    Finding::OURS,
    Relation::Falls(&["CNN on the shadow", "ST-CNN, 3-D affine"]),
)];

pub(crate) const VOLUME: Experiment = Experiment::new(
    "stn/volume",
    "digits in a volume, seen as a shadow",
    MNIST,
    rows,
)
.choices(&[CHOICES])
.findings(FINDINGS)
.notes(&[Note::with(
    "Bodies are turned by up to {degrees} degrees about each axis and moved by up \
     to {part} of the side, which the paper does not state.",
    &[("degrees", Extrude::TURN), ("part", Extrude::MOVE)],
)])
.run(run);

models! {
    ShadowConfig => ShadowNet::new;
}

fn rows() -> Vec<Row> {
    let row = |(label, transformer): (&str, bool)| {
        let row = Row::new(label, move |scale, images| {
            let setup = SETUPS.at(scale);
            let model = ShadowConfig {
                transformer,
                network: VolumeConfig {
                    side: setup.side,
                    classes: images.classes,
                    body: Body::Cnn {
                        filters: setup.filters,
                    },
                    gradient_scale: setup.training.gradient_scale,
                },
            };
            let epochs = setup.training.epochs;
            Some(Training {
                synthetic: Some(Synthetic::Volume { side: setup.side }),
                ..setup.training.training(model, epochs, transformer)
            })
        });
        row.measured_error()
    };
    let rows = [("CNN on the shadow", false), ("ST-CNN, 3-D affine", true)];
    rows.map(row).into()
}

fn run(session: &mut Session, rows: &[Planned]) -> Result<()> {
    session.train_all(rows)?;
    let mut figure = ImageGrid::new("shadows of the first test body of each class");
    let mut drawn = false;
    for row in rows {
        // Its run may belong to another shard.
        let Some(trained) = session.trained(row)? else {
            continue;
        };
        let sets = session.prepare(row)?;
        figure.row(&row.label, shadows(trained.network.as_ref(), &sets.1)?);
        drawn = true;
    }
    match drawn {
        true => session.figure("shadows", &figure.draw()?),
        false => Ok(()),
    }
}

/// What the classifier sees of the first test body of each class.
fn shadows(network: &dyn Network, test: &FloatSet) -> Result<Vec<Picture>> {
    let mut row = Vec::new();
    for class in 0..test.classes as u32 {
        let Some(index) = test.first_of(class) else {
            continue;
        };
        let input = pictures::input(test, index, &candle_core::Device::Cpu)?;
        let shadow = network.forward_features(&input)?.detach();
        let (_, c, h, w) = shadow.dims4()?;
        let values: Vec<f32> = shadow.flatten_all()?.to_vec1()?;
        row.push(Picture::stretched(&values, (c, h, w))?.enlarged(grid_overlay::FACTOR));
    }
    Ok(row)
}
