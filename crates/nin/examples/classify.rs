//! Classifies images with the CIFAR-10 network: `cargo run --release -p nin --example classify -- [weights.safetensors]`.
//!
//! Without weights the network is freshly drawn, and its answers are guesses.

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use nin::candle_core::{D, DType, Device, Result, Tensor};
use nin::candle_nn::{VarBuilder, ops::softmax};
use nin::{Nin, NinConfig};
use striate::Parameters;

fn main() -> Result<()> {
    let device = Device::Cpu;
    let config = NinConfig::cifar10();
    let network = match std::env::args().nth(1) {
        Some(path) => {
            let tensors = nin::candle_core::safetensors::load(path, &device)?;
            Nin::new(
                &config,
                VarBuilder::from_tensors(tensors, DType::F32, &device),
            )?
        }
        None => Nin::new(&config, Parameters::new(1, DType::F32, &device).builder())?,
    };
    println!("{config}: {} parameters", config.parameter_count()?);

    // Four images, globally contrast normalized and whitened in real use.
    let images = Tensor::zeros((4, 3, 32, 32), DType::F32, &device)?;
    let maps = network.class_maps(&images)?;
    let probabilities = softmax(&network.forward(&images)?, D::Minus1)?;
    for (n, class) in probabilities
        .argmax(D::Minus1)?
        .to_vec1::<u32>()?
        .into_iter()
        .enumerate()
    {
        // Where the network sees the class: the strongest position of its map.
        let map = maps.get(n)?.get(class as usize)?;
        let (_, width) = map.dims2()?;
        let at = map.flatten_all()?.argmax(0)?.to_scalar::<u32>()? as usize;
        println!(
            "image {n}: class {class}, strongest at row {}, column {}",
            at / width,
            at % width
        );
    }
    Ok(())
}
