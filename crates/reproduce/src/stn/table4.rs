//! Table 4: MNIST addition. Two digits in two channels, each rotated, scaled and placed on its own; the label is their sum.
//!
//! Expected: two transformers straighten one digit each and leave a single one, which must straighten both, far behind.
//! A 2x pooling follows the transformers of the FCN, as for RTS; the CNN has a size of its own.

use lab::data::Synthetic;
use lab::report::{Choice, Finding, Mark, Note, Relation, Scale, Scales};
use stn::networks::{Body, DigitConfig, Transform};

use super::setup::{self, GRADIENT_SCALE, MOMENTUM, Optimizer};
use super::sized::{parameters, sized};
use crate::experiment::{Experiment, Row};
use crate::images::{Data, Images};
use crate::training::Training;

/// A setup of appendix A.1.
struct Setup {
    training: setup::Setup,
    /// Filters of the CNN.
    filters: usize,
    /// Units of the FCN with two TPS transformers, whose number of parameters all FCN have.
    hidden: usize,
    /// Digits that are added: all below this.
    digits: usize,
}

const PAPER: Setup = Setup {
    training: setup::PAPER,
    filters: 64,
    hidden: 256,
    digits: 10,
};

const CPU: Setup = Setup {
    // After as many epochs as for single digits most of these networks have hardly begun to learn.
    training: setup::Setup {
        epochs: 40,
        ..setup::CPU
    },
    filters: 32,
    hidden: 128,
    ..PAPER
};

const QUICK: Setup = Setup {
    // Many small steps: what one digit says about a sum is little.
    training: setup::Setup {
        optimizer: Optimizer::Adam {
            lr: 0.001,
            warmup: 0.5,
        },
        epochs: 80,
        batch_size: 16,
        localisation_rate: 1.0,
        ..setup::QUICK
    },
    filters: 8,
    hidden: 64,
    // Sums of all ten are not learnt in minutes.
    digits: 3,
};

const SMOKE: Setup = Setup {
    training: setup::SMOKE,
    digits: PAPER.digits,
    ..QUICK
};

const SETUPS: Scales<Setup> = Scales::new(PAPER, CPU, QUICK, SMOKE);

/// Name, transformers and their kind, and the paper's error.
type Network = (&'static str, Option<(usize, Transform)>, f64);

const ROWS: [Network; 8] = [
    ("FCN", None, 47.7),
    (CNN, None, 14.7),
    ("ST-FCN Aff", Some((1, Transform::Affine)), 22.6),
    ("ST-FCN Proj", Some((1, Transform::Projective)), 18.5),
    ("ST-FCN TPS", Some((1, Transform::Tps)), 19.1),
    ("2xST-FCN Aff", Some((2, Transform::Affine)), 9.0),
    ("2xST-FCN Proj", Some((2, Transform::Projective)), 5.9),
    ("2xST-FCN TPS", Some((2, Transform::Tps)), 5.8),
];
const CNN: &str = "CNN";

/// Side of the canvas for digits of 28 x 28.
const CANVAS: usize = 42;

/// What the paper does not say of this table.
const CHOICES: &[Choice] = &[
    MOMENTUM,
    GRADIENT_SCALE,
    Choice::new(
        "synthetic.canvas",
        "side of the images in pixels, which is the paper's; that training images are drawn anew in \
         every epoch, and test images once, is ours",
    ),
    Choice::new(
        "model.body.fcn.hidden",
        "as many as make the network as large as the largest of the table, the one with two thin \
         plate splines; in the paper, too, all networks have one number of parameters, about four \
         hundred thousand (from memory)",
    ),
    Choice::new(
        "model.body.cnn.filters",
        "a size of its own, where in the paper all networks have one number of parameters",
    ),
];

/// What the paper claims.
const FINDINGS: &[Finding] = &[
    Finding::of_error(
        "A transformer lowers the error of the fully connected network.",
        "Table 4",
        Relation::Below(&[
            ("ST-FCN Aff", "FCN"),
            ("ST-FCN Proj", "FCN"),
            ("ST-FCN TPS", "FCN"),
        ]),
    ),
    Finding::of_error(
        "Two affine transformers are better than one.",
        "Table 4",
        Relation::Below(&[("2xST-FCN Aff", "ST-FCN Aff")]),
    ),
    Finding::of_error(
        "Two projective transformers are better than one.",
        "Table 4",
        Relation::Below(&[("2xST-FCN Proj", "ST-FCN Proj")]),
    ),
    Finding::of_error(
        "Two thin plate splines are better than one.",
        "Table 4",
        Relation::Below(&[("2xST-FCN TPS", "ST-FCN TPS")]),
    ),
    Finding::of_error(
        "The CNN is better than a fully connected network with one transformer.",
        "Table 4",
        Relation::Below(&[
            (CNN, "ST-FCN Aff"),
            (CNN, "ST-FCN Proj"),
            (CNN, "ST-FCN TPS"),
        ]),
    ),
    Finding::of_error(
        "A fully connected network with two transformers is better than the CNN.",
        "Table 4",
        Relation::Below(&[
            ("2xST-FCN Aff", CNN),
            ("2xST-FCN Proj", CNN),
            ("2xST-FCN TPS", CNN),
        ]),
    ),
];

pub(crate) const TABLE4: Experiment = Experiment::new(
    "stn/table4",
    "MNIST addition",
    Data::of("mnist").smoke("mnist"),
    rows,
)
.seeds(setup::SEEDS)
.choices(&[CHOICES])
.findings(FINDINGS)
.notes(&[
    Note::with(
        "Of the training the paper says SGD for this table; batches, learning rate and number of \
         steps of scale paper are those for distorted digits (from memory), and the {runs} runs of \
         each network there are ours.",
        &[("runs", setup::SEEDS.paper as f64)],
    ),
    Note::new(
        "A pooling of two by two follows the transformers of the fully connected networks, as for \
         RTS, of which the paper says nothing here.",
    ),
]);

fn rows() -> Vec<Row> {
    let row = |network: Network| {
        let (label, _, error) = network;
        Row::new(label, move |scale, images| training(network, scale, images)).error(
            error,
            Mark::Verified,
            "Table 4, App. A.1",
        )
    };
    ROWS.map(row).into()
}

fn training((name, transformers, _): Network, scale: Scale, images: &Images) -> Option<Training> {
    let setup = SETUPS.at(scale);
    let canvas = CANVAS + images.side().saturating_sub(28);
    let digits = setup.digits.min(images.classes);
    let plain = |body| DigitConfig {
        in_channels: 2,
        classes: (2 * digits).saturating_sub(1),
        gradient_scale: setup.training.gradient_scale,
        ..DigitConfig::plain(canvas, body)
    };
    let fcn = |transformers: Option<(usize, Transform)>| {
        let fcn = plain(Body::Fcn {
            hidden: setup.hidden,
        });
        match transformers {
            Some((count, transform)) => fcn.with_transformers(count, transform).pooled(),
            None => fcn,
        }
    };
    let config = match name {
        CNN => plain(Body::Cnn {
            filters: setup.filters,
        }),
        _ => {
            let largest = parameters(&fcn(Some((2, Transform::Tps)))).ok()?;
            sized(&fcn(transformers), largest).ok()?
        }
    };
    let epochs = setup.training.epochs;
    Some(Training {
        synthetic: Some(Synthetic::Sum { canvas, digits }),
        ..setup
            .training
            .training(config, epochs, transformers.is_some())
    })
}
