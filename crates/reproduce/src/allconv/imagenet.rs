//! ImageNet (Sec. 3.4): All-CNN-B scaled up, 224x224 images, 9.4 million parameters.
//!
//! Command: `cargo xtask reproduce allconv/imagenet --scale paper --data DIR --device cuda:0`
//! Expected: 41.2 top-1 error on the center patch in the paper.
//! Cost: `--list` prints it; the paper took four days on one graphics card.
//! Deviations: images are read from a folder of classes with `train` and `test` (or `val`), already cut to one size,
//! and are held in memory; a pass is counted in epochs (22 of them are the paper's 450,000 steps of 64 images).

use allconv::ImageNetConfig;
use lab::data::{Augment, Preprocess};
use lab::report::{Claim, Mark, Scale};
use lab::train::{LrSchedule, Recipe};
use striate::Initializer;

use super::recipe;
use crate::canvas::{Canvas, OnCanvas};
use crate::experiment::{Experiment, Images};
use crate::training::Training;

/// The row.
const LABEL: &str = "All-CNN-B (ImageNet)";

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

    fn claims(&self) -> Vec<Claim> {
        let source = "Sec. 3.4, ILSVRC-2012, center patch, top-1";
        vec![super::error(self.id(), LABEL, 41.2, Mark::Verified, source)]
    }

    fn deviations(&self, _scale: Scale) -> Vec<String> {
        vec![
            "Deviations: images are flipped but not cropped at random; padding as in the neon model zoo (not stated by the paper)."
                .to_owned(),
        ]
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let (in_channels, height, width) = images.size;
        // Tiny images are enlarged, so that something is left of them at the end.
        let canvas = (height.max(width) <= 32).then_some(Canvas {
            side: 224,
            scale: 7,
        });
        let image_size = canvas.map_or((height, width), |canvas| (canvas.side, canvas.side));
        let (factor, epochs, batch_size, train_images, test_images) = match scale {
            Scale::Smoke => (1.0 / 24.0, 1, 8, Some(8), Some(4)),
            Scale::Quick => (1.0 / 6.0, 2, 16, Some(500), Some(200)),
            Scale::Cpu => (0.5, 3, 64, Some(100_000), None),
            Scale::Paper => (1.0, 22, 64, None, None),
        };
        let model = ImageNetConfig {
            classes: images.classes,
            in_channels,
            image_size,
            width: factor,
            ..ImageNetConfig::ilsvrc2012()
        };
        vec![Training {
            label: LABEL.to_owned(),
            model: match canvas {
                Some(canvas) => Box::new(OnCanvas { canvas, model }),
                None => Box::new(model),
            },
            recipe: Recipe {
                schedule: LrSchedule::steps_at_fractions(&[200.0 / 450.0, 400.0 / 450.0], 0.1),
                augment: Augment {
                    flip: true,
                    translate: 0,
                },
                ..Recipe::new(epochs, batch_size, recipe::sgd(0.01, 0.0005))
            },
            rates: Vec::new(),
            train_images,
            test_images,
            initializer: Some(Initializer::kaiming()),
            preprocess: Preprocess::Standardize,
            scenery: None,
        }]
    }
}
