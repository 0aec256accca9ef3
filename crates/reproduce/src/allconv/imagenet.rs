//! ImageNet (Sec. 3.4): All-CNN-B scaled up, 224x224 images, 9.4 million parameters.
//!
//! Command: `cargo xtask reproduce allconv/imagenet --scale paper --data DIR --device cuda:0`
//! Expected: 41.2 top-1 error on the center patch in the paper.
//! Cost: `--list` prints it; the paper took four days on one graphics card.
//! Deviations: images are read from a folder of classes with `train` and `test` (or `val`), already cut to one size,
//! and are held in memory; a pass is counted in epochs (22 of them are the paper's 450,000 steps of 64 images).

use allconv::ImageNetConfig;
use lab::data::{Augment, Preprocess};
use striate::Initializer;

use super::recipe;
use crate::claim::Claim;
use crate::experiment::Experiment;
use crate::job::{Job, NetworkSpec};
use crate::scale::Scale;
use crate::train::{Canvas, Recipe};

pub(crate) struct ImageNet;

impl Experiment for ImageNet {
    fn id(&self) -> &'static str {
        "allconv/imagenet"
    }

    fn title(&self) -> &'static str {
        "All-CNN-B on ImageNet"
    }

    fn data_set(&self) -> &'static str {
        "imagenet"
    }

    /// Nothing that is part of the program resembles ImageNet; a smoke run only shows that the path works.
    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        (scale == Scale::Smoke).then_some("fashion-mnist")
    }

    fn jobs(&self, scale: Scale, image: (usize, usize, usize), classes: usize) -> Vec<Job> {
        let (in_channels, height, width) = image;
        let factor = match scale {
            Scale::Smoke => 1.0 / 24.0,
            Scale::Quick => 1.0 / 6.0,
            Scale::Cpu => 0.5,
            Scale::Paper => 1.0,
        };
        // Tiny images are enlarged, so that something is left of them at the end.
        let canvas = (height.max(width) <= 32).then_some(Canvas {
            side: 224,
            scale: 7,
        });
        let image_size = canvas.map_or((height, width), |canvas| (canvas.side, canvas.side));
        let paper = Recipe {
            epochs: 22,
            batch_size: 64,
            learning_rates: vec![0.01],
            weight_decay: 0.0005,
            milestones: vec![200.0 / 450.0, 400.0 / 450.0],
            initializer: Initializer::kaiming(),
            preprocess: Preprocess::Standardize,
            augment: Augment {
                flip: true,
                translate: 0,
            },
            canvas,
            ..recipe::recipe(Scale::Paper)
        };
        let recipe = match scale {
            Scale::Paper => paper,
            Scale::Cpu => Recipe {
                epochs: 3,
                train_images: Some(100_000),
                ..paper
            },
            Scale::Quick => Recipe {
                epochs: 2,
                batch_size: 16,
                train_images: Some(500),
                test_images: Some(200),
                ..paper
            },
            Scale::Smoke => Recipe {
                epochs: 1,
                batch_size: 8,
                train_images: Some(8),
                test_images: Some(4),
                ..paper
            },
        };
        vec![Job {
            label: "All-CNN-B (ImageNet)".to_string(),
            network: NetworkSpec::ImageNet(ImageNetConfig {
                classes,
                in_channels,
                image_size,
                width: factor,
                ..ImageNetConfig::ilsvrc2012()
            }),
            recipe,
            claim: Some(Claim::verified(41.2, "ILSVRC-2012, center patch, top-1")),
        }]
    }

    fn deviations(&self, _scale: Scale) -> Vec<String> {
        vec![
            "Deviations: images are flipped but not cropped at random; padding as in the neon model zoo (not stated by the paper)."
                .to_string(),
        ]
    }
}
