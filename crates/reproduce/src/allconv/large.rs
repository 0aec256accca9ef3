//! The large All-CNN with heavy augmentation (Table 4, last block, and the appendix): 126x126 canvas, 77.5 million parameters.
//!
//! Not a job for a processor at scale paper.
//! Images are enlarged three times and put into the middle of the canvas.

use allconv::LargeConfig;
use lab::data::{Augment, Preprocess};
use lab::report::{Choice, Mark, Scales};
use lab::train::Recipe;
use striate::Initializer;

use super::setup::{CIFAR10, SETUPS};
use super::table4;
use crate::canvas::{Canvas, OnCanvas};
use crate::experiment::{Experiment, Row};
use crate::training::{Training, sgd};

/// A setup of the appendix.
struct Setup {
    /// The part of the paper's channels.
    width: f64,
    /// The part of the paper's dropout.
    dropout: f32,
    epochs: usize,
    batch_size: usize,
    lr: f64,
    weight_decay: f64,
    /// Epochs of linear warm-up.
    warmup: f64,
    augment: Augment,
    /// Training and test images; all unless few.
    images: (Option<usize>, Option<usize>),
}

const PAPER: Setup = Setup {
    width: 1.0,
    dropout: 1.0,
    epochs: 350,
    batch_size: 16,
    lr: 0.01,
    weight_decay: 0.0005,
    warmup: 0.01,
    augment: table4::AUGMENT,
    images: (None, None),
};

const CPU: Setup = Setup {
    width: 1.0 / 8.0,
    dropout: 0.5,
    epochs: 4,
    ..PAPER
};

const QUICK: Setup = Setup {
    width: 1.0 / 20.0,
    dropout: 0.0,
    epochs: 3,
    warmup: 1.0,
    augment: Augment::NONE,
    images: (Some(400), Some(300)),
    ..PAPER
};

const SMOKE: Setup = Setup {
    width: 1.0 / 80.0,
    epochs: 1,
    warmup: 1.0,
    images: (Some(8), Some(300)),
    ..PAPER
};

const LARGE_SETUPS: Scales<Setup> = Scales::new(PAPER, CPU, QUICK, SMOKE);

const CHOICES: &[Choice] = &[
    Choice::new(
        "recipe.augment",
        "the paper's random scaling, rotation and color shifts are not described in \
         full",
    ),
    Choice::new(
        "model.slope",
        "the slope of the leaky ReLU, which the paper does not state",
    ),
    Choice::new("recipe.optimizer.lr", "ours, as the paper's is not known"),
    Choice::new(
        "recipe.optimizer.weight_decay",
        "ours, as the paper's is not known; biases are decayed like weights",
    ),
    Choice::new("recipe.schedule.warmup_epochs", "ours"),
    Choice::new("recipe.batch_size", "the paper does not state it"),
    Choice::new(
        "recipe.epochs",
        "as in the other tables, since the paper does not state it for this network",
    ),
    Choice::new("initializer", "the paper does not state it"),
];

pub(crate) const LARGE: Experiment = Experiment::new(
    "allconv/large",
    "large All-CNN with heavy augmentation",
    CIFAR10,
    rows,
)
.choices(&[CHOICES]);

fn rows() -> Vec<Row> {
    let row = Row::new("Large All-CNN", |scale, images| {
        let setup = LARGE_SETUPS.at(scale);
        let model = OnCanvas {
            canvas: Canvas {
                side: 126,
                scale: 3,
            },
            model: LargeConfig {
                width: setup.width,
                dropout: setup.dropout,
                classes: images.classes,
                in_channels: images.size.0,
                ..LargeConfig::cifar10()
            },
        };
        let optimizer = sgd(setup.lr, setup.weight_decay);
        let recipe = Recipe {
            schedule: SETUPS.at(scale).decay().warmup(setup.warmup),
            augment: setup.augment,
            ..Recipe::new(setup.epochs, setup.batch_size, optimizer)
        };
        Some(Training {
            train_images: setup.images.0,
            test_images: setup.images.1,
            initializer: Some(Initializer::kaiming()),
            preprocess: Preprocess::Standardize,
            ..Training::new(model, recipe)
        })
    });
    vec![row.error(
        4.41,
        Mark::FromMemory,
        "Table 4, CIFAR-10 with heavy augmentation",
    )]
}
