//! How the digit networks are trained at each scale.
//!
//! The paper, from memory: SGD at 0.01 on batches of 256, a tenth of the rate after every 50,000 of 150,000 steps, no decay,
//! no dropout. Its momentum is not known.

use lab::report::{Choice, Note, Scales};
use lab::train::{LrSchedule, OptimizerConfig, ParamGroup, Recipe};
use stn::networks::{DigitConfig, DigitNet};

use crate::images::Data;
use crate::model::{Model, models};
use crate::training::{Training, adam, sgd};

models! {
    DigitConfig => DigitNet::new;
}

/// MNIST, and its first images.
pub(super) const MNIST: Data = Data::of("mnist").quick("mnist");

/// What trains.
#[derive(Clone, Copy)]
pub(super) enum Optimizer {
    /// SGD with momentum 0.9, whose rate falls to a tenth after each third of the run.
    Sgd { lr: f64 },
    /// Adam, whose rate falls to nothing by a cosine after a warm-up in epochs.
    Adam { lr: f64, warmup: f64 },
}

/// A setup.
#[derive(Clone, Copy)]
pub(super) struct Setup {
    pub(super) optimizer: Optimizer,
    pub(super) epochs: usize,
    pub(super) batch_size: usize,
    /// Epochs from one evaluation to the next; nothing: after the last alone.
    pub(super) evaluate_every: Option<usize>,
    /// The factor of the gradient to the localisation nets, where SGD trains them.
    pub(super) gradient_scale: f64,
    /// The factor of their rate, where Adam trains them: it divides gradients by their size, so a factor on those has no effect.
    pub(super) localisation_rate: f64,
    /// Training and test images; all unless few.
    pub(super) images: (Option<usize>, Option<usize>),
}

pub(super) const PAPER: Setup = Setup {
    optimizer: Optimizer::Sgd { lr: 0.01 },
    epochs: 640,
    batch_size: 256,
    evaluate_every: Some(1),
    gradient_scale: 0.1,
    localisation_rate: 1.0,
    images: (None, None),
};

pub(super) const CPU: Setup = Setup {
    optimizer: Optimizer::Adam {
        lr: 0.002,
        warmup: 1.0,
    },
    epochs: 12,
    batch_size: 64,
    evaluate_every: Some(3),
    gradient_scale: 1.0,
    localisation_rate: 0.2,
    ..PAPER
};

pub(super) const QUICK: Setup = Setup {
    optimizer: Optimizer::Adam {
        lr: 0.002,
        warmup: 0.5,
    },
    epochs: 8,
    batch_size: 32,
    evaluate_every: None,
    localisation_rate: 0.5,
    ..CPU
};

pub(super) const SMOKE: Setup = Setup {
    optimizer: Optimizer::Adam {
        lr: 0.002,
        warmup: 0.0,
    },
    epochs: 1,
    evaluate_every: Some(1),
    images: (Some(32), Some(20)),
    ..QUICK
};

pub(super) const SETUPS: Scales<Setup> = Scales::new(PAPER, CPU, QUICK, SMOKE);

/// Table 1 has means of three runs (App. A.4, from memory); for Table 4 the three are ours.
pub(super) const SEEDS: Scales<u64> = Scales {
    paper: 3,
    ..Scales::all(1)
};

/// Where the recipe of scale paper is from.
pub(super) const RECIPE: Note = Note::new(
    "The paper's batches, learning rate, numbers of steps and of runs are from memory; independent \
     code agrees.",
);

/// Why localisation nets are trained as they are.
pub(super) const LOWER_RATE: &str = "ours; the paper names a lower rate of localisation nets for \
     house numbers and birds alone (from memory)";

pub(super) const MOMENTUM: Choice =
    Choice::new("recipe.optimizer.momentum", "the paper does not state it");
pub(super) const GRADIENT_SCALE: Choice = Choice::new("model.gradient_scale", LOWER_RATE);

/// What the paper does not say of distorted digits.
pub(super) const CHOICES: &[Choice] = &[
    MOMENTUM,
    GRADIENT_SCALE,
    Choice::new(
        "synthetic.canvas",
        "side of the images in pixels; training images are drawn anew in every epoch, test \
         images once; the paper states the sides of TC and, from memory, of RTS alone",
    ),
    Choice::new(
        "model.body.fcn.hidden",
        "as many as give all networks of this kind the same number of parameters, that \
         of the widest CNN at scale paper; the paper has more (from memory)",
    ),
    Choice::new(
        "model.body.cnn.filters",
        "as many as give all networks of this kind the same number of parameters, as \
         far as the localisation net leaves room",
    ),
];

impl Setup {
    /// A training with so many epochs; a rate of its own for localisation nets if there are any.
    pub(super) fn training(
        &self,
        model: impl Model,
        epochs: usize,
        has_transformer: bool,
    ) -> Training {
        let (optimizer, schedule) = self.optimizer.with_schedule();
        let slow = ParamGroup::new("st*").lr_factor(self.localisation_rate);
        let is_slow = has_transformer && self.localisation_rate != 1.0;
        let recipe = Recipe {
            schedule,
            evaluate_every: self.evaluate_every.unwrap_or(epochs),
            groups: Vec::from_iter(is_slow.then_some(slow)),
            ..Recipe::new(epochs, self.batch_size, optimizer)
        };
        Training {
            train_images: self.images.0,
            test_images: self.images.1,
            ..Training::new(model, recipe)
        }
    }
}

impl Optimizer {
    /// The optimizer and how its rate changes.
    pub(super) fn with_schedule(self) -> (OptimizerConfig, LrSchedule) {
        match self {
            Self::Sgd { lr } => {
                let falls = LrSchedule::steps_at_fractions(&[1.0 / 3.0, 2.0 / 3.0], 0.1);
                (sgd(lr, 0.0).into(), falls)
            }
            Self::Adam { lr, warmup } => (adam(lr).into(), LrSchedule::cosine(0.0).warmup(warmup)),
        }
    }
}
