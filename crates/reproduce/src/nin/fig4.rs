//! Fig. 4: the class maps of test images, and how often the strongest is that of the true class.
//!
//! Command: `cargo xtask reproduce nin/fig4`
//! Expected: the map of the true class is the strongest and lies on the object.
//! Cost: that of one row of Table 1, whose run it shares.
//! Deviations: `recipe.rs`; the images are the first of each class, since the paper does not say how it chose.

use anyhow::Result;
use candle_core::{DType, Tensor};
use lab::data::{Batches, Dataset};
use lab::report::{Claim, ImageGrid, Picture, Record, Scale};

use super::{recipe, table1};
use crate::experiment::{Experiment, Images};
use crate::laboratory::Laboratory;
use crate::pictures;
use crate::training::Training;

/// The part of a map's cells that is shown.
const SHOWN: f64 = 0.1;
/// What is measured beside the pictures.
const STRONGEST: &str = "strongest map is that of the true class";

pub(crate) struct Fig4;

impl Experiment for Fig4 {
    fn id(&self) -> &'static str {
        "nin/fig4"
    }

    fn title(&self) -> &'static str {
        "class maps of test images"
    }

    fn data_set(&self) -> &'static str {
        "cifar10"
    }

    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        recipe::embedded(scale)
    }

    fn claims(&self) -> Vec<Claim> {
        let quantities = [("test error", "%"), (STRONGEST, "%")];
        quantities
            .map(|(quantity, unit)| super::measured(self.id(), table1::ROWS[1], quantity, unit))
            .into()
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        let mut notes = recipe::deviations(scale);
        notes.push(
            "A map counts as strongest if it holds the largest activation of all maps of an image."
                .to_owned(),
        );
        notes
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        vec![table1::training(table1::ROWS[1], true, scale, images)]
    }

    fn run(&self, laboratory: &mut Laboratory, data: &Dataset) -> Result<()> {
        let trainings = self.trainings(laboratory.scale(), Images::of(&data.train));
        let Some(training) = trainings.first() else {
            return Ok(());
        };
        let Some(trained) = laboratory.trained(training, data)? else {
            return Ok(());
        };
        let network = trained.network.as_ref();
        let sets = laboratory.prepare(training, data)?;
        let device = laboratory.settings.device.clone();

        let (mut right, mut images) = (0, 0);
        for batch in Batches::eval(&sets.1, 250, &device)? {
            let batch = batch?;
            let peaks = peaks(&network.forward_features(&batch.xs)?)?;
            let answers: Vec<u32> = peaks.argmax(1)?.to_vec1()?;
            let labels: Vec<u32> = batch.labels.to_vec1()?;
            right += answers.iter().zip(&labels).filter(|(a, b)| a == b).count();
            images += labels.len();
        }
        let share = 100.0 * right as f64 / images.max(1) as f64;
        let claim = Claim::new(self.id(), &training.label, STRONGEST, "%");
        let dataset = laboratory.described(training, data);
        let record =
            Record::new(&claim, dataset, laboratory.scale()).value(trained.seed, Some(share));
        laboratory.keep(&laboratory.folder().join("strongest"), &record)?;

        let names = &data.test.class_names;
        let columns = std::iter::once("image".to_owned()).chain(names.iter().cloned());
        let mut grid = ImageGrid::new("class maps, the strongest tenth of each")
            .columns(columns)
            .enlarge(2);
        for (class, name) in names.iter().enumerate() {
            let first = sets
                .1
                .labels
                .iter()
                .position(|&label| label as usize == class);
            let Some(index) = first else { continue };
            let input = pictures::input(&sets.1, index, &device)?;
            let mut row = vec![pictures::image(&data.test, index)?];
            row.extend(maps(&network.forward_features(&input)?, data.test.height)?);
            grid.row(name, row);
        }
        laboratory.figure("class-maps", &grid.draw()?)
    }
}

/// The largest activation of each map, (N, K).
fn peaks(maps: &Tensor) -> candle_core::Result<Tensor> {
    maps.detach().flatten_from(2)?.max(2)
}

/// The maps of one image as pictures about `side` high: their strongest cells, as bright as they are beside all maps.
fn maps(maps: &Tensor, side: usize) -> Result<Vec<Picture>> {
    let (_, classes, h, w) = maps.dims4()?;
    let values: Vec<Vec<f32>> = maps
        .detach()
        .to_dtype(DType::F32)?
        .reshape((classes, h * w))?
        .to_vec2()?;
    let most = values
        .iter()
        .flatten()
        .copied()
        .fold(f32::MIN_POSITIVE, f32::max);
    let kept = ((h * w) as f64 * SHOWN).ceil() as usize;
    let picture = |map: &Vec<f32>| {
        let mut sorted = map.clone();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let least = sorted.get(kept.max(1) - 1).copied().unwrap_or(f32::MAX);
        let shown: Vec<f32> = map
            .iter()
            .map(|&v| if v >= least { v.max(0.0) } else { 0.0 })
            .collect();
        let factor = (side / h.max(1)).max(1) as u32;
        Ok(Picture::new(&shown, (1, h, w), (0.0, most))?.enlarged(factor))
    };
    values.iter().map(picture).collect()
}
