//! Classifies images with an All-CNN-C: `cargo run --release -p allconv --example class_scores -- [weights.safetensors]`.
//!
//! Without weights the network is freshly drawn, and its answers are guesses.

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use allconv::candle_core::{D, DType, Device, Result, Tensor};
use allconv::candle_nn::{VarBuilder, ops::softmax};
use allconv::{AllConv, Config};
use striate::{Network, Parameters};

fn main() -> Result<()> {
    let device = Device::Cpu;
    let config = Config::all_cnn_c();
    let network = match std::env::args().nth(1) {
        Some(path) => {
            let tensors = allconv::candle_core::safetensors::load(path, &device)?;
            AllConv::new(
                &config,
                VarBuilder::from_tensors(tensors, DType::F32, &device),
            )?
        }
        None => AllConv::new(&config, Parameters::new(1, DType::F32, &device).builder())?,
    };
    let images = Tensor::zeros((4, 3, 32, 32), DType::F32, &device)?;
    let probabilities = softmax(&network.forward(&images)?, D::Minus1)?;
    println!(
        "{} parameters, layers {}",
        config.parameter_count(),
        network.layer_names().join(" ")
    );
    println!(
        "classes {:?}",
        probabilities.argmax(D::Minus1)?.to_vec1::<u32>()?
    );
    Ok(())
}
