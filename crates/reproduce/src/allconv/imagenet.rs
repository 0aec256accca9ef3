//! ImageNet: All-CNN-B scaled up, 224x224 images, 9.4 million parameters.
//!
//! The paper took four days on one graphics card.
//! Pictures of any size are read from a folder of classes with `train` and `test` (or `val`), and stay on disk until a batch needs them.

use allconv::ImageNetConfig;
use lab::data::{Augment, Crop, Framing, Preprocess};
use lab::report::{Choice, Mark, Note, Scales};
use lab::train::{LrSchedule, Recipe};
use striate::Initializer;

use crate::canvas::{Canvas, OnCanvas};
use crate::experiment::{Experiment, Row};
use crate::images::Data;
use crate::training::{Training, sgd};

/// A setup.
struct Setup {
    /// The part of the paper's channels.
    width: f64,
    /// 22 epochs are the paper's 450,000 steps of 64 images.
    epochs: usize,
    batch_size: usize,
    /// Training and test images; all unless few.
    images: (Option<usize>, Option<usize>),
}

const PAPER: Setup = Setup {
    width: 1.0,
    epochs: 22,
    batch_size: 64,
    images: (None, None),
};

const CPU: Setup = Setup {
    width: 0.5,
    epochs: 3,
    images: (Some(100_000), None),
    ..PAPER
};

const QUICK: Setup = Setup {
    width: 1.0 / 6.0,
    epochs: 2,
    batch_size: 16,
    images: (Some(500), Some(200)),
};

const SMOKE: Setup = Setup {
    width: 1.0 / 24.0,
    epochs: 1,
    batch_size: 8,
    images: (Some(8), Some(4)),
};

const SETUPS: Scales<Setup> = Scales::new(PAPER, CPU, QUICK, SMOKE);

/// The paper tests the patch in the middle; the shorter side of 256 pixels is that of Krizhevsky et al. (2012).
const FRAMING: Framing = Framing {
    shorter: 256,
    train: Crop::RandomPlace,
    ..Framing::of_side(224)
};

const CHOICES: &[Choice] = &[
    Choice::new("recipe.augment", "the paper does not state it"),
    Choice::new(
        "recipe.epochs",
        "the paper counts steps, of which this is the nearest number of passes",
    ),
    Choice::new(
        "recipe.optimizer.momentum",
        "that of the neon model zoo, since the paper's is not known",
    ),
    Choice::new(
        "model.dropout",
        "before the last three convolutions, as in the neon model zoo, since the paper's is not known",
    ),
    Choice::new("preprocess", "the paper does not state it"),
    Choice::new("initializer", "the paper does not state it"),
];

// Nothing that is part of the program resembles ImageNet; a smoke run only shows that the path works.
pub(crate) const IMAGENET: Experiment = Experiment::new(
    "allconv/imagenet",
    "All-CNN-B on ImageNet",
    Data::of("imagenet")
        .streamed(FRAMING)
        .smoke("fashion-mnist"),
    rows,
)
.choices(&[CHOICES])
.notes(&[
    Note::new(
        "Convolutions are padded as in the neon model zoo, since the paper does not \
         state it.",
    ),
    Note::with(
        "Of photographs, training sees a square anywhere and tests the one in the middle, \
         {side} pixels where the shorter side has {shorter}; the paper states the patch \
         in the middle, and nothing of training.",
        &[
            ("side", FRAMING.side as f64),
            ("shorter", FRAMING.shorter as f64),
        ],
    ),
]);

fn rows() -> Vec<Row> {
    let row = Row::new("All-CNN-B (ImageNet)", |scale, images| {
        let setup = SETUPS.at(scale);
        let (in_channels, height, width) = images.size;
        // Tiny images are enlarged, so that something is left of them at the end.
        let canvas = (images.side() <= 32).then_some(Canvas {
            side: 224,
            scale: 7,
        });
        let model = ImageNetConfig {
            classes: images.classes,
            in_channels,
            image_size: canvas.map_or((height, width), |canvas| (canvas.side, canvas.side)),
            width: setup.width,
            ..ImageNetConfig::ilsvrc2012()
        };
        let recipe = Recipe {
            schedule: LrSchedule::steps_at_fractions(&[200.0 / 450.0, 400.0 / 450.0], 0.1),
            augment: Augment {
                flip: true,
                translate: 0,
            },
            ..Recipe::new(setup.epochs, setup.batch_size, sgd(0.01, 0.0005))
        };
        let training = match canvas {
            Some(canvas) => Training::new(OnCanvas { canvas, model }, recipe),
            None => Training::new(model, recipe),
        };
        Some(Training {
            train_images: setup.images.0,
            test_images: setup.images.1,
            initializer: Some(Initializer::kaiming()),
            preprocess: Preprocess::Standardize,
            ..training
        })
    });
    vec![row.error(41.2, Mark::Verified, "ILSVRC-2012, center patch, top-1")]
}
