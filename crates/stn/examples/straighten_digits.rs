//! Rotated bars are straightened: a transformer learns poses from class labels alone.
//!
//! `cargo run --release -p striate-stn --example straighten_digits`
//!
//! Each picture shows one of two strokes, a bar or an L, rotated by up to 60 degrees and moved.
//! The network is trained on the class of the stroke alone, not on its rotation.
//! After training the program prints pictures before and after the transformer,
//! and how much the pictures of a class differ from their mean, as a share of their own squares,
//! so that enlarging a picture changes nothing: less after the transformer than before it.
//!
//! `-- picture.png` straightens a digit, white on black, with the network that comes with the project,
//! and writes `picture-straight.png` beside it.

#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::Parser;
use stn::candle_core::{DType, Device, Tensor};
use stn::candle_nn::{ModuleT, Optimizer, SGD};
use stn::networks::{Body, DigitConfig, DigitNet, Transform, pretrained};
use striate::model_file::{picture_beside, save_picture};
use striate::rng::{Stream, stream};
use striate::{Parameters, cross_entropy};

/// Straightens strokes by a network that it trains, or a digit by one that is trained.
#[derive(Parser)]
struct Args {
    /// A picture of a digit, PNG or JPEG.
    picture: Option<PathBuf>,
    /// A model file, or a folder with the project's.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models"))]
    model: PathBuf,
}

const SIDE: usize = 28;
const BATCH: usize = 64;
const STEPS: u64 = 400;

/// Distance from a point to a stroke between two points.
fn distance(p: (f64, f64), a: (f64, f64), b: (f64, f64)) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let along = ((p.0 - a.0) * dx + (p.1 - a.1) * dy) / (dx * dx + dy * dy);
    let along = along.clamp(0.0, 1.0);
    (p.0 - a.0 - along * dx).hypot(p.1 - a.1 - along * dy)
}

/// A picture of class 0 (a bar) or 1 (an L), turned and moved.
fn picture(class: u32, draws: &mut Stream) -> Vec<f32> {
    let (sin, cos) = ((2.0 * draws.uniform_f64() - 1.0) * 60f64.to_radians()).sin_cos();
    let (tx, ty) = (
        0.3 * (draws.uniform_f64() - 0.5),
        0.3 * (draws.uniform_f64() - 0.5),
    );
    let center = (SIDE as f64 - 1.0) / 2.0;
    let mut values = Vec::with_capacity(SIDE * SIDE);
    for row in 0..SIDE {
        for column in 0..SIDE {
            let x = (column as f64 - center) / center - tx;
            let y = (row as f64 - center) / center - ty;
            let p = (cos * x + sin * y, cos * y - sin * x);
            let mut d = distance(p, (-0.2, -0.55), (-0.2, 0.55));
            if class == 1 {
                d = d.min(distance(p, (-0.2, 0.55), (0.4, 0.55)));
            }
            values.push((1.5 - 10.0 * (d - 0.05)).clamp(0.0, 1.0) as f32);
        }
    }
    values
}

fn batch(step: u64) -> Result<(Tensor, Tensor), Box<dyn Error>> {
    let mut draws = stream(1, "pictures", step);
    let labels: Vec<u32> = (0..BATCH).map(|_| draws.below(2) as u32).collect();
    let pictures: Vec<f32> = labels
        .iter()
        .flat_map(|&class| picture(class, &mut draws))
        .collect();
    let xs = Tensor::from_vec(pictures, (BATCH, 1, SIDE, SIDE), &Device::Cpu)?;
    Ok((xs, Tensor::new(labels, &Device::Cpu)?))
}

/// Mean squared difference of the pictures of `class` from their mean, as a share of their mean square.
fn spread(xs: &Tensor, labels: &Tensor, class: u32) -> Result<f32, Box<dyn Error>> {
    let of_class: Vec<u32> = (0u32..)
        .zip(labels.to_vec1::<u32>()?)
        .filter(|(_, label)| *label == class)
        .map(|(at, _)| at)
        .collect();
    let chosen = xs.index_select(&Tensor::new(of_class, &Device::Cpu)?, 0)?;
    let mean = chosen.mean_keepdim(0)?;
    let difference = chosen.broadcast_sub(&mean)?.sqr()?.mean_all()?;
    let share = (difference / chosen.sqr()?.mean_all()?)?;
    Ok(share.to_scalar()?)
}

fn show(title: &str, xs: &Tensor) -> Result<(), Box<dyn Error>> {
    println!("{title}");
    let pictures: Vec<Vec<Vec<f32>>> = (0..4)
        .map(|at| xs.get(at)?.get(0)?.to_vec2())
        .collect::<Result<_, _>>()?;
    for row in (0..SIDE).step_by(2) {
        let line = |picture: &Vec<Vec<f32>>| -> String {
            let shade =
                |v: &f32| [' ', '.', ':', 'o', '#'][(v * 4.0).round().clamp(0.0, 4.0) as usize];
            picture[row].iter().map(shade).collect()
        };
        println!(
            "{}",
            pictures.iter().map(line).collect::<Vec<_>>().join(" | ")
        );
    }
    Ok(())
}

/// Trains, and gives pictures before and after the transformer with their classes.
fn straighten() -> Result<(Tensor, Tensor, Tensor), Box<dyn Error>> {
    let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
    let config = DigitConfig {
        classes: 2,
        gradient_scale: 1.0,
        ..DigitConfig::plain(SIDE, Body::Fcn { hidden: 32 }).with_transformers(1, Transform::Affine)
    };
    let network = DigitNet::new(&config, parameters.builder())?;
    let mut optimizer = SGD::new(parameters.all_vars(), 0.05)?;
    for step in 0..STEPS {
        let (xs, labels) = batch(step)?;
        let loss = cross_entropy(&network.forward_t(&xs, true)?, &labels)?;
        optimizer.backward_step(&loss)?;
        if step % 50 == 0 {
            println!("step {step:3}  loss {:.4}", loss.to_scalar::<f32>()?);
        }
    }
    let (xs, labels) = batch(STEPS)?;
    let straightened = network.transformed(&xs)?;
    Ok((xs, straightened, labels))
}

/// Straightens a digit with a trained network.
fn straighten_picture(path: &Path, models: &Path) -> Result<(), Box<dyn Error>> {
    let model = pretrained(models, &Device::Cpu)?;
    let pixels = model.open_picture(path)?;
    let straight = model.network.transformed(&model.prepare(&pixels)?)?;
    let written = picture_beside(path, "straight");
    save_picture(&written, &model.picture(&straight)?, 8)?;
    for answer in model.classify(&pixels)? {
        let percent = 100.0 * answer.probability;
        println!("{} ({percent:.0} %): {}", answer.name, written.display());
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    if let Some(picture) = &args.picture {
        return straighten_picture(picture, &args.model);
    }
    let (xs, straightened, labels) = straighten()?;
    show("before the transformer", &xs)?;
    show("after the transformer", &straightened)?;
    for (class, name) in [(0, "bars"), (1, "L's")] {
        println!(
            "spread of the {name}: {:.2} before, {:.2} after",
            spread(&xs, &labels, class)?,
            spread(&straightened, &labels, class)?
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use striate::model_file::{
        ModelCard, ModelFile, Normalization, Precision, Preprocessing, open_picture,
    };

    use super::*;

    #[test]
    fn pictures_of_a_class_are_more_alike_after_the_transformer() -> Result<(), Box<dyn Error>> {
        let (xs, straightened, labels) = straighten()?;
        for class in 0..2 {
            let (before, after) = (
                spread(&xs, &labels, class)?,
                spread(&straightened, &labels, class)?,
            );
            assert!(
                after < 0.9 * before,
                "class {class}: {before} before, {after} after"
            );
        }
        Ok(())
    }

    /// An untrained transformer gives the picture back, in its own shades and not as the network sees it.
    #[test]
    fn a_straightened_picture_has_its_shades() -> Result<(), Box<dyn Error>> {
        let config = DigitConfig::plain(SIDE, Body::Fcn { hidden: 2 })
            .with_transformers(1, Transform::Affine);
        let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
        DigitNet::new(&config, parameters.builder())?;
        let normalization = Normalization::Affine {
            mean: vec![127.5],
            factor: vec![1.0 / 64.0],
        };
        let preprocessing = Preprocessing {
            normalization,
            canvas: None,
        };
        let card = ModelCard::of(&config, preprocessing)?;
        let name = format!("striate-straighten-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder)?;
        let (model, picture) = (folder.join("model.safetensors"), folder.join("gray.png"));
        ModelFile::new(card, &parameters, None).save(&model, Precision::Full)?;
        let gray = Tensor::full(0.75f32, (1, SIDE, SIDE), &Device::Cpu)?;
        save_picture(&picture, &gray, 1)?;
        straighten_picture(&picture, &model)?;
        let written = open_picture(folder.join("gray-straight.png"), (1, SIDE, SIDE))?;
        let pixels = written.flatten_all()?.to_vec1::<u8>()?;
        assert!(
            pixels.iter().all(|pixel| pixel.abs_diff(191) <= 1),
            "{pixels:?}"
        );
        std::fs::remove_dir_all(&folder)?;
        Ok(())
    }
}
