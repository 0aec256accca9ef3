//! Tests of the auto-encoder.

use candle_core::{DType, Device, Var};
use striate::testing::{Tolerance, assert_close};
use striate::{Parameters, Rounding};

use super::*;
use crate::config::{DecoderWeights, Pooling, Unpooling};

pub(crate) fn images(n: usize, config: &SwwaeConfig) -> Result<Tensor> {
    let (h, w) = config.image_size;
    let mut values = vec![0f32; n * config.in_channels * h * w];
    striate::rng::stream(5, "images", 0).fill_uniform(&mut values);
    Tensor::from_vec(values, (n, config.in_channels, h, w), &Device::Cpu)
}

fn build(config: &SwwaeConfig) -> Result<(Swwae, Parameters)> {
    let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
    Ok((Swwae::new(config, parameters.builder())?, parameters))
}

fn small(text: &str, image_size: (usize, usize)) -> SwwaeConfig {
    SwwaeConfig::new(
        text.parse().expect("the text is an architecture"),
        1,
        image_size,
    )
}

#[test]
fn shapes() -> Result<()> {
    let presets = [
        SwwaeConfig::mnist(),
        SwwaeConfig::mnist_padded(),
        SwwaeConfig::svhn(),
        SwwaeConfig::stl10(),
        SwwaeConfig::cifar100(),
        SwwaeConfig::necessity_of_where(16),
        SwwaeConfig::equivariance(5.0),
    ];
    for config in presets.map(|config| config.scaled(1.0 / 32.0)) {
        let (network, parameters) = build(&config)?;
        assert_eq!(
            parameters.count(),
            config.parameter_count()?.total(),
            "{}",
            config.architecture
        );
        let xs = images(2, &config)?;
        let pass = network.pass(&xs, false)?;
        assert_eq!(pass.decoding.reconstruction.dims(), xs.dims());
        let classes = config.architecture.classes();
        assert_eq!(
            pass.logits.map(|logits| logits.dims().to_vec()),
            classes.map(|k| vec![2, k])
        );
        let shapes = config.output_shapes()?;
        for (name, (c, h, w)) in network.layer_names().iter().zip(shapes) {
            let elements = network.forward_to(&xs, name)?.elem_count();
            assert_eq!(elements, 2 * c * h * w, "{name}");
        }
    }
    Ok(())
}

/// Every option of the decoder, on sizes that the windows do not divide.
#[test]
fn options() -> Result<()> {
    for unpooling in [Unpooling::Where, Unpooling::Copy, Unpooling::Fixed] {
        for pooling in [Pooling::Hard, Pooling::Soft { beta: 2.0 }] {
            for rounding in [Rounding::Floor, Rounding::Ceil] {
                for decoder_weights in [DecoderWeights::Untied, DecoderWeights::Tied] {
                    for decoder_input in [DecoderInput::Features, DecoderInput::Logits] {
                        let config = SwwaeConfig {
                            unpooling,
                            pooling,
                            rounding,
                            decoder_weights,
                            decoder_input,
                            ..small("(4)5c-2p-(3)3c-(5)3c-3p-6fc-4fc", (15, 17))
                        };
                        let (network, parameters) = build(&config)?;
                        assert_eq!(
                            parameters.count(),
                            config.parameter_count()?.total(),
                            "{config:?}"
                        );
                        let pass = network.pass(&images(2, &config)?, true)?;
                        assert_eq!(pass.decoding.reconstruction.dims(), [2, 1, 15, 17]);
                        let states = &pass.decoding.states;
                        let from_logits = decoder_input == DecoderInput::Logits;
                        assert_eq!(
                            [states[0].is_some(), states[1].is_some()],
                            [true, from_logits]
                        );
                        for (level, state) in pass.encoding.levels.iter().zip(states) {
                            if let Some(state) = state {
                                assert_eq!(level.what.dims(), state.dims());
                            }
                        }
                    }
                }
            }
        }
    }
    Ok(())
}

#[test]
fn tensor_names() -> Result<()> {
    let names = |config: &SwwaeConfig| -> Result<Vec<String>> {
        let named = build(config)?.1.named().into_iter();
        Ok(named
            .map(|(name, var)| format!("{name} {:?}", var.dims()))
            .collect())
    };
    let config = small("(4)5c-2p-(3)3c-2p-10fc", (8, 8));
    let untied = [
        "classifier.fc1.bias [10]",
        "classifier.fc1.weight [10, 12]",
        "decoder.conv1.bias [1]",
        "decoder.conv1.weight [1, 4, 5, 5]",
        "decoder.conv2.bias [4]",
        "decoder.conv2.weight [4, 3, 3, 3]",
        "encoder.conv1.bias [4]",
        "encoder.conv1.weight [4, 1, 5, 5]",
        "encoder.conv2.bias [3]",
        "encoder.conv2.weight [3, 4, 3, 3]",
    ];
    assert_eq!(names(&config)?, untied);
    let tied = SwwaeConfig {
        decoder_weights: DecoderWeights::Tied,
        decoder_input: DecoderInput::Logits,
        ..config
    };
    let decoder: Vec<String> = names(&tied)?
        .into_iter()
        .filter(|n| n.starts_with("decoder"))
        .collect();
    assert_eq!(
        decoder,
        [
            "decoder.conv1.bias [1]",
            "decoder.conv2.bias [4]",
            "decoder.fc1.bias [12]"
        ]
    );
    Ok(())
}

/// What would stop the first pass, or count for nothing in silence, is refused when the network is built.
#[test]
fn numbers_without_a_meaning_are_refused_before_training() {
    let clock = striate::Clock::new(0);
    let message = |config: SwwaeConfig| {
        let vb = Parameters::new(1, DType::F32, &Device::Cpu).builder();
        let encoder = Encoder::new(&config, &clock, vb);
        encoder.expect_err("accepted").to_string()
    };
    for p in [1.5, f32::NAN] {
        let error = message(SwwaeConfig {
            pool_dropout: p,
            ..small("(4)3c-2p", (8, 8))
        });
        assert!(error.contains("pool_dropout"), "{error}");
    }
    let error = message(SwwaeConfig {
        pooling: Pooling::Soft { beta: 1e39 },
        ..small("(4)3c-2p", (8, 8))
    });
    assert!(error.contains("beta is 1e39"), "{error}");
}

#[test]
fn errors() -> Result<()> {
    let (network, _) = build(&small("(4)3c-2p-10fc", (8, 8)))?;
    let message = |dims: &[usize]| {
        let xs = Tensor::zeros(dims, DType::F32, &Device::Cpu)?;
        Ok::<_, candle_core::Error>(network.pass(&xs, false).expect_err("accepted").to_string())
    };
    assert!(message(&[1, 3, 8, 8])?.contains("3 channels, the network takes 1"));
    assert!(message(&[8, 8])?.contains("(N, 1, H, W)"));
    assert!(message(&[1, 1, 8, 10])?.contains("(4, 4, 5)"));
    let xs = Tensor::zeros((1, 1, 8, 8), DType::F32, &Device::Cpu)?;
    let unknown = network
        .forward_to(&xs, "conv2")
        .expect_err("accepted")
        .to_string();
    assert!(unknown.contains("conv1, pool1, logits"), "{unknown}");
    let (plain, _) = build(&small("(4)3c-2p", (8, 8)))?;
    let no_classifier = plain.forward(&xs).expect_err("accepted").to_string();
    assert!(
        no_classifier.contains("add a fully connected layer"),
        "{no_classifier}"
    );
    let encoding = plain.encode(&xs)?;
    assert!(plain.decoder().decode_logits(&xs, &encoding).is_err());
    let (from_logits, _) = build(&SwwaeConfig {
        decoder_input: DecoderInput::Logits,
        ..small("(4)3c-2p-10fc", (8, 8))
    })?;
    for dims in [&[1, 7][..], &[10]] {
        let logits = Tensor::zeros(dims, DType::F32, &Device::Cpu)?;
        let decoded = from_logits.decoder().decode_logits(&logits, &encoding);
        let error = decoded.expect_err("accepted").to_string();
        let said = format!("the logits have shape {dims:?}; the decoder starts from (N, 10)");
        assert!(error.contains(&said), "{error}");
    }
    let two = plain.encode(&Tensor::zeros((2, 1, 8, 8), DType::F32, &Device::Cpu)?)?;
    assert!(encoding.with_where_of(&two).is_err());
    // Images of 8x8 and of 9x9 have whats of 4x4.
    let large = plain.encode(&Tensor::zeros((1, 1, 9, 9), DType::F32, &Device::Cpu)?)?;
    assert_eq!(large.levels[0].what.dims(), encoding.levels[0].what.dims());
    let mixed = encoding.with_where_of(&large).expect_err("accepted");
    assert!(mixed.to_string().contains("(9, 9)"), "{mixed}");
    Ok(())
}

/// With tied weights the decoder of a linear layer is its transpose: <A x, y> = <x, A' y>.
#[test]
fn a_tied_mirror_is_the_transposed_convolution() -> Result<()> {
    let parameters = Parameters::new(3, DType::F64, &Device::Cpu);
    let config = SwwaeConfig {
        decoder_weights: DecoderWeights::Tied,
        in_channels: 2,
        ..small("(3)5c", (6, 7))
    };
    let network = Swwae::new(&config, parameters.builder())?;
    let xs = images(1, &config)?.to_dtype(DType::F64)?;
    let conv = network
        .encoder()
        .convs()
        .next()
        .expect("there is a convolution")
        .clone();
    let options = striate::Conv2dOptions {
        padding: (2, 2),
        ..Default::default()
    };
    let forward = striate::conv2d(&xs, conv.weight(), None, &options)?;
    let ys = (forward.ones_like()? * 0.3)?;
    let encoding = Encoding {
        levels: Vec::new(),
        features: ys.clone(),
    };
    let back = network.decode(&encoding)?;
    let inner = |a: &Tensor, b: &Tensor| (a * b)?.sum_all()?.to_scalar::<f64>();
    let (left, right) = (inner(&forward, &ys)?, inner(&xs, &back)?);
    assert!((left - right).abs() < 1e-9, "{left} and {right}");
    Ok(())
}

#[test]
fn exchange_and_walk() -> Result<()> {
    let config = small("(4)3c-2p-(3)3c-2p", (8, 8));
    let (network, _) = build(&config)?;
    let xs = images(4, &config)?;
    let (a, b) = (xs.narrow(0, 0, 2)?, xs.narrow(0, 2, 2)?);
    let same = network.exchange(&a, &a)?;
    assert_close("same", &same, &network.reconstruct(&a)?, Tolerance::Exact);
    let mixed = network.exchange(&b, &a)?;
    let pictures = network.walk(&a, &b, 4)?;
    assert_eq!(pictures.len(), 5);
    assert_close(
        "start",
        &pictures[0],
        &network.reconstruct(&a)?,
        Tolerance::Exact,
    );
    assert_close("end", &pictures[4], &mixed, Tolerance::Exact);
    assert!(network.walk(&a, &b, 0).is_err());
    Ok(())
}

#[test]
fn dropout_follows_the_clock() -> Result<()> {
    let config = small("(4)3c-2p-(6)3c-2p-10fc", (8, 8)).with_dropout();
    let (network, _) = build(&config)?;
    let xs = images(2, &config)?;
    let step = |at: u64| -> Result<(Vec<f32>, Vec<f32>)> {
        network.clock().seek(3, at);
        let pass = network.pass(&xs, true)?;
        let values = |t: &Tensor| t.flatten_all()?.to_vec1::<f32>();
        let logits = pass.logits.as_ref().map(values).transpose()?;
        Ok((
            logits.unwrap_or_default(),
            values(&pass.decoding.reconstruction)?,
        ))
    };
    let first = step(0)?;
    assert_eq!(network.clock().step(), 1);
    let second = step(1)?;
    assert!(first.0 != second.0 && first.1 != second.1);
    assert_eq!(first, step(0)?);
    network.reconstruct(&xs)?;
    assert_eq!(network.clock().step(), 1);
    Ok(())
}

/// A few hundred steps of the unsupervised objective; where makes even a coarse pooling good.
#[test]
fn learns_to_reconstruct() -> Result<()> {
    use crate::loss::{EncoderSide, Labels, LossWeights, Mode, SwwaeLoss};

    let mut last = Vec::new();
    for unpooling in [Unpooling::Where, Unpooling::Copy] {
        let config = SwwaeConfig {
            unpooling,
            ..small("(8)3c-4p", (16, 16))
        };
        let (network, parameters) = build(&config)?;
        let xs = images(4, &config)?;
        let vars: Vec<Var> = parameters.named().into_iter().map(|(_, var)| var).collect();
        let mut velocity: Vec<Tensor> = vars
            .iter()
            .map(|var| var.zeros_like())
            .collect::<Result<_>>()?;
        let weights = LossWeights {
            l2_rec: 1.0,
            l2_m: 0.0,
        };
        let mut loss = f32::MAX;
        for _ in 0..300 {
            let pass = network.pass(&xs, true)?;
            let terms = SwwaeLoss::new(
                &pass,
                &xs,
                &Labels::none(4),
                Mode::Unsupervised,
                EncoderSide::Joint,
            )?;
            let total = terms.total(&weights)?;
            loss = total.to_scalar()?;
            let grads = total.backward()?;
            for (var, v) in vars.iter().zip(&mut velocity) {
                let Some(grad) = grads.get(var) else { continue };
                *v = ((&*v * 0.9)? + grad)?.detach();
                var.set(&(var.as_tensor() - (&*v * 0.05)?)?)?;
            }
        }
        last.push(loss);
    }
    // Images of noise have variance 1/12.
    assert!(
        last[0] < last[1] && last[0] < 0.06,
        "with where {}, copies {}",
        last[0],
        last[1]
    );
    Ok(())
}
