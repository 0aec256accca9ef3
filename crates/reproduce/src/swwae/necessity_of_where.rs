//! Sec. 4.1: reconstructions with and without where, for pools of 2, 4, 8 and 16.
//!
//! Command: `cargo xtask reproduce swwae/where`
//! Expected: with where reconstructions are sharp at every size of the pool; by upsampling they blur more and more.
//! Cost: `--list` prints it.
//! Deviations: digits in the middle of 32x32 cells, which all four pools divide; the training is ours.
//! The paper shows pictures only; the mean squared error is an addition.

use anyhow::{Context, Result};
use candle_core::{Device, Tensor};
use lab::data::{Batches, Dataset, FloatSet, Preprocess};
use lab::report::{Claim, ImageGrid, Picture, Record, Scale};
use lab::train::{AdamConfig, LrSchedule, Recipe};
use swwae::{LossWeights, Swwae, SwwaeConfig, Unpooling};

use super::model::AutoEncoder;
use crate::canvas::Canvas;
use crate::experiment::{Experiment, Images};
use crate::laboratory::{Laboratory, file_name};
use crate::pictures;
use crate::training::Training;

/// Sides of the pool.
const POOLS: [usize; 4] = [2, 4, 8, 16];
/// With where, and the paper's upsampling.
const UNPOOLINGS: [(Unpooling, &str); 2] =
    [(Unpooling::Where, "where"), (Unpooling::Copy, "upsampling")];
/// Digits shown, the first of each class.
const SHOWN: usize = 10;
/// What is measured.
const ERROR: &str = "mean squared error";
/// 28 padded to what 2, 4, 8 and 16 divide.
pub(super) const CANVAS: Canvas = Canvas { side: 32, scale: 1 };

pub(crate) struct NecessityOfWhere;

fn label(pool: usize, name: &str) -> String {
    format!("pool {pool}, {name}")
}

/// An auto-encoder of digits between 0 and 1 and its training.
pub(super) fn training(
    label: String,
    config: SwwaeConfig,
    weights: LossWeights,
    scale: Scale,
) -> Training {
    let (epochs, batch_size, lr) = match scale {
        Scale::Smoke => (1, 8, 0.002),
        Scale::Quick => (4, 32, 0.002),
        Scale::Cpu => (2, 64, 0.001),
        Scale::Paper => (20, 64, 0.001),
    };
    let (train_images, test_images) = match scale {
        Scale::Smoke => (Some(16), Some(20)),
        Scale::Quick => (Some(2_000), None),
        Scale::Cpu | Scale::Paper => (None, None),
    };
    let adam = AdamConfig {
        lr,
        ..AdamConfig::default()
    };
    let model = AutoEncoder {
        config,
        weights,
        canvas: CANVAS,
    };
    Training {
        label,
        model: Box::new(model),
        recipe: Recipe {
            schedule: LrSchedule::cosine(0.0),
            ..Recipe::new(epochs, batch_size, adam)
        },
        rates: Vec::new(),
        train_images,
        test_images,
        initializer: None,
        scenery: None,
        preprocess: Preprocess::UnitRange,
    }
}

/// The network of one row.
fn config(pool: usize, unpooling: Unpooling) -> SwwaeConfig {
    SwwaeConfig {
        unpooling,
        ..SwwaeConfig::necessity_of_where(pool)
    }
}

impl Experiment for NecessityOfWhere {
    fn id(&self) -> &'static str {
        "swwae/where"
    }

    fn title(&self) -> &'static str {
        "reconstructions with and without where"
    }

    fn data_set(&self) -> &'static str {
        "mnist"
    }

    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        match scale {
            Scale::Smoke | Scale::Quick => Some("mnist"),
            Scale::Cpu | Scale::Paper => None,
        }
    }

    fn claims(&self) -> Vec<Claim> {
        let of_pool = |pool| {
            UNPOOLINGS.map(|(_, name)| super::measured("swwae/where", label(pool, name), ERROR, ""))
        };
        POOLS.into_iter().flat_map(of_pool).collect()
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        let amount = match scale {
            Scale::Smoke => "a smoke run shows that everything works, its numbers mean nothing",
            Scale::Quick => "2,000 digits of a small set, 4 epochs",
            Scale::Cpu => "2 epochs",
            Scale::Paper => "20 epochs",
        };
        vec![format!(
            "Deviations: {amount}; Adam with a cosine schedule is ours, the paper's training is not known; \
             digits from 0 to 1 in the middle of 32x32 cells; errors are means over all cells of the test images, \
             and a black picture would have the mean square of the digits."
        )]
    }

    fn trainings(&self, scale: Scale, _images: Images) -> Vec<Training> {
        let weights = LossWeights {
            l2_rec: 1.0,
            l2_m: 0.0,
        };
        let of_pool = |pool| {
            UNPOOLINGS.map(|(unpooling, name)| {
                training(label(pool, name), config(pool, unpooling), weights, scale)
            })
        };
        POOLS.into_iter().flat_map(of_pool).collect()
    }

    fn run(&self, laboratory: &mut Laboratory, data: &Dataset) -> Result<()> {
        let trainings = self.trainings(laboratory.scale(), Images::of(&data.train));
        let kinds = POOLS
            .into_iter()
            .flat_map(|pool| UNPOOLINGS.map(|(unpooling, _)| config(pool, unpooling)));
        let mut rows: Vec<(&str, Vec<Picture>)> = Vec::new();
        for (training, config) in trainings.iter().zip(kinds) {
            let Some(trained) = laboratory.trained(training, data)? else {
                continue;
            };
            let network = Swwae::new(&config, trained.parameters.builder())?;
            let sets = laboratory.prepare(training, data)?;
            let device = laboratory.settings.device.clone();
            let digits = first_of_each_class(&sets.1, &device)?;
            if rows.is_empty() {
                rows.push(("input", pictures_of(&digits)?));
            }
            let reconstructed = network.reconstruct(&digits)?;
            rows.push((&training.label, pictures_of(&reconstructed)?));

            let error = mean_squared_error(&network, &sets.1, &device)?;
            let claim = Claim::new(self.id(), &training.label, ERROR, "");
            let dataset = laboratory.described(training, data);
            let record =
                Record::new(&claim, dataset, laboratory.scale()).value(trained.seed, Some(error));
            let log = laboratory.logs(&training.label).next();
            let record = Record {
                epochs: training.recipe.epochs,
                wall_seconds: log.map_or(0.0, |(_, log)| log.train_seconds),
                images_per_second: log.map_or(0.0, |(_, log)| log.images_per_second()),
                parameters: Some(trained.parameters.count()),
                notes: self.deviations(laboratory.scale()),
                ..record
            };
            let folder = laboratory
                .folder()
                .join("error")
                .join(file_name(&training.label));
            laboratory.keep(&folder, &record)?;
        }
        if rows.is_empty() {
            return Ok(());
        }
        let mut grid = ImageGrid::new("reconstructions, by the side of the pool").enlarge(2);
        rows.into_iter()
            .for_each(|(name, pictures)| grid.row(name, pictures));
        laboratory.figure("reconstructions", &grid.draw()?)
    }
}

/// The mean over all cells of the images of `set` on the canvas.
fn mean_squared_error(network: &Swwae, set: &FloatSet, device: &Device) -> Result<f64> {
    let (mut sum, mut cells) = (0.0, 0);
    for batch in Batches::eval(set, 100, device)? {
        let xs = CANVAS.place(&batch?.xs)?;
        let squares = (network.reconstruct(&xs)?.detach() - &xs)?.sqr()?;
        sum += f64::from(squares.sum_all()?.to_scalar::<f32>()?);
        cells += xs.elem_count();
    }
    Ok(sum / cells.max(1) as f64)
}

/// The first image of each class on the canvas, (N, C, H, W).
fn first_of_each_class(set: &FloatSet, device: &Device) -> Result<Tensor> {
    let mut images = Vec::new();
    for class in 0..set.classes.min(SHOWN) {
        let first = set.labels.iter().position(|&label| label as usize == class);
        if let Some(index) = first {
            images.push(pictures::input(set, index, device)?);
        }
    }
    let images =
        Tensor::cat(&images, 0).context("the test set has no images of the first classes")?;
    Ok(CANVAS.place(&images)?)
}

/// Images from 0 to 1 as pictures.
fn pictures_of(images: &Tensor) -> Result<Vec<Picture>> {
    let (n, c, h, w) = images.dims4()?;
    let picture = |index| {
        let values: Vec<f32> = images.detach().get(index)?.flatten_all()?.to_vec1()?;
        Ok(Picture::new(&values, (c, h, w), (0.0, 1.0))?)
    };
    (0..n).map(picture).collect()
}
