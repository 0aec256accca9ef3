//! Trains two small auto-encoders on drawn rings, one that knows where and one that copies, and shows what they reconstruct:
//! `cargo run --release -p swwae --example reconstruct`.
//!
//! `-- picture.png` reconstructs a digit, white on black, with the network that comes with the project,
//! and writes `picture-reconstructed.png` beside it.

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use std::path::{Path, PathBuf};

use clap::Parser;
use striate::Parameters;
use striate::model_file::{picture_beside, save_picture};
use swwae::candle_core::{DType, Device, Result, Tensor, Var};
use swwae::{
    EncoderSide, Labels, LossWeights, Mode, Swwae, SwwaeConfig, SwwaeLoss, Unpooling, pretrained,
};

/// Reconstructs rings by networks that it trains, or a digit by one that is trained.
#[derive(Parser)]
struct Args {
    /// A picture of a digit, PNG or JPEG.
    picture: Option<PathBuf>,
    /// A model file, or a folder with the project's.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models"))]
    model: PathBuf,
}

/// `n` rings of random place and size, (n, 1, 32, 32).
fn rings(n: usize, seed: u64) -> Result<Tensor> {
    let mut draws = striate::rng::stream(seed, "rings", 0);
    let mut pixels = Vec::with_capacity(n * 32 * 32);
    for _ in 0..n {
        let [x, y, r] = [0; 3].map(|_| f64::from(draws.uniform()));
        let (x, y, r) = (11.0 + 10.0 * x, 11.0 + 10.0 * y, 4.0 + 5.0 * r);
        pixels.extend((0..32 * 32).map(|at| {
            let (dx, dy) = (f64::from(at % 32) - x, f64::from(at / 32) - y);
            (1.5 - (dx.hypot(dy) - r).abs()).clamp(0.0, 1.0) as f32
        }));
    }
    Tensor::from_vec(pixels, (n, 1, 32, 32), &Device::Cpu)
}

fn train(unpooling: Unpooling) -> Result<Swwae> {
    let config = SwwaeConfig {
        unpooling,
        ..SwwaeConfig::necessity_of_where(8)
    };
    let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
    let network = Swwae::new(&config, parameters.builder())?;
    let vars: Vec<Var> = parameters.named().into_iter().map(|(_, var)| var).collect();
    let mut velocity: Vec<Tensor> = vars.iter().map(|v| v.zeros_like()).collect::<Result<_>>()?;
    for step in 0..150 {
        let xs = rings(16, step)?;
        let pass = network.pass(&xs, true)?;
        let labels = Labels::none(16);
        let loss = SwwaeLoss::new(&pass, &xs, &labels, Mode::Unsupervised, EncoderSide::Joint)?;
        let gradients = loss
            .total(&LossWeights {
                l2_rec: 1.0,
                l2_m: 0.0,
            })?
            .backward()?;
        for (var, v) in vars.iter().zip(&mut velocity) {
            let Some(gradient) = gradients.get(var) else {
                continue;
            };
            *v = ((&*v * 0.9)? + gradient)?.detach();
            var.set(&(var.as_tensor() - (&*v * 0.1)?)?)?;
        }
    }
    Ok(network)
}

/// What a network that was trained on rings makes of the images, and its mean squared error.
fn reconstructed(unpooling: Unpooling, xs: &Tensor) -> Result<(Tensor, f32)> {
    let picture = train(unpooling)?.reconstruct(xs)?;
    let error = (&picture - xs)?.sqr()?.mean_all()?.to_scalar::<f32>()?;
    Ok((picture, error))
}

/// Reconstructs a digit with a trained network.
fn reconstruct_picture(path: &Path, models: &Path) -> Result<()> {
    let model = pretrained(models, &Device::Cpu)?;
    let pixels = model.open_picture(path)?;
    let xs = model.prepare(&pixels)?;
    let picture = model.network.reconstruct(&xs)?;
    let error = (&picture - &xs)?.sqr()?.mean_all()?.to_scalar::<f32>()?;
    let spread = xs.broadcast_sub(&xs.mean_all()?)?.sqr()?.mean_all()?;
    let written = picture_beside(path, "reconstructed");
    save_picture(&written, &model.picture(&picture)?, 8)?;
    let share = error / spread.to_scalar::<f32>()?.max(1e-6);
    println!(
        "{}: the squared error is {:.1} % of the picture's variance",
        written.display(),
        100.0 * share
    );
    Ok(())
}

fn main() -> Result<()> {
    let args = Args::parse();
    if let Some(picture) = &args.picture {
        return reconstruct_picture(picture, &args.model);
    }
    let xs = rings(1, 1_000)?;
    let mut pictures = vec![xs.clone()];
    for unpooling in [Unpooling::Where, Unpooling::Copy] {
        let (picture, error) = reconstructed(unpooling, &xs)?;
        println!("{unpooling:?}: mean squared error {error:.4} after a pooling of 8x8");
        pictures.push(picture);
    }
    println!("image, with where, without:");
    for y in (0..32).step_by(2) {
        for picture in &pictures {
            let row = picture.get(0)?.get(0)?.get(y)?.to_vec1::<f32>()?;
            let shade = |v: &f32| [' ', '.', '+', '#'][(v * 4.0).clamp(0.0, 3.0) as usize];
            print!("{}  ", row.iter().map(shade).collect::<String>());
        }
        println!();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rings_come_back_with_where_and_blur_without() -> Result<()> {
        let xs = rings(8, 1_000)?;
        let error =
            |unpooling| Ok::<_, swwae::candle_core::Error>(reconstructed(unpooling, &xs)?.1);
        let (with, without) = (error(Unpooling::Where)?, error(Unpooling::Copy)?);
        assert!(with < 0.5 * without, "{with} with where, {without} without");
        Ok(())
    }
}
