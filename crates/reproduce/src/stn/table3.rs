//! Table 3: birds (CUB-200-2011), described whole or by two and four parts that transformers crop.
//!
//! Command: `cargo xtask reproduce stn/table3 --scale paper --data DIR --device cuda:0`
//! Expected: parts are better than the whole, 448 px better than 224, four parts a little better than two.
//! Cost: `--list` prints it.
//! Deviations: [`Table3::deviations`].

use std::path::PathBuf;

use allconv::{ClassMapActivation, ImageNetConfig};
use anyhow::{Result, ensure};
use lab::data::{Augment, Dataset, Distortion, Preprocess, Source};
use lab::report::{Claim, Scale};
use lab::train::{LrSchedule, Recipe, SgdConfig};

use super::birds::Birds;
use super::digits;
use crate::experiment::{Experiment, Images};
use crate::laboratory::Laboratory;
use crate::scenery::Scenery;
use crate::training::Training;

/// Name, parts, side of the pictures, and the paper's accuracy.
type Row = (&'static str, usize, usize, f64);

const ROWS: [Row; 4] = [
    ("CNN, 224 px", 0, 224, 82.3),
    ("2xST-CNN, 224 px", 2, 224, 83.1),
    ("2xST-CNN, 448 px", 2, 448, 83.9),
    ("4xST-CNN, 448 px", 4, 448, 84.1),
];
const SETS: [&str; 2] = ["cub200-224", "cub200-448"];
/// The backbone's weights in the folder that `--data` names.
const BACKBONE: &str = "backbone.safetensors";

pub(crate) struct Table3;

fn training(row: Row, scale: Scale, images: Images, weights: Option<PathBuf>) -> Training {
    let (label, parts, _, _) = row;
    let smoke = scale == Scale::Smoke;
    let (in_channels, ..) = images.size;
    let crop = if smoke { 96 } else { 224 };
    let model = Birds {
        parts,
        crop,
        classes: images.classes,
        backbone: ImageNetConfig {
            in_channels,
            image_size: (crop, crop),
            width: if smoke { 1.0 / 24.0 } else { 1.0 },
            // New class maps with ReLU could all be dead from the start.
            class_map_activation: ClassMapActivation::Identity,
            ..ImageNetConfig::ilsvrc2012()
        },
        weights,
    };
    let sgd = SgdConfig {
        lr: 0.001,
        momentum: 0.9,
        weight_decay: 0.0005,
        ..SgdConfig::default()
    };
    let (epochs, batch_size) = length(scale);
    let sliver = smoke.then_some(8);
    Training {
        label: label.to_owned(),
        model: Box::new(model),
        recipe: Recipe {
            schedule: LrSchedule::steps_at_fractions(&[1.0 / 3.0, 2.0 / 3.0], 0.1),
            augment: Augment {
                flip: true,
                translate: 0,
            },
            ..Recipe::new(epochs, batch_size, sgd)
        },
        rates: Vec::new(),
        train_images: match scale {
            Scale::Quick => Some(500),
            _ => sliver,
        },
        test_images: match scale {
            Scale::Quick => Some(500),
            _ => sliver,
        },
        initializer: None,
        preprocess: match are_birds(images) {
            true => Preprocess::Standardize,
            false => Preprocess::UnitRange,
        },
        scenery: (!are_birds(images)).then(|| Scenery::Distorted {
            distortion: Distortion::Cluttered,
            canvas: digits::canvas(Distortion::Cluttered, images),
        }),
    }
}

/// Epochs and the size of a batch.
fn length(scale: Scale) -> (usize, usize) {
    match scale {
        Scale::Smoke => (1, 4),
        Scale::Quick => (1, 16),
        Scale::Cpu => (6, 32),
        Scale::Paper => (60, 32),
    }
}

/// Whether these are photographs, and not digits that pictures are to be made of.
fn are_birds(images: Images) -> bool {
    images.size.0 == 3
}

impl Table3 {
    /// Where the backbone's weights are; `None` for pictures made of digits, which need none.
    fn weights(&self, laboratory: &Laboratory, images: Images) -> Result<Option<PathBuf>> {
        let folder = match &laboratory.settings.source {
            Some(Source::Dir(folder) | Source::Subset(folder)) if are_birds(images) => folder,
            _ => return Ok(None),
        };
        let path = folder.join(BACKBONE);
        ensure!(
            path.is_file(),
            "{} needs a backbone trained on ImageNet, {}, which is not there: train allconv/imagenet at scale paper \
             and copy its checkpoint/weights.safetensors to that place",
            self.id(),
            path.display()
        );
        Ok(Some(path))
    }
}

impl Experiment for Table3 {
    fn id(&self) -> &'static str {
        "stn/table3"
    }

    fn title(&self) -> &'static str {
        "birds, whole or by parts"
    }

    fn data_set(&self) -> &'static str {
        SETS[0]
    }

    /// Nothing that is part of the program resembles photographs; a smoke run only shows that the path works.
    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        (scale == Scale::Smoke).then_some("mnist")
    }

    fn claims(&self) -> Vec<Claim> {
        let claim = |(label, _, _, accuracy): Row| {
            // Two digits behind the point are exact here.
            let error = (1000.0 - 10.0 * accuracy).round() / 10.0;
            super::error(self.id(), label, error, "Table 3, 100 minus its accuracy")
        };
        ROWS.map(claim).into()
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        let text = match scale {
            Scale::Smoke => "a smoke run shows that everything works, its numbers mean nothing: \
                 cluttered digits for pictures, and a narrow backbone with drawn weights"
                .to_owned(),
            _ => {
                let (epochs, batch_size) = length(scale);
                let images = match scale {
                    Scale::Quick => "500",
                    _ => "all",
                };
                format!(
                    "All-CNN-B as allconv/imagenet trains it instead of Inception with batch normalization, a backbone of its own for every part \
                     and for the localisation net, windows of half the side, {epochs} epochs of SGD at 0.001 with momentum 0.9, decay 0.0005 and batches of {batch_size} \
                     on {images} training images, no dropout behind transformers, no ReLU on the class maps, flips alone as augmentation; the paper states none of this but the parts"
                )
            }
        };
        vec![format!("Deviations: {text}.")]
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let of_row = |row| training(row, scale, images, None);
        ROWS.map(of_row).into()
    }

    fn run(&self, laboratory: &mut Laboratory, data: &Dataset) -> Result<()> {
        let (scale, images) = (laboratory.scale(), Images::of(&data.train));
        let weights = self.weights(laboratory, images)?;
        for row in ROWS {
            let weights = weights.clone();
            if row.2 == 448 && are_birds(images) {
                let large = laboratory.other(SETS[1])?;
                let training = training(row, scale, Images::of(&large.train), weights);
                laboratory.train(&training, &large)?;
            } else {
                laboratory.train(&training(row, scale, images, weights), data)?;
            }
        }
        laboratory.draw_curves()
    }
}
