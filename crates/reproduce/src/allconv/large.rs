//! The large All-CNN with heavy augmentation (Table 4, last block, and the appendix): 126x126 canvas, 77.5 million parameters.
//!
//! Not a job for a processor at scale paper.
//! Images are enlarged three times on the canvas; training images are scaled, turned, moved, mirrored and shifted in color.

use allconv::LargeConfig;
use lab::data::{HeavyAugment, Preprocess, Synthetic};
use lab::report::{Choice, Mark, Scales};
use lab::train::Recipe;
use striate::Initializer;

use super::setup::{CIFAR10_ALONE, SETUPS};
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
    augment: HeavyAugment,
    /// Training and test images; all unless few.
    images: (Option<usize>, Option<usize>),
}

/// The paper names the changes and the canvas; how far they go is ours.
const HEAVY: HeavyAugment = HeavyAugment {
    canvas: 126,
    enlarge: 3.0,
    scale: 1.25,
    degrees: 15.0,
    shift: 15.0,
    color: 0.2,
    flip: true,
};

const PAPER: Setup = Setup {
    width: 1.0,
    dropout: 1.0,
    epochs: 350,
    batch_size: 16,
    lr: 0.01,
    weight_decay: 0.0005,
    warmup: 0.01,
    augment: HEAVY,
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
    // A few steps learn nothing from changed images.
    augment: HEAVY.unchanged(),
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
        "synthetic",
        "how far training images are scaled, turned, moved and shifted in color, which the \
         paper does not state",
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
    Choice::new(
        "recipe.schedule.decay",
        "as in Table 3, since the paper does not state it for this network",
    ),
    Choice::new("recipe.batch_size", "the paper does not state it"),
    Choice::new(
        "recipe.epochs",
        "as in the other tables, since the paper does not state it for this network",
    ),
    Choice::new("initializer", "the paper does not state it"),
    Choice::new("preprocess", "the paper does not state it for this network"),
];

pub(crate) const LARGE: Experiment = Experiment::new(
    "allconv/large",
    "large All-CNN with heavy augmentation",
    CIFAR10_ALONE,
    rows,
)
.choices(&[CHOICES]);

fn rows() -> Vec<Row> {
    let row = Row::new("Large All-CNN", |scale, images| {
        let setup = LARGE_SETUPS.at(scale);
        let model = LargeConfig {
            width: setup.width,
            dropout: setup.dropout,
            classes: images.classes,
            in_channels: images.size.0,
            ..LargeConfig::cifar10()
        };
        let optimizer = sgd(setup.lr, setup.weight_decay);
        let recipe = Recipe {
            schedule: SETUPS.at(scale).decay().warmup(setup.warmup),
            ..Recipe::new(setup.epochs, setup.batch_size, optimizer)
        };
        Some(Training {
            train_images: setup.images.0,
            test_images: setup.images.1,
            initializer: Some(Initializer::kaiming()),
            preprocess: Preprocess::Standardize,
            synthetic: Some(Synthetic::Heavy(setup.augment)),
            ..Training::new(model, recipe)
        })
    });
    vec![row.error(
        4.41,
        Mark::FromMemory,
        "Table 4, CIFAR-10 with heavy augmentation",
    )]
}
