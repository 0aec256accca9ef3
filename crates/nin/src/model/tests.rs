//! Tests of the network.

use candle_core::{DType, Device};
use striate::{Parameters, cross_entropy};

use super::*;
use crate::head::Head;

fn narrow(config: NinConfig) -> NinConfig {
    NinConfig {
        width: 1.0 / 16.0,
        ..config
    }
}

fn images(n: usize, config: &NinConfig) -> Result<Tensor> {
    let (h, w) = config.image_size;
    let mut values = vec![0f32; n * config.in_channels * h * w];
    striate::rng::stream(5, "images", 0).fill_normal(&mut values);
    Tensor::from_vec(values, (n, config.in_channels, h, w), &Device::Cpu)
}

fn presets() -> [NinConfig; 6] {
    [
        NinConfig::cifar10(),
        NinConfig::cifar100(),
        NinConfig::svhn(),
        NinConfig::mnist(),
        NinConfig::cifar10_model_zoo(),
        NinConfig::cifar10_pytorch_port(),
    ]
}

#[test]
fn shapes() -> Result<()> {
    for config in presets().map(narrow) {
        let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
        let network = Nin::new(&config, parameters.builder())?;
        assert_eq!(parameters.count(), config.parameter_count()?, "{config}");
        let xs = images(2, &config)?;
        assert_eq!(network.forward(&xs)?.dims(), [2, config.classes]);
        for (name, (c, h, w)) in config.output_shapes()? {
            assert_eq!(
                network.forward_to(&xs, &name)?.dims(),
                [2, c, h, w],
                "{name}"
            );
        }
        let mut names: Vec<String> = config
            .output_shapes()?
            .into_iter()
            .map(|(n, _)| n)
            .collect();
        names.push("logits".to_string());
        assert_eq!(network.layer_names(), names);
        assert_eq!(network.mlpconvs().count(), 3);
    }
    Ok(())
}

/// Names and shapes of the full CIFAR-10 network, as the crate documentation lists them.
#[test]
fn tensor_names() -> Result<()> {
    let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
    Nin::new(&NinConfig::cifar10(), parameters.builder())?;
    let weights: Vec<String> = parameters
        .named()
        .iter()
        .filter(|(name, _)| name.ends_with("weight"))
        .map(|(name, var)| format!("{name} {:?}", var.dims()))
        .collect();
    let expected = [
        "cccp1.weight [160, 192, 1, 1]",
        "cccp2.weight [96, 160, 1, 1]",
        "cccp3.weight [192, 192, 1, 1]",
        "cccp4.weight [192, 192, 1, 1]",
        "cccp5.weight [192, 192, 1, 1]",
        "cccp6.weight [10, 192, 1, 1]",
        "conv1.weight [192, 3, 5, 5]",
        "conv2.weight [192, 96, 5, 5]",
        "conv3.weight [192, 192, 3, 3]",
    ];
    assert_eq!(weights, expected);
    Ok(())
}

#[test]
fn logits_are_the_averages_of_the_class_maps() -> Result<()> {
    let config = narrow(NinConfig::cifar10());
    let network = Nin::new(
        &config,
        Parameters::new(1, DType::F32, &Device::Cpu).builder(),
    )?;
    let xs = images(3, &config)?;
    let means = network.class_maps(&xs)?.flatten_from(2)?.mean(2)?;
    let difference = (means - network.forward(&xs)?)?
        .abs()?
        .max_all()?
        .to_scalar::<f32>()?;
    assert!(difference < 1e-6, "{difference}");
    // Another image size is fine with global average pooling.
    let tall = Tensor::ones((1, 3, 40, 24), DType::F32, &Device::Cpu)?;
    assert_eq!(network.forward(&tall)?.dims(), [1, 10]);
    Ok(())
}

#[test]
fn heads() -> Result<()> {
    for head in [
        Head::GlobalAvgPoolDropout { p: 0.5 },
        Head::FullyConnected,
        Head::FullyConnectedDropout { p: 0.5 },
    ] {
        let config = NinConfig {
            head,
            dropout: 0.0,
            ..narrow(NinConfig::mnist())
        };
        let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
        let network = Nin::new(&config, parameters.builder())?;
        assert_eq!(parameters.count(), config.parameter_count()?, "{head}");
        let xs = images(2, &config)?;
        let values = |t: Tensor| t.flatten_all()?.to_vec1::<f32>();
        let (evaluation, training) = (
            values(network.forward(&xs)?)?,
            values(network.forward_t(&xs, true)?)?,
        );
        assert_eq!(evaluation == training, head.dropout() == 0.0, "{head}");
        if head.is_fully_connected() {
            let wide = Tensor::zeros((1, 1, 28, 32), DType::F32, &Device::Cpu)?;
            let message = network.forward(&wide).expect_err("accepted").to_string();
            assert!(
                message.contains("(10, 7, 8)") && message.contains("(10, 7, 7)"),
                "{message}"
            );
        }
    }
    Ok(())
}

#[test]
fn errors() -> Result<()> {
    let config = narrow(NinConfig::cifar10());
    let network = Nin::new(
        &config,
        Parameters::new(1, DType::F32, &Device::Cpu).builder(),
    )?;
    let message = |dims: &[usize]| {
        let xs = Tensor::zeros(dims, DType::F32, &Device::Cpu)?;
        Ok::<_, candle_core::Error>(network.forward(&xs).expect_err("accepted").to_string())
    };
    assert!(message(&[1, 1, 32, 32])?.contains("1 channels, the network takes 3"));
    assert!(message(&[3, 32, 32])?.contains("(N, 3, H, W)"));
    assert!(message(&[1, 3, 3, 32])?.contains("3x32"));
    let unknown = network
        .forward_to(&images(1, &config)?, "cccp7")
        .expect_err("accepted");
    assert!(unknown.to_string().contains("cccp6, logits"), "{unknown}");
    Ok(())
}

#[test]
fn dropout_follows_the_clock() -> Result<()> {
    let config = narrow(NinConfig::mnist());
    let network = Nin::new(
        &config,
        Parameters::new(1, DType::F32, &Device::Cpu).builder(),
    )?;
    let xs = images(2, &config)?;
    let step = |at: u64| -> Result<Vec<f32>> {
        network.clock().seek(3, at);
        network.forward_t(&xs, true)?.flatten_all()?.to_vec1()
    };
    let first = step(0)?;
    assert_eq!(network.clock().step(), 1);
    assert_ne!(first, step(1)?);
    assert_eq!(first, step(0)?);
    Ok(())
}

/// The file of the common PyTorch port, whose modules are numbered through ReLUs, poolings and dropouts.
#[test]
fn loads_the_pytorch_port() -> Result<()> {
    use striate::init::Match;

    let config = narrow(NinConfig::cifar10_pytorch_port());
    let source = Parameters::new(7, DType::F32, &Device::Cpu);
    let expected = Nin::new(&config, source.builder())?;
    let names = "conv1 cccp1 cccp2 conv2 cccp3 cccp4 conv3 cccp5 cccp6".split(' ');
    let numbers = [0, 2, 4, 8, 10, 12, 16, 18, 20];
    let mut file = std::collections::HashMap::new();
    for (name, number) in names.zip(numbers) {
        for kind in ["weight", "bias"] {
            let named = source
                .named()
                .into_iter()
                .find(|(n, _)| *n == format!("{name}.{kind}"));
            let (_, var) = named.expect("the network has this tensor");
            file.insert(
                format!("classifier.{number}.{kind}"),
                var.as_detached_tensor(),
            );
        }
    }
    let path = std::env::temp_dir().join(format!("nin-port-{}.safetensors", std::process::id()));
    candle_core::safetensors::save(&file, &path)?;
    let parameters = Parameters::new(8, DType::F32, &Device::Cpu);
    let network = Nin::new(&config, parameters.builder())?;
    let map = crate::torch::load(&parameters, &config, &path, Match::Strict);
    std::fs::remove_file(&path)?;
    assert_eq!(map?.loaded.len(), 18);
    let xs = images(2, &config)?;
    let values = |network: &Nin| network.forward(&xs)?.to_vec2::<f32>();
    assert_eq!(values(&network)?, values(&expected)?);
    Ok(())
}

/// With the guarded initialization and the ReLU on the class maps every class starts with a gradient.
#[test]
fn the_default_start_is_alive() -> Result<()> {
    for config in [
        NinConfig::cifar10(),
        NinConfig::mnist(),
        NinConfig::cifar100(),
    ]
    .map(narrow)
    {
        for seed in 0..3 {
            let parameters = Parameters::new(seed, DType::F32, &Device::Cpu);
            let network = Nin::new(&config, parameters.builder())?;
            let xs = images(4, &config)?;
            let smallest = network.forward(&xs)?.min_all()?.to_scalar::<f32>()?;
            assert!(
                smallest > 0.5,
                "{config}, seed {seed}: smallest logit {smallest}"
            );
            let labels = Tensor::new(&[0u32, 1, 2, 3], &Device::Cpu)?;
            let loss = cross_entropy(&network.forward(&xs)?, &labels)?;
            let grads = loss.backward()?;
            for (name, var) in parameters.named() {
                let largest = match grads.get(&var) {
                    Some(grad) => grad.abs()?.max_all()?.to_scalar::<f32>()?,
                    None => 0.0,
                };
                assert!(
                    largest > 0.0,
                    "{config}, seed {seed}: {name} has no gradient"
                );
            }
        }
    }
    Ok(())
}

/// `n` images of one channel: stripes across or down, whose width is the rest of the class, and a little noise.
fn stripes(n: usize, seed: u64) -> Result<(Tensor, Tensor)> {
    let mut draws = striate::rng::stream(seed, "stripes", 0);
    let mut pixels = vec![0f32; n * 28 * 28];
    draws.fill_normal(&mut pixels);
    let mut labels = Vec::with_capacity(n);
    for image in pixels.chunks_mut(28 * 28) {
        let class = draws.below(10) as usize;
        let (width, phase) = (class / 2 + 1, draws.below(28) as usize);
        for (at, pixel) in image.iter_mut().enumerate() {
            let along = if class.is_multiple_of(2) {
                at / 28
            } else {
                at % 28
            };
            let bright = ((along + phase) / width).is_multiple_of(2);
            *pixel = 0.2 * *pixel + if bright { 1.0 } else { -1.0 };
        }
        labels.push(class as u32);
    }
    let xs = Tensor::from_vec(pixels, (n, 1, 28, 28), &Device::Cpu)?;
    Ok((xs, Tensor::new(labels, &Device::Cpu)?))
}

/// The loss after gradient descent with rate 0.03, twice that for biases, and momentum 0.9.
fn train(config: &NinConfig, seed: u64, steps: u64) -> Result<f32> {
    let parameters = Parameters::new(seed, DType::F32, &Device::Cpu);
    let network = Nin::new(config, parameters.builder())?;
    network.clock().seek(seed, 0);
    let named = parameters.named();
    let mut velocity: Vec<Tensor> = named
        .iter()
        .map(|(_, var)| var.zeros_like())
        .collect::<Result<_>>()?;
    let mut loss = f32::MAX;
    for step in 0..steps {
        let (xs, labels) = stripes(32, step)?;
        let value = cross_entropy(&network.forward_t(&xs, true)?, &labels)?;
        loss = value.to_scalar()?;
        let grads = value.backward()?;
        for ((name, var), v) in named.iter().zip(&mut velocity) {
            let Some(grad) = grads.get(var) else { continue };

            let of_kind = if name.ends_with("bias") { 2.0 } else { 1.0 };
            *v = ((&*v * 0.9)? + grad)?.detach();
            var.set(&(var.as_tensor() - (&*v * (0.03 * of_kind))?)?)?;
        }
    }
    Ok(loss)
}

/// The loss falls below ln(10) from the default start, with the ReLU on the class maps and with dropout, under both heads.
#[test]
fn learns_from_every_seed() -> Result<()> {
    let config = NinConfig {
        width: 0.125,
        ..NinConfig::mnist()
    };
    for seed in 1..4 {
        let loss = train(&config, seed, 60)?;
        assert!(loss < 2.15, "seed {seed}: loss {loss} after 60 steps");
    }
    let dense = NinConfig {
        head: Head::FullyConnected,
        ..config
    };
    let loss = train(&dense, 1, 60)?;
    assert!(loss < 2.15, "fully connected: loss {loss} after 60 steps");
    Ok(())
}
