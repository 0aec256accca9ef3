//! How the networks are trained at each scale.
//!
//! The paper: SGD at 0.01 on batches of 256, a tenth of the rate after every 50,000 of 150,000 steps, no decay, no dropout.
//! Its momentum is not known.

use lab::data::Preprocess;
use lab::report::Scale;
use lab::train::{AdamConfig, LrSchedule, OptimizerConfig, ParamGroup, Recipe, SgdConfig};

use crate::scenery::Scenery;
use crate::training::{Model, Training};

/// The factor of the gradient to the localisation nets, where plain SGD trains them.
///
/// Adam divides gradients by their size, so a factor on them has no effect; there the rate of the nets is smaller instead.
pub(super) fn gradient_scale(scale: Scale) -> f64 {
    match scale {
        Scale::Paper => 0.1,
        Scale::Cpu | Scale::Quick | Scale::Smoke => 1.0,
    }
}

/// A training on scenes of a data set.
pub(super) fn training(
    label: String,
    model: impl Model + 'static,
    scenery: Scenery,
    scale: Scale,
) -> Training {
    let adam = |lr: f64| -> OptimizerConfig {
        let config = AdamConfig {
            lr,
            ..AdamConfig::default()
        };
        config.into()
    };
    let sgd = SgdConfig {
        lr: 0.01,
        momentum: 0.9,
        ..SgdConfig::default()
    };
    let falls = LrSchedule::steps_at_fractions(&[1.0 / 3.0, 2.0 / 3.0], 0.1);
    let cosine = LrSchedule::cosine(0.0);
    let (epochs, batch_size, optimizer, schedule) = match scale {
        Scale::Paper => (640, 256, sgd.into(), falls),
        Scale::Cpu => (12, 64, adam(0.002), cosine.warmup(1.0)),
        Scale::Quick => (8, 32, adam(0.002), cosine.warmup(0.5)),
        Scale::Smoke => (1, 32, adam(0.002), cosine),
    };
    let (train_images, test_images) = match scale {
        Scale::Paper | Scale::Cpu | Scale::Quick => (None, None),
        Scale::Smoke => (Some(32), Some(20)),
    };
    Training {
        label,
        model: Box::new(model),
        recipe: Recipe {
            schedule,
            evaluate_every: match scale {
                Scale::Quick => epochs,
                Scale::Cpu => 3,
                _ => 1,
            },
            ..Recipe::new(epochs, batch_size, optimizer)
        },
        rates: Vec::new(),
        train_images,
        test_images,
        initializer: None,
        preprocess: Preprocess::UnitRange,
        scenery: Some(scenery),
    }
}

/// The same with another number of epochs, evaluated after the last.
pub(super) fn lasting(training: Training, epochs: usize) -> Training {
    Training {
        recipe: Recipe {
            epochs,
            evaluate_every: epochs,
            ..training.recipe
        },
        ..training
    }
}

/// The same with another rate, which is reached after `warmup` epochs.
pub(super) fn at_rate(training: Training, rate: f64, warmup: f64) -> Training {
    Training {
        recipe: Recipe {
            optimizer: training.recipe.optimizer.with_lr(rate),
            schedule: LrSchedule::cosine(0.0).warmup(warmup),
            ..training.recipe
        },
        ..training
    }
}

/// The same with a smaller rate of the localisation nets, where Adam trains them.
pub(super) fn slow_localisation(training: Training, scale: Scale) -> Training {
    let factor = match scale {
        Scale::Paper => return training,
        Scale::Cpu => 0.2,
        Scale::Quick | Scale::Smoke => 0.5,
    };
    Training {
        recipe: Recipe {
            groups: vec![ParamGroup::new("st*").lr_factor(factor)],
            ..training.recipe
        },
        ..training
    }
}

/// What stands in for MNIST without a download.
pub(super) fn embedded(scale: Scale) -> Option<&'static str> {
    match scale {
        Scale::Smoke | Scale::Quick => Some("mnist"),
        Scale::Cpu | Scale::Paper => None,
    }
}

/// Where the runs of `scale` differ from the paper's.
pub(super) fn deviations(scale: Scale) -> Vec<String> {
    let canvas = "R and E are drawn on 28x28 pixels, RTS and P on 42x42, TC on 60x60, anew in every epoch, test images once (of these the paper states the canvas of RTS and TC only)";
    let text = match scale {
        Scale::Smoke => {
            "Deviations: a smoke run shows that everything works, its numbers mean nothing."
                .to_owned()
        }
        Scale::Quick => format!(
            "Deviations: 4,000 training images, 8 to 80 epochs, by network and distortion, of Adam at 0.002 with warm-up and cosine instead of 640 epochs of SGD, \
             half the rate for localisation nets, batch 32, narrow networks of which all FCN and all CNN have one number of parameters; {canvas}."
        ),
        Scale::Cpu => format!(
            "Deviations: 12 epochs of Adam at 0.002 with warm-up and cosine instead of 640 of SGD, a fifth of the rate for localisation nets, batch 64, \
             48 filters in the plain CNN, and one number of parameters for all FCN and one for all CNN; {canvas}."
        ),
        Scale::Paper => format!(
            "Deviations: momentum 0.9, which the paper does not state, and a tenth of the gradient for localisation nets; {canvas}."
        ),
    };
    vec![text]
}
