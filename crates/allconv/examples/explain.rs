//! What a network looks at in pictures, by three methods:
//! `cargo run --release -p allconv --example explain -- picture.png`.
//!
//! Prints the class of each picture and draws a row for it: what the network sees, the gradient, the deconvnet, guided backpropagation.
//! Gray is no influence, lighter is positive, darker is negative, the strongest value of a method is black or white.
//! The rows go to `picture-explained.png` beside the first picture, or to `--out`.
//! The network is the one that comes with the project, or that of a model file: `--model model.safetensors`.

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use std::path::PathBuf;

use allconv::attribution::{Attribution, Deconvnet, Gradient, GuidedBackprop, Target, normalized};
use allconv::candle_core::{DType, Device, Result, Tensor};
use allconv::pretrained;
use clap::Parser;
use striate::model_file::{picture_beside, save_picture};

/// Shows what a network looks at in pictures.
#[derive(Parser)]
struct Args {
    /// Pictures, PNG or JPEG.
    #[arg(required = true)]
    pictures: Vec<PathBuf>,
    /// A model file, or a folder with the project's.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models"))]
    model: PathBuf,
    /// The number of the class that is asked for; the network's answer unless given.
    #[arg(long)]
    class: Option<usize>,
    /// The picture to write, PNG.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A pixel of the network is a square of so many in the picture.
const ENLARGE: usize = 8;

fn main() -> Result<()> {
    let args = Args::parse();
    let model = pretrained(&args.model, &Device::Cpu)?;
    let methods: [&dyn Attribution; 3] = [
        &Gradient::new(&model.network),
        &Deconvnet::new(&model.network),
        &GuidedBackprop::new(&model.network),
    ];
    let mut rows = Vec::new();
    for picture in &args.pictures {
        let pixels = model.open_picture(picture)?;
        let xs = model.prepare(&pixels)?;
        for answer in model.answers(&model.network.forward(&xs)?)? {
            let percent = 100.0 * answer.probability;
            println!("{}: {} ({percent:.0} %)", picture.display(), answer.name);
            let class = Target::class(args.class.unwrap_or(answer.class));
            let mut row = vec![(pixels.to_dtype(DType::F32)? / 255.0)?];
            for method in methods {
                row.push(normalized(&method.attribute(&xs, &class)?)?);
            }
            rows.push(Tensor::cat(&row, 3)?);
        }
    }
    let out = match args.out {
        Some(out) => out,
        None => picture_beside(&args.pictures[0], "explained"),
    };
    save_picture(&out, &Tensor::cat(&rows, 2)?, ENLARGE)?;
    println!("{}", out.display());
    Ok(())
}
