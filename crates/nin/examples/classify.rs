//! Classifies pictures and shows where each class is seen:
//! `cargo run --release -p nin --example classify -- picture.png`.
//!
//! Prints the class of each picture and draws a row for it: what the network sees, then the map of every class over it.
//! Red is where the network sees the class, as strong as it is beside all maps of the picture.
//! The rows go to `picture-maps.png` beside the first picture, or to `--out`.
//! The network that comes with the project knows the digits of MNIST, which are white on black.
//! Another is given by its model file: `--model model.safetensors`.

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use std::path::PathBuf;

use attribution::overlay;
use clap::Parser;
use nin::candle_core::{DType, Device, Result, Tensor};
use nin::pretrained;
use striate::model_file::save_picture;

/// Says what pictures show, and where.
#[derive(Parser)]
struct Args {
    /// Pictures, PNG or JPEG.
    #[arg(required = true)]
    pictures: Vec<PathBuf>,
    /// A model file, or a folder with the project's.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models"))]
    model: PathBuf,
    /// The picture to write, PNG.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A pixel of the network is a square of so many in the picture.
const ENLARGE: usize = 3;

fn main() -> Result<()> {
    let args = Args::parse();
    let model = pretrained(&args.model, &Device::Cpu)?;
    let mut rows = Vec::new();
    for path in &args.pictures {
        let pixels = model.open_picture(path)?;
        let maps = model.network.class_maps(&model.prepare(&pixels)?)?;
        for answer in model.answers(&model.network.logits(&maps)?)? {
            let percent = 100.0 * answer.probability;
            println!("{}: {} ({percent:.1} %)", path.display(), answer.name);
        }
        rows.push(row(&pixels, &maps)?);
    }
    let out = args.out.clone().unwrap_or_else(|| {
        let first = args.pictures.first().cloned().unwrap_or_default();
        let stem = first.file_stem().unwrap_or_default().to_string_lossy();
        first.with_file_name(format!("{stem}-maps.png"))
    });
    save_picture(&out, &Tensor::cat(&rows, 2)?, ENLARGE)?;
    println!("{}", out.display());
    Ok(())
}

/// A picture of bytes, and beside it the map of each class over it.
fn row(pixels: &Tensor, maps: &Tensor) -> Result<Tensor> {
    let (_, _, height, width) = pixels.dims4()?;
    let picture = (pixels.to_dtype(DType::F32)?.mean_keepdim(1)? / 255.0)?;
    let classes = maps.dim(1)?;
    let over = maps
        .relu()?
        .upsample_nearest2d(height, width)?
        .chunk(classes, 1)?;
    // One wide picture, so that the maps share their strongest value.
    let over = Tensor::cat(&over, 3)?;
    let beside = Tensor::cat(&vec![picture.clone(); classes], 3)?;
    let seen = Tensor::cat(&[&picture, &picture, &picture], 1)?;
    Tensor::cat(&[seen, overlay(&beside, &over)?], 3)
}
