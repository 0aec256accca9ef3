//! Writes the network of a model file as an ONNX file:
//! `cargo run --release -p striate-onnx --example to_onnx -- models/nin-mnist.safetensors nin-mnist.onnx`.

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use std::path::PathBuf;

use candle_core::Result;
use clap::Parser;
use striate_onnx::{Input, save};

/// Writes the network of a model file as an ONNX file.
#[derive(Parser)]
struct Args {
    /// The model file.
    model: PathBuf,
    /// The file to write.
    file: PathBuf,
    /// Leave the preprocessing out: the network takes what it gives.
    #[arg(long)]
    normalized: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let input = match args.normalized {
        true => Input::Normalized,
        false => Input::Pixels,
    };
    save(&args.model, &args.file, input)?;
    println!("wrote {}", args.file.display());
    Ok(())
}
