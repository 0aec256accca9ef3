//! Tests of the plain network.

use candle_core::{DType, Device};
use striate::Parameters;

use super::*;
use crate::head::Head;

const HEADS: [Head; 4] = [
    Head::GlobalAvgPool,
    Head::GlobalAvgPoolDropout { p: 0.5 },
    Head::FullyConnected,
    Head::FullyConnectedDropout { p: 0.5 },
];

#[test]
fn shapes() -> Result<()> {
    for head in HEADS {
        let config = PlainCnnConfig {
            width: 0.125,
            ..PlainCnnConfig::cifar10(head)
        };
        let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
        let network = PlainCnn::new(&config, parameters.builder())?;
        assert_eq!(parameters.count(), config.parameter_count()?, "{head}");
        let xs = Tensor::ones((2, 3, 32, 32), DType::F32, &Device::Cpu)?;
        assert_eq!(network.forward_t(&xs, true)?.dims(), [2, 10]);
        assert_eq!(network.clock().step(), 1);
        let channels = if head.is_fully_connected() { 2 } else { 10 };
        assert_eq!(network.forward_features(&xs)?.dims(), [2, channels, 4, 4]);
        for name in network.layer_names() {
            network.forward_to(&xs, &name)?;
        }
    }
    Ok(())
}

#[test]
fn parameter_counts() -> Result<()> {
    // 64 maps of 5x5 on 3, 64 and 64 maps; 3x3 filters of their own at 16 positions; a dense layer on 16 maps.
    let convs = 64 * 76 + 2 * 64 * 1601;
    let local = |maps: usize| 16 * maps * 577;
    let count = |head| PlainCnnConfig::cifar10(head).parameter_count();
    assert_eq!(count(HEADS[0])?, convs + local(10));
    assert_eq!(count(HEADS[2])?, convs + local(16) + 10 * 257);
    Ok(())
}

#[test]
fn errors() -> Result<()> {
    let config = PlainCnnConfig::cifar10(Head::GlobalAvgPool);
    let small = PlainCnnConfig {
        image_size: (7, 32),
        ..config.clone()
    };
    let message = small.check().expect_err("accepted").to_string();
    assert!(
        message.contains("7x32") && message.contains("8x8"),
        "{message}"
    );
    let smallest = PlainCnnConfig {
        image_size: (8, 8),
        width: 0.05,
        ..config
    };
    let vb = Parameters::new(1, DType::F32, &Device::Cpu).builder();
    let network = PlainCnn::new(&smallest, vb)?;
    let xs = Tensor::ones((1, 3, 32, 32), DType::F32, &Device::Cpu)?;
    let message = network.forward(&xs).expect_err("accepted").to_string();
    assert!(message.contains("(N, 3, 8, 8)"), "{message}");
    let message = network
        .forward_to(&xs, "pool4")
        .expect_err("accepted")
        .to_string();
    assert!(
        message.contains("pool4") && message.contains("local"),
        "{message}"
    );
    Ok(())
}
