//! How the networks are trained at each scale.
//!
//! The paper: SGD at 0.01 on batches of 256, a tenth of the rate after every 50,000 of 150,000 steps, no decay, no dropout.
//! Its momentum is not known.

use lab::data::Preprocess;
use lab::report::Scale;
use lab::train::{LrSchedule, Recipe, SgdConfig};

use crate::scenery::Scenery;
use crate::training::{Model, Training};

/// The factor of the gradient to the localisation nets.
pub(super) fn gradient_scale(scale: Scale) -> f64 {
    match scale {
        Scale::Paper => 0.1,
        Scale::Cpu | Scale::Quick | Scale::Smoke => 0.1,
    }
}

/// A training on scenes of a data set.
pub(super) fn training(
    label: String,
    model: impl Model + 'static,
    scenery: Scenery,
    scale: Scale,
) -> Training {
    let sgd = |lr: f64, momentum: f64| SgdConfig {
        lr,
        momentum,
        ..SgdConfig::default()
    };
    let falls = LrSchedule::steps_at_fractions(&[1.0 / 3.0, 2.0 / 3.0], 0.1);
    let cosine = LrSchedule::cosine(0.0);
    let (epochs, batch_size, optimizer, schedule) = match scale {
        Scale::Paper => (640, 256, sgd(0.01, 0.9), falls),
        Scale::Cpu => (12, 64, sgd(0.02, 0.9), cosine),
        Scale::Quick => (8, 32, sgd(0.02, 0.9), cosine),
        Scale::Smoke => (1, 32, sgd(0.02, 0.9), cosine),
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

/// What stands in for MNIST without a download.
pub(super) fn embedded(scale: Scale) -> Option<&'static str> {
    match scale {
        Scale::Smoke | Scale::Quick => Some("mnist"),
        Scale::Cpu | Scale::Paper => None,
    }
}

/// Where the runs of `scale` differ from the paper's.
pub(super) fn deviations(scale: Scale) -> Vec<String> {
    let canvas = "R, P and E are drawn on 28x28 pixels, RTS on 42x42, anew in every epoch, test images once (the paper states 42x42 for RTS only)";
    let text = match scale {
        Scale::Smoke => {
            "Deviations: a smoke run shows that everything works, its numbers mean nothing."
                .to_owned()
        }
        Scale::Quick => format!("Deviations: TODO; {canvas}."),
        Scale::Cpu => format!("Deviations: TODO; {canvas}."),
        Scale::Paper => format!("Deviations: momentum 0.9, which the paper does not state; {canvas}."),
    };
    vec![text]
}
