//! The large All-CNN with heavy augmentation (Table 4, last block, and the appendix): 126x126 canvas, 77.5 million parameters.
//!
//! Command: `cargo xtask reproduce allconv/large --scale paper --data DIR --device cuda:0`
//! Expected: 4.41 in the paper.
//! Cost: `--list` prints it; not a job for a processor.
//! Deviations: the paper's random scaling, rotation and color shifts are not described in full;
//! here images are enlarged three times, put into the middle of the canvas, flipped and translated.

use allconv::{Architecture, BaseModel, LargeConfig, Variant};
use lab::data::{Augment, Preprocess};
use lab::report::{Claim, Mark, Scale};
use lab::train::{LrSchedule, Recipe};

use super::{recipe, table4};
use crate::canvas::{Canvas, OnCanvas};
use crate::experiment::{Experiment, Images};
use crate::training::Training;

/// The row.
const LABEL: &str = "Large All-CNN";

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

    fn claims(&self) -> Vec<Claim> {
        let source = "Table 4, CIFAR-10 with heavy augmentation";
        vec![super::error(
            self.id(),
            LABEL,
            4.41,
            Mark::FromMemory,
            source,
        )]
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

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let base = recipe::training(
            Architecture::new(BaseModel::C, Variant::AllConv),
            scale,
            images,
        );
        let (width, dropout, train_images, epochs) = match scale {
            Scale::Smoke => (1.0 / 80.0, 1.0, Some(8), 1),
            Scale::Quick => (1.0 / 20.0, 0.0, Some(400), 3),
            Scale::Cpu => (1.0 / 8.0, 0.5, None, 4),
            Scale::Paper => (1.0, 1.0, None, 350),
        };
        let warmup = match scale {
            Scale::Smoke | Scale::Quick => 1.0,
            Scale::Cpu | Scale::Paper => 0.01,
        };
        let schedule = LrSchedule::from(base.recipe.schedule.decay.clone()).warmup(warmup);
        vec![Training {
            label: LABEL.to_owned(),
            model: Box::new(OnCanvas {
                canvas: Canvas {
                    side: 126,
                    scale: 3,
                },
                model: LargeConfig {
                    width,
                    dropout,
                    classes: images.classes,
                    in_channels: images.size.0,
                    ..LargeConfig::cifar10()
                },
            }),
            recipe: Recipe {
                schedule,
                augment: match scale {
                    Scale::Quick => Augment::NONE,
                    _ => table4::AUGMENT,
                },
                ..Recipe::new(epochs, 16, recipe::sgd(0.01, 0.0005))
            },
            rates: Vec::new(),
            train_images,
            test_images: train_images.map(|_| 300),
            preprocess: Preprocess::Standardize,
            ..base
        }]
    }
}
