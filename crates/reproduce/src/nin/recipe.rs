//! How the networks are trained at each scale, and how wide they are.
//!
//! The paper's numbers are those of the authors' definition files: learning rate 0.1, biases at twice the rate and without decay,
//! the layer of the class maps at a tenth, decay 0.0001, 200 + 30 + 30 epochs.

use lab::data::Preprocess;
use lab::report::Scale;
use lab::train::{LrSchedule, ParamGroup, Recipe, SgdConfig};
use nin::{ClassMapActivation, NinConfig};

use crate::experiment::Images;
use crate::training::{Model, Training};

/// A tenth of the rate after 200 and 230 of 260 epochs, as fractions.
const FALLS: [f64; 2] = [200.0 / 260.0, 230.0 / 260.0];

/// The part of the width that a scale trains.
pub(super) fn width(scale: Scale) -> f64 {
    match scale {
        Scale::Paper | Scale::Cpu => 1.0,
        Scale::Quick => 1.0 / 6.0,
        Scale::Smoke => 1.0 / 24.0,
    }
}

/// The dropout behind the poolings; the narrow networks of the small scales take less than the paper's half.
pub(super) fn dropout(scale: Scale) -> f32 {
    match scale {
        Scale::Paper | Scale::Cpu => 0.5,
        Scale::Quick | Scale::Smoke => 0.2,
    }
}

/// What follows the class maps: the paper's ReLU at scale paper only.
///
/// With it, single class maps die early and stay dead: on MNIST at scale cpu 40.68 % test error were left after three epochs.
pub(super) fn class_maps(scale: Scale) -> ClassMapActivation {
    match scale {
        Scale::Paper => ClassMapActivation::Relu,
        Scale::Cpu | Scale::Quick | Scale::Smoke => ClassMapActivation::Identity,
    }
}

/// One of the paper's networks for these images, as wide as `scale` allows.
pub(super) fn config(paper: NinConfig, scale: Scale, images: Images) -> NinConfig {
    let (in_channels, height, width_) = images.size;
    NinConfig {
        classes: images.classes,
        in_channels,
        image_size: (height, width_),
        width: width(scale),
        dropout: dropout(scale),
        class_map_activation: class_maps(scale),
        ..paper
    }
}

/// A training by the authors' recipe, shortened as `scale` says.
pub(super) fn training(label: &str, model: impl Model + 'static, scale: Scale) -> Training {
    let sgd = |lr: f64| SgdConfig {
        lr,
        momentum: 0.9,
        weight_decay: 0.0001,
        ..SgdConfig::default()
    };
    let falls = LrSchedule::steps_at_fractions(&FALLS, 0.1);
    let small = LrSchedule::steps_at_fractions(&[0.7, 0.9], 0.1).warmup(0.64);
    let (epochs, batch_size, optimizer, schedule) = match scale {
        Scale::Paper => (260, 128, sgd(0.1), falls),
        Scale::Cpu => (20, 128, sgd(0.05), falls.warmup(1.0)),
        // At 0.03 the network with a fully connected head flies apart.
        Scale::Quick => (6, 32, sgd(0.02), small),
        Scale::Smoke => (1, 32, sgd(0.02), small),
    };
    let (train_images, test_images) = match scale {
        Scale::Paper | Scale::Cpu => (None, None),
        Scale::Quick => (Some(3_000), Some(2_000)),
        Scale::Smoke => (Some(32), Some(20)),
    };
    Training {
        label: label.to_owned(),
        model: Box::new(model),
        recipe: Recipe {
            schedule,
            groups: vec![ParamGroup::new("*.bias").lr_factor(2.0).weight_decay(0.0)],
            ..Recipe::new(epochs, batch_size, optimizer)
        },
        rates: Vec::new(),
        train_images,
        test_images,
        initializer: None,
        preprocess: match scale {
            Scale::Paper | Scale::Cpu => Preprocess::gcn_zca(),
            Scale::Quick | Scale::Smoke => Preprocess::Standardize,
        },
        scenery: None,
    }
}

/// The same with the layer of the class maps at a tenth of the rate, as in the authors' files; at scale paper only.
pub(super) fn slow_class_maps(training: Training, scale: Scale) -> Training {
    if scale != Scale::Paper {
        return training;
    }
    let groups = vec![
        ParamGroup::new("cccp6.weight").lr_factor(0.1),
        ParamGroup::new("cccp6.bias")
            .lr_factor(0.2)
            .weight_decay(0.0),
        ParamGroup::new("*.bias").lr_factor(2.0).weight_decay(0.0),
    ];
    Training {
        recipe: Recipe {
            groups,
            ..training.recipe
        },
        ..training
    }
}

/// Where the runs of `scale` differ from the authors' files.
pub(super) fn deviations(scale: Scale) -> Vec<String> {
    let start = "the weights start as the crate's Guarded initialization says, since the authors' start is often dead";
    let text = match scale {
        Scale::Smoke => {
            "Deviations: a smoke run shows that everything works, its numbers mean nothing."
                .to_owned()
        }
        Scale::Quick => format!(
            "Deviations: few images of a small set, a sixth of the maps, 6 epochs, learning rate 0.02 with warm-up on all layers, batch 32, \
             dropout 0.2 where the paper has 0.5, no ReLU on the class maps, standardized images; {start}."
        ),
        Scale::Cpu => format!(
            "Deviations: 20 epochs instead of 260 with the rate falling at the same fractions, learning rate 0.05 with a warm-up of one epoch \
             on all layers, no ReLU on the class maps; {start}."
        ),
        Scale::Paper => format!(
            "Deviations: {start}; the rate falls after fixed epochs, as in the authors' log."
        ),
    };
    vec![text]
}

/// What stands in for the colored sets without a download.
pub(super) fn embedded(scale: Scale) -> Option<&'static str> {
    match scale {
        Scale::Smoke | Scale::Quick => Some("fashion-mnist"),
        Scale::Cpu | Scale::Paper => None,
    }
}
