//! Writes a network as a state dict for PyTorch:
//! `cargo run --release -p allconv --example to_pytorch -- all-cnn.pt`.
//!
//! The PyTorch network has a module for each convolution, `conv1`, `conv2` and so on in forward order,
//! unless `--modules` names them; it reads the file by `net.load_state_dict(torch.load("all-cnn.pt"))`.

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use std::path::PathBuf;

use allconv::candle_core::{Device, Result};
use allconv::pretrained;
use allconv::torch::{Modules, save};
use clap::Parser;

/// Writes a network as a state dict for PyTorch.
#[derive(Parser)]
struct Args {
    /// The file to write: .pt, .pth or .safetensors.
    file: PathBuf,
    /// A model file, or a folder with the project's.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models"))]
    model: PathBuf,
    /// The modules of the PyTorch network in forward order, divided by commas.
    #[arg(long, value_delimiter = ',')]
    modules: Vec<String>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let model = pretrained(&args.model, &Device::Cpu)?;
    let modules = match args.modules.is_empty() {
        true => Modules::Automatic,
        false => Modules::Ordered(args.modules),
    };
    save(&model.parameters, &model.network, &args.file, &modules)?;
    println!("{}: {}", args.file.display(), model.card.config);
    Ok(())
}
