//! The large All-CNN with heavy augmentation (Table 4, last block, and the appendix): 126x126 canvas, 77.5 million parameters.
//!
//! Command: `cargo xtask reproduce allconv/large --scale paper --data DIR --device cuda:0`
//! Expected: 4.41 in the paper.
//! Cost: `--list` prints it; not a job for a processor.
//! Deviations: the paper's random scaling, rotation and color shifts are not described in full;
//! here images are enlarged three times, put into the middle of the canvas, flipped and translated.

use allconv::LargeConfig;
use lab::data::{Augment, Preprocess};

use super::{recipe, table4};
use crate::claim::Claim;
use crate::experiment::Experiment;
use crate::job::{Job, NetworkSpec};
use crate::scale::Scale;
use crate::train::{Canvas, Recipe};

pub(crate) struct Large;

impl Experiment for Large {
    fn id(&self) -> &'static str {
        "allconv/large"
    }

    fn title(&self) -> &'static str {
        "large All-CNN with heavy augmentation"
    }

    fn data_set(&self) -> &'static str {
        "cifar10"
    }

    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        recipe::embedded(scale)
    }

    fn jobs(
        &self,
        scale: Scale,
        (in_channels, _, _): (usize, usize, usize),
        classes: usize,
    ) -> Vec<Job> {
        let base = recipe::recipe(scale);
        let (width, dropout, train_images, epochs, rate) = match scale {
            Scale::Smoke => (1.0 / 80.0, 1.0, Some(8), 1, 0.01),
            Scale::Quick => (1.0 / 20.0, 0.0, Some(400), 3, 0.01),
            Scale::Cpu => (1.0 / 8.0, 0.5, None, 4, 0.01),
            Scale::Paper => (1.0, 1.0, None, 350, 0.01),
        };
        vec![Job {
            label: "Large All-CNN".to_string(),
            network: NetworkSpec::Large(LargeConfig {
                width,
                dropout,
                classes,
                in_channels,
                ..LargeConfig::cifar10()
            }),
            recipe: Recipe {
                epochs,
                train_images,
                test_images: train_images.map(|n: usize| n.min(300)),
                batch_size: 16,
                learning_rates: vec![rate],
                warmup_steps: 25,
                preprocess: Preprocess::Standardize,
                augment: match scale {
                    Scale::Quick => Augment::NONE,
                    _ => table4::AUGMENT,
                },
                canvas: Some(Canvas {
                    side: 126,
                    scale: 3,
                }),
                ..base
            },
            claim: Some(Claim::from_memory(4.41, "CIFAR-10 with heavy augmentation")),
        }]
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        let width = match scale {
            Scale::Paper => "full width",
            Scale::Cpu => "an eighth of the channels",
            Scale::Quick => "a twentieth of the channels, no dropout and no augmentation",
            Scale::Smoke => "an eightieth of the channels",
        };
        vec![format!(
            "Deviations: {width}; flips and translations instead of the paper's heavy augmentation, which is not described in full; \
             leaky ReLU with slope 1/3 (not stated)."
        )]
    }
}
