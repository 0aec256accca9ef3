//! Classifies pictures: `cargo run --release -p nin --example classify -- picture.png`.
//!
//! The network that comes with the project knows the digits of MNIST, which are white on black.
//! Another is given by its model file: `--model model.safetensors`.

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use std::path::PathBuf;

use clap::Parser;
use nin::candle_core::{Device, Result};
use nin::pretrained;

/// Says what pictures show, and where.
#[derive(Parser)]
struct Args {
    /// Pictures, PNG or JPEG.
    #[arg(required = true)]
    pictures: Vec<PathBuf>,
    /// A model file, or a folder with the project's.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models"))]
    model: PathBuf,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let model = pretrained(&args.model, &Device::Cpu)?;
    for path in &args.pictures {
        let pixels = model.open_picture(path)?;
        let maps = model.network.class_maps(&model.prepare(&pixels)?)?;
        for answer in model.answers(&model.network.logits(&maps)?)? {
            // Where the network sees the class: the strongest position of its map.
            let map = maps.get(0)?.get(answer.class)?;
            let (height, width) = map.dims2()?;
            let at = map.flatten_all()?.argmax(0)?.to_scalar::<u32>()? as usize;
            println!(
                "{}: {} ({:.1} %), seen most clearly in row {} of {height} and column {} of {width} of its map",
                path.display(),
                answer.name,
                100.0 * answer.probability,
                at / width + 1,
                at % width + 1
            );
        }
    }
    Ok(())
}
