//! Sec. 4.3: STL-10, 1,000 labels of a predefined fold and 100,000 images without.
//!
//! Command: `cargo xtask reproduce swwae/stl10 --scale paper --data DIR`
//! Expected: the decoder takes off two fifths of the Convnet's error; 74.33 % correct against 57.45 % in the paper, from memory.
//! Cost: `--list` prints it.
//! Deviations: `recipe.rs`; the seed counts to the fold; at scale cpu 10,000 of the images without labels.

use anyhow::Result;
use lab::data::Dataset;
use lab::report::{Claim, Scale};
use swwae::SwwaeConfig;

use super::model::KeptLabels;
use super::recipe::{self, Budget, Kind};
use crate::canvas::Canvas;
use crate::experiment::{Experiment, Images};
use crate::laboratory::Laboratory;
use crate::training::Training;

/// Labels of a fold.
const LABELS: usize = 1000;
/// The data set in its files.
const DATA_SET: &str = "stl10";
/// The side of its images, which the poolings 4, 3, 2 and 2 need.
const SIDE: usize = 96;

pub(crate) struct Stl10;

/// Images without labels that a scale uses.
fn unlabelled(scale: Scale) -> usize {
    match scale {
        Scale::Smoke | Scale::Quick => 0,
        Scale::Cpu => 10_000,
        Scale::Paper => 100_000,
    }
}

/// The networks, with the labels of `folds`, or drawn if there are none.
fn trainings(scale: Scale, images: Images, folds: Option<Vec<Vec<u32>>>) -> Vec<Training> {
    let (train, test) = recipe::colored_images(scale);
    let labels = recipe::few(LABELS, scale);
    let without = train.unwrap_or(images.train).saturating_sub(labels);
    let kept = match folds {
        Some(folds) => KeptLabels::Folds(folds),
        None => KeptLabels::Balanced(labels),
    };
    let training = |kind: Kind| {
        let mut config = recipe::config(&SwwaeConfig::stl10(), scale, images);
        let (_, height, _) = images.size;
        let canvas = (height < SIDE).then_some(Canvas {
            side: SIDE,
            scale: (SIDE / height.max(1)).max(1),
        });
        config.image_size = (height.max(SIDE), height.max(SIDE));
        let mut model = kind.model(config, kept.clone(), scale);
        model.canvas = canvas;
        let recipe = Budget::colored(scale).recipe(without);
        recipe::training(kind.label().to_owned(), model, recipe, (train, test))
    };
    Kind::ALL.map(training).into()
}

impl Experiment for Stl10 {
    fn id(&self) -> &'static str {
        "swwae/stl10"
    }

    fn title(&self) -> &'static str {
        "STL-10"
    }

    fn data_set(&self) -> &'static str {
        DATA_SET
    }

    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        recipe::colored(scale)
    }

    fn claims(&self) -> Vec<Claim> {
        let source = "Sec. 4.3, STL-10; the paper gives the share of right answers";
        let claim = |kind: Kind| match kind {
            Kind::Convnet => super::error(self.id(), kind.label(), 100.0 - 57.45, source),
            Kind::Swwae => super::error(self.id(), kind.label(), 100.0 - 74.33, source),
            Kind::SwwaeDropout => super::measured(self.id(), kind.label(), "test error", "%"),
        };
        Kind::ALL.map(claim).into()
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        let mut notes = recipe::deviations(scale);
        notes.push(match scale {
            Scale::Smoke | Scale::Quick => {
                "Images are enlarged into the middle of 96x96 cells, since the poolings need that size; there are no folds."
                    .to_owned()
            }
            Scale::Cpu | Scale::Paper => format!(
                "The labels are those of the predefined fold that the seed counts to, or drawn if the folder has no folds; {} images without labels beside the other folds.",
                unlabelled(scale)
            ),
        });
        notes
    }

    fn seeds(&self, scale: Scale) -> u64 {
        match scale {
            Scale::Smoke | Scale::Quick | Scale::Cpu => 1,
            Scale::Paper => 10,
        }
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let images = Images {
            train: images.train + unlabelled(scale),
            ..images
        };
        trainings(scale, images, None)
    }

    fn run(&self, laboratory: &mut Laboratory, data: &Dataset) -> Result<()> {
        let scale = laboratory.scale();
        let extra = match unlabelled(scale) {
            0 => None,
            at_most => laboratory.unlabelled(DATA_SET, at_most)?,
        };
        let folds = match scale {
            Scale::Smoke | Scale::Quick => None,
            Scale::Cpu | Scale::Paper => laboratory.folds(DATA_SET, &data.train)?,
        };
        let data = recipe::with_unlabelled(data, extra.as_ref())?;
        for training in trainings(scale, Images::of(&data.train), folds) {
            laboratory.train(&training, &data)?;
        }
        laboratory.draw_curves()
    }
}
