//! Tests of the network.

use candle_core::{DType, Device, Var};
use striate::{Conv2dOptions, Parameters, Window2d, conv2d, cross_entropy};

use super::*;
use crate::architecture::Architecture;
use crate::config::ClassMapActivation;

fn narrow(architecture: Architecture) -> Config {
    Config {
        width: 1.0 / 12.0,
        image_size: (16, 14),
        in_channels: 2,
        ..Config::cifar10(architecture)
    }
}

fn images(n: usize, config: &Config) -> Result<Tensor> {
    let (h, w) = config.image_size;
    let len = n * config.in_channels * h * w;
    let mut values = vec![0f32; len];
    striate::rng::stream(5, "images", 0).fill_normal(&mut values);
    Tensor::from_vec(values, (n, config.in_channels, h, w), &Device::Cpu)
}

#[test]
fn shapes() -> Result<()> {
    for architecture in Architecture::ALL {
        let config = narrow(architecture);
        let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
        let network = AllConv::new(&config, parameters.builder())?;
        assert_eq!(
            parameters.count(),
            config.parameter_count(),
            "{architecture}"
        );
        let xs = images(2, &config)?;
        assert_eq!(network.forward(&xs)?.dims(), [2, 10]);
        let (c, h, w) = config.output_shapes()?.last().copied().unwrap_or_default();
        assert_eq!(network.forward_features(&xs)?.dims(), [2, c, h, w]);
        for name in network.layer_names() {
            network.forward_to(&xs, &name)?;
        }
    }
    Ok(())
}

#[test]
fn large_and_imagenet_shapes() -> Result<()> {
    let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
    let large = LargeConfig {
        width: 0.0125,
        ..LargeConfig::cifar10()
    };
    let network = AllConv::large(&large, parameters.builder())?;
    assert_eq!(parameters.count(), large.parameter_count());
    let xs = Tensor::zeros((1, 3, 126, 126), DType::F32, &Device::Cpu)?;
    assert_eq!(network.forward_t(&xs, true)?.dims(), [1, 10]);

    let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
    let imagenet = ImageNetConfig {
        width: 1.0 / 24.0,
        ..ImageNetConfig::ilsvrc2012()
    };
    let network = AllConv::imagenet(&imagenet, parameters.builder())?;
    assert_eq!(parameters.count(), imagenet.parameter_count());
    let xs = Tensor::zeros((1, 3, 224, 224), DType::F32, &Device::Cpu)?;
    assert_eq!(network.forward_features(&xs)?.dims(), [1, 1000, 6, 6]);
    Ok(())
}

#[test]
fn errors() -> Result<()> {
    let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
    let config = narrow(Architecture::ALL[11]);
    let network = AllConv::new(&config, parameters.builder())?;
    let message = |dims: &[usize]| {
        let xs = Tensor::zeros(dims, DType::F32, &Device::Cpu)?;
        Ok::<_, candle_core::Error>(network.forward(&xs).expect_err("accepted").to_string())
    };
    let channels = message(&[1, 3, 16, 16])?;
    assert!(
        channels.contains("3 channels") && channels.contains("takes 2"),
        "{channels}"
    );
    let small = message(&[1, 2, 8, 16])?;
    assert!(small.contains("8x16") && small.contains("9x9"), "{small}");
    assert!(message(&[2, 16, 16])?.contains("(N, 2, H, W)"));
    let xs = images(1, &config)?;
    let unknown = network
        .forward_to(&xs, "conv99")
        .expect_err("accepted")
        .to_string();
    assert!(
        unknown.contains("conv99") && unknown.contains("conv9,"),
        "{unknown}"
    );
    Ok(())
}

fn conv(name: &str, window: Window2d) -> LayerSpec {
    LayerSpec::Conv {
        name: name.to_string(),
        window,
        channels: 4,
        nonlinearity: Nonlinearity::Identity,
    }
}

/// A layer list is built as it is written: kernels that differ between the axes, and average pooling.
#[test]
fn layers_are_built_as_they_are_told() -> Result<()> {
    let windows = [
        Window2d::new((1, 5)).paddings((0, 2)),
        Window2d::new((5, 1)).paddings((2, 0)),
        Window2d::new((3, 2)).strides((2, 1)).dilations((1, 2)),
    ];
    for window in windows {
        let specs = vec![
            conv("conv1", window),
            LayerSpec::AvgPool {
                name: "pool1".into(),
                window: Window2d::square(2).ceil(),
            },
        ];
        let parameters = Parameters::new(1, DType::F64, &Device::Cpu);
        let network = AllConv::from_layers(3, specs.clone(), parameters.builder())?;
        let weight = parameters.named()[1].1.as_tensor().clone();
        assert_eq!(weight.dims(), [4, 3, window.size.0, window.size.1]);
        assert_eq!(parameters.count(), crate::layer::parameter_count(3, &specs));
        let xs = Tensor::arange(0f64, 3.0 * 8.0 * 7.0, &Device::Cpu)?.reshape((1, 3, 8, 7))?;
        let shapes = output_shapes((3, 8, 7), &specs)?;
        for (name, (c, h, w)) in ["conv1", "pool1"].into_iter().zip(shapes) {
            let dims = network.forward_to(&xs, name)?.dims().to_vec();
            assert_eq!(dims, [1, c, h, w], "{window:?}, {name}");
        }
        let options = Conv2dOptions {
            stride: window.stride,
            padding: window.padding,
            dilation: window.dilation,
            ..Default::default()
        };
        let expected = conv2d(&xs, &weight, None, &options)?;
        let difference = (network.forward_to(&xs, "conv1")? - expected)?;
        assert_eq!(difference.abs()?.max_all()?.to_scalar::<f64>()?, 0.0);
    }
    Ok(())
}

#[test]
fn layers_that_cannot_be_built_are_refused() {
    let message = |specs: Vec<LayerSpec>| {
        let vb = Parameters::new(1, DType::F32, &Device::Cpu).builder();
        let network = AllConv::from_layers(3, specs, vb);
        network.expect_err("accepted").to_string()
    };
    let ceil = message(vec![conv("conv1", Window2d::square(3).stride(2).ceil())]);
    assert!(
        ceil.contains("conv1") && ceil.contains("rounds up"),
        "{ceil}"
    );
    let twice = message(vec![
        conv("a", Window2d::square(1)),
        conv("a", Window2d::square(1)),
    ]);
    assert!(twice.contains("two layers are called a"), "{twice}");
    let dense = message(vec![LayerSpec::Linear {
        name: "fc1".into(),
        units: 3,
    }]);
    assert!(dense.contains("fc1 is fully connected"), "{dense}");
}

#[test]
fn dropout_follows_the_clock() -> Result<()> {
    let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
    let config = Config {
        dropout: 0.2,
        ..narrow(Architecture::ALL[11])
    };
    let network = AllConv::new(&config, parameters.builder())?;
    let xs = images(2, &config)?;
    let step = |at: u64| -> Result<Vec<f32>> {
        network.clock().seek(3, at);
        network.forward_t(&xs, true)?.flatten_all()?.to_vec1()
    };
    let first = step(0)?;
    assert_eq!(network.clock().step(), 1);
    assert_ne!(first, step(1)?);
    assert_eq!(first, step(0)?);
    network.forward(&xs)?;
    assert_eq!(network.clock().step(), 1);
    Ok(())
}

#[test]
fn overfits_one_batch() -> Result<()> {
    for architecture in [Architecture::ALL[0], Architecture::ALL[11]] {
        let parameters = Parameters::new(2, DType::F32, &Device::Cpu);
        let config = Config {
            input_dropout: 0.0,
            dropout: 0.0,
            class_map_activation: ClassMapActivation::Identity,
            ..narrow(architecture)
        };
        let network = AllConv::new(&config, parameters.builder())?;
        let xs = images(8, &config)?;
        let labels = Tensor::new(&[0u32, 1, 2, 3, 4, 5, 6, 7], &Device::Cpu)?;
        let vars: Vec<Var> = parameters.named().into_iter().map(|(_, var)| var).collect();
        let mut velocity: Vec<Tensor> = vars
            .iter()
            .map(|var| var.zeros_like())
            .collect::<Result<_>>()?;
        let mut loss = f32::MAX;
        for _ in 0..800 {
            let value = cross_entropy(&network.forward_t(&xs, true)?, &labels)?;
            loss = value.to_scalar()?;
            let grads = value.backward()?;
            for (var, v) in vars.iter().zip(&mut velocity) {
                let Some(grad) = grads.get(var) else { continue };
                *v = ((&*v * 0.9)? + grad)?.detach();
                var.set(&(var.as_tensor() - (&*v * 0.01)?)?)?;
            }
        }
        assert!(loss < 0.1, "{architecture}: loss {loss} after 800 steps");
    }
    Ok(())
}
