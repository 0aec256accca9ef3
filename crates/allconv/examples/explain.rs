//! What a network looks at in a picture, by three methods:
//! `cargo run --release -p allconv --example explain -- picture.png`.
//!
//! Prints the class, and writes `picture-input.png`, what the network sees of the picture, and
//! `picture-gradient.png`, `picture-deconvnet.png` and `picture-guided.png` beside the picture:
//! gray is no influence, lighter is positive, darker is negative, the strongest value of a picture is black or white.
//! The network is the one that comes with the project, or that of a model file: `--model model.safetensors`.

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use std::path::PathBuf;

use allconv::attribution::{Attribution, Deconvnet, Gradient, GuidedBackprop, Target, normalized};
use allconv::candle_core::{DType, Device, Result};
use allconv::pretrained;
use clap::Parser;
use striate::model_file::save_picture;

/// Shows what a network looks at in a picture.
#[derive(Parser)]
struct Args {
    /// The picture, PNG or JPEG.
    picture: PathBuf,
    /// A model file, or a folder with the project's.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models"))]
    model: PathBuf,
    /// The number of the class that is asked for; the network's answer unless given.
    #[arg(long)]
    class: Option<usize>,
}

/// A pixel of the network is a square of so many in the pictures.
const ENLARGE: usize = 8;

fn main() -> Result<()> {
    let args = Args::parse();
    let model = pretrained(&args.model, &Device::Cpu)?;
    let pixels = model.open_picture(&args.picture)?;
    for answer in model.classify(&pixels)? {
        let percent = 100.0 * answer.probability;
        println!("{} ({percent:.0} %)", answer.name);
        let class = args.class.unwrap_or(answer.class);
        let xs = model.prepare(&pixels)?;
        let methods: [(&str, &dyn Attribution); 3] = [
            ("gradient", &Gradient::new(&model.network)),
            ("deconvnet", &Deconvnet::new(&model.network)),
            ("guided", &GuidedBackprop::new(&model.network)),
        ];
        let seen = (pixels.to_dtype(DType::F32)? / 255.0)?;
        let mut pictures = vec![("input", seen)];
        for (name, method) in methods {
            let signal = method.attribute(&xs, &Target::class(class))?;
            pictures.push((name, normalized(&signal)?));
        }
        let stem = args.picture.file_stem().unwrap_or_default();
        for (name, values) in pictures {
            let name = format!("{}-{name}.png", stem.to_string_lossy());
            let path = args.picture.with_file_name(name);
            save_picture(&path, &values, ENLARGE)?;
            println!("{}", path.display());
        }
    }
    Ok(())
}
