//! The figure beside Table 1: test digits, the grid that the transformer reads them with, and what the classifier sees.
//!
//! Command: `cargo xtask reproduce stn/grids`
//! Expected: the digits behind the transformer are upright, of one size and in the middle; they differ less within a class.
//! Cost: that of four rows of Table 1, whose runs it shares.
//! Deviations: the first test digit of each class, where the paper shows digits that the CNN gets wrong.

use anyhow::Result;
use candle_core::Tensor;
use lab::data::{Batches, Dataset, Distortion, FloatSet};
use lab::report::{Claim, ImageGrid, Mark, Record, Scale};
use stn::networks::DigitNet;

use super::digits::{self, Digit, Kind};
use super::{looked, recipe, table1};
use crate::experiment::{Experiment, Images};
use crate::laboratory::{Laboratory, Trained, file_name};
use crate::pictures;
use crate::training::Training;

/// What is shown, each behind the transformer that is made for it.
const SHOWN: [Distortion; 4] = [
    Distortion::Rotated,
    Distortion::RotatedScaledPlaced,
    Distortion::Projective,
    Distortion::Elastic,
];
/// What is measured beside the pictures.
const BEFORE: &str = "difference within a class, input";
const BEHIND: &str = "difference within a class, behind the transformer";

pub(crate) struct Grids;

/// The rows of the figure's table.
fn shown() -> impl Iterator<Item = (Distortion, Digit)> {
    SHOWN.into_iter().map(|distortion| {
        let digit = Digit {
            kind: Kind::Cnn,
            transform: Some(digits::suited(distortion)),
        };
        (distortion, digit)
    })
}

impl Experiment for Grids {
    fn id(&self) -> &'static str {
        "stn/grids"
    }

    fn title(&self) -> &'static str {
        "what the transformers do to test digits"
    }

    fn data_set(&self) -> &'static str {
        "mnist"
    }

    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        recipe::embedded(scale)
    }

    fn claims(&self) -> Vec<Claim> {
        let quantities = ["test error", BEFORE, BEHIND];
        let claims = shown().flat_map(|(distortion, digit)| {
            quantities.map(|quantity| Claim {
                mark: Mark::Absent,
                ..Claim::new(self.id(), table1::label(distortion, digit), quantity, "%")
            })
        });
        claims.collect()
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        let mut notes = recipe::deviations(scale);
        notes.push(
            "The difference within a class is the squared distance of test images from the mean image of their class, \
             as a share of their squared values: what is not explained by the class."
                .to_owned(),
        );
        notes
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let training = |(distortion, digit)| table1::training(distortion, digit, scale, images);
        shown().filter_map(training).collect()
    }

    fn run(&self, laboratory: &mut Laboratory, data: &Dataset) -> Result<()> {
        let (scale, images) = (laboratory.scale(), Images::of(&data.train));
        for (distortion, digit) in shown() {
            let Some(training) = table1::training(distortion, digit, scale, images) else {
                continue;
            };
            let Some(trained) = laboratory.trained(&training, data)? else {
                continue;
            };
            let config = digit.config(distortion, scale, images)?;
            let network = DigitNet::new(&config, trained.parameters.builder())?;
            let sets = laboratory.prepare(&training, data)?;
            let picture = mosaic(&network, &sets.1, &training.label)?;
            laboratory.figure(&file_name(&training.label), &picture)?;
            self.keep(laboratory, &training, data, &trained, &network, &sets.1)?;
        }
        Ok(())
    }
}

impl Grids {
    /// Measures how different the digits of a class are.
    fn keep(
        &self,
        laboratory: &Laboratory,
        training: &Training,
        data: &Dataset,
        trained: &Trained,
        network: &DigitNet,
        test: &FloatSet,
    ) -> Result<()> {
        let device = &laboratory.settings.device;
        let (mut before, mut behind) = (Spread::new(test.classes), Spread::new(test.classes));
        for batch in Batches::eval(test, 250, device)? {
            let batch = batch?;
            let labels: Vec<u32> = batch.labels.to_vec1()?;
            before.add(&batch.xs, &labels)?;
            for transformed in network.transform(&batch.xs)? {
                behind.add(&transformed.output, &labels)?;
            }
        }
        for (quantity, spread) in [(BEFORE, before), (BEHIND, behind)] {
            let claim = Claim::new(self.id(), &training.label, quantity, "%");
            let record = Record::new(
                &claim,
                laboratory.described(training, data),
                laboratory.scale(),
            )
            .value(trained.seed, Some(spread.percent()));
            let folder = laboratory.folder().join(file_name(&training.label));
            laboratory.keep(&folder.join(file_name(quantity)), &record)?;
        }
        Ok(())
    }
}

/// One column a class: the input, the grid over it, the output.
fn mosaic(network: &DigitNet, test: &FloatSet, title: &str) -> Result<lab::report::Picture> {
    let device = candle_core::Device::Cpu;
    let generators = network.generators();
    let mut rows = [Vec::new(), Vec::new(), Vec::new()];
    let mut names = Vec::new();
    for class in 0..test.classes as u32 {
        let first = test.labels.iter().position(|&label| label == class);
        let Some(index) = first else { continue };
        let input = pictures::input(test, index, &device)?;
        let transformed = network.transform(&input)?;
        let (Some(generator), Some(transformed)) = (generators.first(), transformed.first()) else {
            continue;
        };
        let image = input.squeeze(0)?.squeeze(0)?;
        let theta = transformed.theta.detach();
        rows[0].push(looked::gray(&image)?);
        rows[1].push(looked::with_grid(&image, *generator, &theta)?);
        rows[2].push(looked::gray(
            &transformed.output.detach().squeeze(0)?.squeeze(0)?,
        )?);
        names.push(class.to_string());
    }
    let mut grid =
        ImageGrid::new(format!("{title}: first test digit of each class")).columns(names);
    for (name, row) in ["input", "grid", "output"].into_iter().zip(rows) {
        grid.row(name, row);
    }
    Ok(grid.draw()?)
}

/// Sums over images for their spread around the mean of their class.
struct Spread {
    classes: Vec<Class>,
}

#[derive(Clone, Default)]
struct Class {
    images: f64,
    sum: Vec<f64>,
    squares: f64,
}

impl Spread {
    fn new(classes: usize) -> Self {
        Self {
            classes: vec![Class::default(); classes],
        }
    }

    fn add(&mut self, xs: &Tensor, labels: &[u32]) -> Result<()> {
        let images: Vec<Vec<f32>> = xs.detach().flatten_from(1)?.to_vec2()?;
        for (image, &label) in images.iter().zip(labels) {
            let Some(class) = self.classes.get_mut(label as usize) else {
                continue;
            };
            class.images += 1.0;
            class.sum.resize(image.len(), 0.0);
            for (sum, &value) in class.sum.iter_mut().zip(image) {
                *sum += f64::from(value);
                class.squares += f64::from(value).powi(2);
            }
        }
        Ok(())
    }

    /// sum |x - mean of its class|^2 / sum |x|^2, in percent.
    fn percent(&self) -> f64 {
        let squares: f64 = self.classes.iter().map(|class| class.squares).sum();
        let explained = |class: &Class| {
            class.sum.iter().map(|sum| sum * sum).sum::<f64>() / class.images.max(1.0)
        };
        let explained: f64 = self.classes.iter().map(explained).sum();
        100.0 * (1.0 - explained / squares.max(f64::MIN_POSITIVE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn equal_images_do_not_differ() -> Result<()> {
        let xs = Tensor::new(&[[1f32, 0.0], [1.0, 0.0], [0.0, 2.0]], &Device::Cpu)?;
        let xs = xs.reshape((3, 1, 1, 2))?;
        let mut spread = Spread::new(2);
        spread.add(&xs, &[0, 0, 1])?;
        assert!(spread.percent().abs() < 1e-9);
        let mut spread = Spread::new(2);
        spread.add(&xs, &[0, 0, 0])?;
        // The mean is (2/3, 2/3): of the squares 6, 3 (4/9 + 4/9) are explained.
        assert!((spread.percent() - 100.0 * (1.0 - 8.0 / 3.0 / 6.0)).abs() < 1e-9);
        Ok(())
    }
}
