//! Sizes, training mode and refusals of the maxout networks.

use candle_core::{DType, Device};
use striate::Parameters;
use striate::testing::{Tolerance, assert_close};

use super::*;

fn narrow(config: MaxoutConfig) -> MaxoutConfig {
    MaxoutConfig {
        width: 1.0 / 12.0,
        ..config
    }
}

fn image(config: &MaxoutConfig) -> Result<Tensor> {
    let (c, (h, w)) = (config.in_channels, config.image_size);
    let values = (0..c * h * w).map(|at| (at as f32 * 0.37).sin());
    Tensor::from_vec(values.collect(), (1, c, h, w), &Device::Cpu)
}

#[test]
fn sizes() -> Result<()> {
    let shapes = MaxoutConfig::cifar10().map_shapes()?;
    assert_eq!(shapes, [(96, 16, 16), (192, 7, 7), (192, 5, 5)]);
    let shapes = MaxoutConfig::mnist().map_shapes()?;
    assert_eq!(shapes, [(48, 10, 10), (48, 4, 4), (24, 3, 3)]);
    for (config, taps) in [
        (MaxoutConfig::cifar10(), 5),
        (MaxoutConfig::cifar100(), 5),
        (MaxoutConfig::mnist(), 4),
    ] {
        let config = narrow(config);
        let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
        let network = MaxoutNet::new(&config, parameters.builder())?;
        assert_eq!(network.layer_names().len(), taps);
        let xs = image(&config)?;
        let logits = network.forward_t(&xs, false)?;
        assert_eq!(logits.dims(), [1, config.classes]);
        assert_close(
            "logits",
            &network.forward_to(&xs, LOGITS)?,
            &logits,
            Tolerance::Exact,
        );
        let (c, h, w) = config.map_shapes()?[2];
        assert_eq!(network.forward_features(&xs)?.dims(), [1, c, h, w]);
    }
    Ok(())
}

#[test]
fn dropout_is_for_training() -> Result<()> {
    let config = narrow(MaxoutConfig::mnist());
    let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
    let network = MaxoutNet::new(&config, parameters.builder())?;
    let xs = image(&config)?;
    let (first, second) = (network.forward_t(&xs, true)?, network.forward_t(&xs, true)?);
    assert_ne!(first.to_vec2::<f32>()?, second.to_vec2::<f32>()?);
    assert_eq!(network.clock().step(), 2);
    let logits = network.forward_t(&xs, false)?;
    assert_eq!(
        logits.to_vec2::<f32>()?,
        network.forward_t(&xs, false)?.to_vec2::<f32>()?
    );
    // Every tensor has a gradient.
    let gradients = first.sqr()?.sum_all()?.backward()?;
    for (name, var) in parameters.named() {
        assert!(gradients.get(&var).is_some(), "{name}");
    }
    Ok(())
}

#[test]
fn errors() -> Result<()> {
    let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
    let said = |config: MaxoutConfig| match MaxoutNet::new(&config, parameters.builder()) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    };
    let config = narrow(MaxoutConfig::mnist());
    let no_pieces = MaxoutConfig {
        dense: Some((5, 0)),
        ..config.clone()
    };
    assert!(said(no_pieces).contains("units or pieces"));
    let no_blocks = MaxoutConfig {
        blocks: Vec::new(),
        ..config.clone()
    };
    assert!(said(no_blocks).contains("no block"));
    let small = MaxoutConfig {
        image_size: (6, 28),
        ..config.clone()
    };
    let small = said(small);
    assert!(
        small.contains("maxout network: an image of 6x28 is too small, conv1 cannot take"),
        "{small}"
    );
    let mut still = config.clone();
    still.blocks[1].window.stride = (0, 1);
    let still = said(still);
    assert!(
        still.contains("conv2: the window has stride (0, 1)"),
        "{still}"
    );
    let network = MaxoutNet::new(&config, parameters.builder())?;
    let xs = Tensor::zeros((1, 1, 32, 32), DType::F32, &Device::Cpu)?;
    let error = network
        .forward_t(&xs, false)
        .expect_err("another size")
        .to_string();
    assert!(error.contains("(N, 1, 28, 28)"), "{error}");
    Ok(())
}
