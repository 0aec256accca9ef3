//! How the CIFAR networks are trained at each scale, and how wide they are.

use allconv::{Architecture, ClassMapActivation, Config};
use lab::data::{Augment, Preprocess};
use striate::Initializer;

use crate::job::NetworkSpec;
use crate::scale::Scale;
use crate::train::Recipe;

/// The schedule of Sec. 3.2: 350 epochs, a tenth of the rate after 200, 250 and 300, as fractions.
const MILESTONES: [f64; 3] = [200.0 / 350.0, 250.0 / 350.0, 300.0 / 350.0];

/// The recipe of Sec. 3.2 and its shortened forms.
pub(crate) fn recipe(scale: Scale) -> Recipe {
    let paper = Recipe {
        epochs: 350,
        batch_size: 128,
        learning_rates: vec![0.25, 0.1, 0.05, 0.01],
        momentum: 0.9,
        weight_decay: 0.001,
        milestones: MILESTONES.to_vec(),
        warmup_steps: 0,
        train_images: None,
        test_images: None,
        initializer: Initializer::kaiming(),
        preprocess: Preprocess::gcn_zca(),
        augment: Augment::NONE,
        canvas: None,
    };
    let small = Recipe {
        epochs: 6,
        batch_size: 32,
        learning_rates: vec![0.03],
        warmup_steps: 60,
        weight_decay: 0.0005,
        milestones: vec![0.7, 0.9],
        preprocess: Preprocess::Standardize,
        ..paper.clone()
    };
    match scale {
        Scale::Paper => paper,
        Scale::Cpu => Recipe {
            epochs: 14,
            learning_rates: vec![0.05],
            warmup_steps: 400,
            ..paper
        },
        Scale::Quick => Recipe {
            train_images: Some(3_000),
            test_images: Some(2_000),
            ..small
        },
        Scale::Smoke => Recipe {
            epochs: 1,
            train_images: Some(32),
            test_images: Some(20),
            ..small
        },
    }
}

/// `architecture` as wide as `scale` allows, for these images.
pub(crate) fn network(
    architecture: Architecture,
    scale: Scale,
    (in_channels, height, width): (usize, usize, usize),
    classes: usize,
) -> NetworkSpec {
    let paper = Config {
        classes,
        in_channels,
        image_size: (height, width),
        ..Config::cifar10(architecture)
    };
    NetworkSpec::Cifar(match scale {
        Scale::Paper | Scale::Cpu => paper,
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
    })
}

/// Where the runs of `scale` differ from Sec. 3.2, one sentence each.
pub(crate) fn deviations(scale: Scale) -> Vec<String> {
    let text: &[&str] = match scale {
        Scale::Smoke => {
            &["Deviations: a smoke run shows that everything works, its numbers mean nothing."]
        }
        Scale::Quick => &[
            "Deviations: another data set, a sixth of the channels, 6 epochs, learning rate 0.03 with warm-up, batch 32, \
             dropout 0.1 and none on the image, no ReLU on the class maps, standardized instead of whitened images.",
        ],
        Scale::Cpu => &[
            "Deviations: 14 epochs instead of 350 with the rate falling at the same fractions, \
             one learning rate (0.05) with a warm-up of 400 steps, batch 128 (not stated by the paper).",
        ],
        Scale::Paper => &[
            "Deviations: batch 128 and He's initialization (neither is stated by the paper), \
             the learning rate of each network chosen on held-out training images instead of the test set.",
        ],
    };
    text.iter().map(|line| line.to_string()).collect()
}

/// What stands in for CIFAR without a download.
pub(crate) fn embedded(scale: Scale) -> Option<&'static str> {
    match scale {
        Scale::Smoke | Scale::Quick => Some("fashion-mnist"),
        Scale::Cpu | Scale::Paper => None,
    }
}
