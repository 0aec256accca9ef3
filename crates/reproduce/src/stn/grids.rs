//! The figure beside Table 1: test digits, the grid that the transformer reads them with, and what the classifier sees.
//!
//! Expected: the digits after the transformer are upright, of one size and in the middle; they differ less within a class.

use anyhow::Result;
use candle_core::{Device, Tensor};
use lab::data::{Batches, Distortion, FloatSet};
use lab::report::{ImageGrid, Note, file_name};
use stn::networks::{DigitConfig, DigitNet};

use super::digits::{self, Digit, Kind};
use super::setup::{CHOICES, MNIST, RECIPE};
use super::{grid_overlay, table1};
use crate::experiment::{Experiment, Row};
use crate::pictures;
use crate::planned::Planned;
use crate::session::Session;

/// What is shown, each after the transformer that is made for it.
const SHOWN: [Distortion; 5] = Distortion::ALL;
/// What is measured beside the pictures.
const BEFORE: (&str, &str) = ("difference within a class, input", "%");
const AFTER: (&str, &str) = ("difference within a class, after the transformer", "%");

pub(crate) const GRIDS: Experiment = Experiment::new(
    "stn/grids",
    "what the transformers do to test digits",
    MNIST,
    rows,
)
.choices(&[CHOICES])
.notes(&[
    RECIPE,
    Note::new(
        "The difference within a class is the squared distance of test images from the \
         mean image of their class, as a share of their squared values: what is not \
         explained by the class.",
    ),
    Note::new(
        "The digits shown are the first test digit of each class, where the paper \
         shows digits that the CNN gets wrong.",
    ),
])
.of_one_seed()
.run(run);

/// The CNN with the transformer that is made for each distortion.
fn rows() -> Vec<Row> {
    let row = |distortion: Distortion| {
        let digit = Digit::of_paper(Kind::Cnn, Some(digits::suited(distortion)));
        let label = table1::label(distortion, digit);
        let row = Row::new(label, move |scale, images| {
            table1::training(distortion, digit, scale, images)
        });
        row.measured_error().measured(BEFORE).measured(AFTER)
    };
    SHOWN.map(row).into()
}

fn run(session: &mut Session, rows: &[Planned]) -> Result<()> {
    for row in rows {
        let Some(trained) = session.trained(row)? else {
            continue;
        };
        let config: &DigitConfig = row.config()?;
        let network = DigitNet::new(config, trained.parameters.builder())?;
        let sets = session.prepare(row)?;
        let picture = mosaic(&network, &sets.1, &row.label)?;
        session.figure(&file_name(&row.label), &picture)?;
        for (quantity, spread) in spreads(&network, &sets.1, session.device())? {
            session.measured(row, quantity, trained.seed, Some(spread.percent()), None)?;
        }
    }
    Ok(())
}

/// How different the digits of a class are, before and after the transformer.
fn spreads(
    network: &DigitNet,
    test: &FloatSet,
    device: &Device,
) -> Result<[((&'static str, &'static str), Spread); 2]> {
    let (mut before, mut after) = (Spread::new(test.classes), Spread::new(test.classes));
    for batch in Batches::eval(test, 250, device)? {
        let batch = batch?;
        let labels: Vec<u32> = batch.labels.to_vec1()?;
        before.add(&batch.xs, &labels)?;
        for transformed in network.transform(&batch.xs)? {
            after.add(&transformed.output, &labels)?;
        }
    }
    Ok([(BEFORE, before), (AFTER, after)])
}

/// One column a class: the input, the grid over it, the output.
fn mosaic(network: &DigitNet, test: &FloatSet, title: &str) -> Result<lab::report::Picture> {
    let device = Device::Cpu;
    let generators = network.generators();
    let mut rows = [Vec::new(), Vec::new(), Vec::new()];
    let mut names = Vec::new();
    for class in 0..test.classes as u32 {
        let Some(index) = test.first_of(class) else {
            continue;
        };
        let input = pictures::input(test, index, &device)?;
        let transformed = network.transform(&input)?;
        let (Some(generator), Some(transformed)) = (generators.first(), transformed.first()) else {
            continue;
        };
        let image = input.squeeze(0)?.squeeze(0)?;
        let theta = transformed.theta.detach();
        rows[0].push(grid_overlay::gray(&image)?);
        rows[1].push(grid_overlay::with_grid(&image, *generator, &theta)?);
        rows[2].push(grid_overlay::gray(
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
