//! Classifies pictures and shows where each class is seen:
//! `cargo run --release -p nin --example classify -- picture.png`.
//!
//! Prints the class of each picture and draws a row for it: what the network sees, then the map of every class over it.
//! Red is where the network sees the class, as strong as it is beside all maps of the picture;
//! as in the paper's Fig. 4, only the strongest tenth of each map is shown.
//! The rows go to `picture-maps.png` beside the first picture, or to `--out`.
//! The network that comes with the project knows the ten classes of CIFAR-10.
//! Another is given by its model file: `--model models/nin-mnist.safetensors` knows digits, white on black.

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use std::path::PathBuf;

use attribution::class_maps_over;
use clap::Parser;
use nin::candle_core::{DType, Device, Result, Tensor};
use nin::{Nin, pretrained};
use striate::model_file::{Answer, Pretrained, picture_beside, save_picture};

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
/// The part of a map's cells that is shown.
const SHOWN: f64 = 0.1;

fn main() -> Result<()> {
    let args = Args::parse();
    let model = pretrained(&args.model, &Device::Cpu)?;
    let mut rows = Vec::new();
    for path in &args.pictures {
        let (answer, row) = classify(&model, &model.open_picture(path)?)?;
        let percent = 100.0 * answer.probability;
        println!("{}: {} ({percent:.1} %)", path.display(), answer.name);
        rows.push(row);
    }
    let out = match args.out {
        Some(out) => out,
        None => picture_beside(&args.pictures[0], "maps"),
    };
    save_picture(&out, &Tensor::cat(&rows, 1)?, ENLARGE)?;
    println!("{}", out.display());
    Ok(())
}

/// What a picture of bytes (1, C, H, W) shows, and a row for it, (3, H, W (1 + classes)).
fn classify(model: &Pretrained<Nin>, pixels: &Tensor) -> Result<(Answer, Tensor)> {
    let maps = model.network.class_maps(&model.prepare(pixels)?)?;
    let answer = model.answers(&model.network.logits(&maps)?)?.swap_remove(0);
    let picture = (pixels.to_dtype(DType::F32)? / 255.0)?;
    let over = class_maps_over(&picture, &maps, SHOWN)?.squeeze(0)?;
    let mut row = vec![
        picture
            .squeeze(0)?
            .broadcast_as(over.dims()[1..].to_vec())?,
    ];
    for class in 0..over.dim(0)? {
        row.push(over.get(class)?);
    }
    Ok((answer, Tensor::cat(&row, 2)?))
}
