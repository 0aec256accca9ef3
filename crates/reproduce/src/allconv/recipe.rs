//! How the CIFAR networks are trained at each scale, and how wide they are.

use allconv::{Architecture, ClassMapActivation, Config};
use lab::data::{Augment, Preprocess};
use lab::report::Scale;
use lab::train::{LrSchedule, Recipe, SgdConfig};
use striate::Initializer;

use crate::experiment::Images;
use crate::training::Training;

/// The schedule of Sec. 3.2: 350 epochs, a tenth of the rate after 200, 250 and 300, as fractions.
const FALLS: [f64; 3] = [200.0 / 350.0, 250.0 / 350.0, 300.0 / 350.0];

/// The optimizer of Sec. 3.2.
pub(super) fn sgd(lr: f64, weight_decay: f64) -> SgdConfig {
    SgdConfig {
        lr,
        momentum: 0.9,
        weight_decay,
        ..SgdConfig::default()
    }
}

/// A network of Table 3 and its training of Sec. 3.2, as far as `scale` allows.
pub(super) fn training(architecture: Architecture, scale: Scale, images: Images) -> Training {
    let (in_channels, height, width) = images.size;
    let paper = Config {
        classes: images.classes,
        in_channels,
        image_size: (height, width),
        ..Config::cifar10(architecture)
    };
    let config = match scale {
        Scale::Paper => paper,
        // With a ReLU there, network A stays at ln 10 from the first hundred steps on.
        Scale::Cpu => Config {
            class_map_activation: ClassMapActivation::Identity,
            ..paper
        },
        Scale::Quick => Config {
            width: 1.0 / 6.0,
            class_map_activation: ClassMapActivation::Identity,
            input_dropout: 0.0,
            dropout: 0.1,
            ..paper
        },
        Scale::Smoke => Config {
            width: 1.0 / 24.0,
            class_map_activation: ClassMapActivation::Identity,
            ..paper
        },
    };
    let falls = LrSchedule::steps_at_fractions(&FALLS, 0.1);
    let small = LrSchedule::steps_at_fractions(&[0.7, 0.9], 0.1).warmup(0.64);
    let (epochs, batch_size, optimizer, schedule) = match scale {
        Scale::Paper => (350, 128, sgd(0.1, 0.001), falls),
        Scale::Cpu => (14, 128, sgd(0.05, 0.001), falls.warmup(1.0)),
        Scale::Quick => (6, 32, sgd(0.03, 0.0005), small),
        Scale::Smoke => (1, 32, sgd(0.03, 0.0005), small),
    };
    let (train_images, test_images) = match scale {
        Scale::Paper | Scale::Cpu => (None, None),
        Scale::Quick => (Some(3_000), Some(2_000)),
        Scale::Smoke => (Some(32), Some(20)),
    };
    Training {
        label: architecture.to_string(),
        model: Box::new(config),
        recipe: Recipe {
            schedule,
            ..Recipe::new(epochs, batch_size, optimizer)
        },
        rates: match scale {
            Scale::Paper => vec![0.25, 0.1, 0.05, 0.01],
            _ => Vec::new(),
        },
        train_images,
        test_images,
        initializer: Some(Initializer::kaiming()),
        preprocess: match scale {
            Scale::Paper | Scale::Cpu => Preprocess::gcn_zca(),
            Scale::Quick | Scale::Smoke => Preprocess::Standardize,
        },
        scenery: None,
    }
}

impl Training {
    /// The same with another label and augmentation.
    pub(super) fn augmented(self, label: impl Into<String>, augment: Augment) -> Self {
        Self {
            label: label.into(),
            recipe: Recipe {
                augment,
                ..self.recipe
            },
            ..self
        }
    }
}

/// Where the runs of `scale` differ from Sec. 3.2, one sentence each.
pub(super) fn deviations(scale: Scale) -> Vec<String> {
    let text = match scale {
        Scale::Smoke => {
            "Deviations: a smoke run shows that everything works, its numbers mean nothing."
        }
        Scale::Quick => {
            "Deviations: another data set, a sixth of the channels, 6 epochs, learning rate 0.03 with warm-up, batch 32, \
             dropout 0.1 and none on the image, no ReLU on the class maps, standardized instead of whitened images."
        }
        Scale::Cpu => {
            "Deviations: 14 epochs instead of 350 with the rate falling at the same fractions, \
             one learning rate (0.05) with a warm-up of one epoch, no ReLU on the class maps, batch 128 (not stated by the paper)."
        }
        Scale::Paper => {
            "Deviations: batch 128 and He's initialization (neither is stated by the paper), \
             the learning rate of each network chosen on held-out training images instead of the test set."
        }
    };
    vec![text.to_owned()]
}

/// What stands in for CIFAR without a download.
pub(super) fn embedded(scale: Scale) -> Option<&'static str> {
    match scale {
        Scale::Smoke | Scale::Quick => Some("fashion-mnist"),
        Scale::Cpu | Scale::Paper => None,
    }
}
