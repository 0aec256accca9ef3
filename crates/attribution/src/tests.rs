//! Tests of the three methods on small networks.

use candle_core::{DType, Device};
use candle_nn::{Conv2d, Module, ModuleT, VarBuilder};
use striate::{Clock, Parameters, Window2d};

use super::*;
use allconv::{AllConv, ClassMapActivation, Config, LayerSpec, Nonlinearity};

fn network(config: &Config) -> Result<AllConv> {
    AllConv::new(
        config,
        Parameters::new(3, DType::F32, &Device::Cpu).builder(),
    )
}

fn narrow(config: Config) -> Config {
    Config {
        width: 1.0 / 12.0,
        class_map_activation: ClassMapActivation::Identity,
        image_size: (16, 14),
        ..config
    }
}

fn images(n: usize, size: (usize, usize)) -> Result<Tensor> {
    let mut values = vec![0f32; n * 3 * size.0 * size.1];
    striate::rng::stream(5, "images", 0).fill_normal(&mut values);
    Tensor::from_vec(values, (n, 3, size.0, size.1), &Device::Cpu)
}

fn values(xs: &Tensor) -> Vec<f32> {
    xs.flatten_all()
        .and_then(|xs| xs.to_vec1())
        .expect("values")
}

/// The plain method is the derivative: central differences in f64.
#[test]
fn gradcheck() -> Result<()> {
    let config = narrow(Config::conv_pool_cnn_c());
    let network = AllConv::new(
        &config,
        Parameters::new(3, DType::F64, &Device::Cpu).builder(),
    )?;
    let xs = images(1, config.image_size)?.to_dtype(DType::F64)?;
    for target in [Target::class(2), Target::unit("conv4", 3, (2, 1))] {
        let signal = Gradient::new(&network)
            .attribute(&xs, &target)?
            .flatten_all()?
            .to_vec1::<f64>()?;
        let flat = xs.flatten_all()?.to_vec1::<f64>()?;
        let answer = |values: &[f64]| -> Result<f64> {
            let xs = Tensor::from_slice(values, xs.shape(), &Device::Cpu)?;
            target
                .select(&network.forward_to(&xs, target.layer())?)?
                .sum_all()?
                .to_scalar()
        };
        for at in (0..flat.len()).step_by(37) {
            let moved = |by: f64| {
                let mut values = flat.clone();
                values[at] += by;
                answer(&values)
            };
            let step = 1e-6;
            let wanted = (moved(step)? - moved(-step)?) / (2.0 * step);
            assert!(
                (signal[at] - wanted).abs() < 1e-6 + 1e-5 * wanted.abs(),
                "{target} at {at}: {} {wanted}",
                signal[at]
            );
        }
    }
    Ok(())
}

/// The formulas of the paper in a net of one ReLU: f is positive or 0 and R positive or negative, in all four ways.
#[test]
fn the_rules_differ_as_the_paper_says() -> Result<()> {
    let layer = |name: &str, width, nonlinearity| LayerSpec::Conv {
        name: name.to_owned(),
        window: Window2d::new((1, width)),
        channels: 1,
        nonlinearity,
    };
    let layers = vec![
        layer("conv1", 1, Nonlinearity::Relu),
        layer("conv2", 4, Nonlinearity::Identity),
    ];
    let parameters = Parameters::new(3, DType::F32, &Device::Cpu);
    let one_relu = AllConv::from_layers(1, layers, parameters.builder())?;
    for (name, var) in parameters.named() {
        let values: &[f32] = match name.as_str() {
            "conv1.weight" => &[2.0],
            "conv2.weight" => &[1.0, -1.0, 3.0, -3.0],
            _ => &[0.0],
        };
        var.set(&Tensor::from_slice(values, var.shape(), &Device::Cpu)?)?;
    }
    let xs = Tensor::new(&[[[[-1f32, 5.0, 4.0, -6.0]]]], &Device::Cpu)?;
    let methods: [(&dyn Attribution, [f32; 4]); 3] = [
        (&Gradient::new(&one_relu), [0.0, -2.0, 6.0, 0.0]),
        (&Deconvnet::new(&one_relu), [2.0, 0.0, 6.0, 0.0]),
        (&GuidedBackprop::new(&one_relu), [0.0, 0.0, 6.0, 0.0]),
    ];
    for (method, expected) in methods {
        let signal = method.attribute(&xs, &Target::class(0))?;
        assert_eq!(values(&signal), expected);
    }
    let config = narrow(Config::all_cnn_c());
    let network = network(&config)?;
    let xs = images(2, config.image_size)?;
    let deep = Target::class(1);
    let methods: [&dyn Attribution; 3] = [
        &Gradient::new(&network),
        &Deconvnet::new(&network),
        &GuidedBackprop::new(&network),
    ];
    let signals: Vec<Vec<f32>> = methods
        .iter()
        .map(|m| Ok(values(&m.attribute(&xs, &deep)?)))
        .collect::<Result<_>>()?;
    assert!(signals[0] != signals[1] && signals[1] != signals[2] && signals[0] != signals[2]);
    Ok(())
}

#[test]
fn images_of_a_batch_are_independent() -> Result<()> {
    let config = narrow(Config::strided_cnn_c());
    let network = network(&config)?;
    let xs = images(3, config.image_size)?;
    let guided = GuidedBackprop::new(&network);
    let together = guided.attribute(&xs, &Target::classes([4, 0, 9]))?;
    for (row, class) in [4, 0, 9].into_iter().enumerate() {
        let alone = guided.attribute(&xs.narrow(0, row, 1)?, &Target::class(class))?;
        let difference = (alone - together.narrow(0, row, 1)?)?
            .abs()?
            .max_all()?
            .to_scalar::<f32>()?;
        assert!(difference < 1e-6, "image {row}: {difference}");
    }
    Ok(())
}

#[test]
fn switches_matter_where_there_are_pools() -> Result<()> {
    let target = Target::class(0);
    for (config, same) in [(Config::base_c(), false), (Config::all_cnn_c(), true)] {
        let config = narrow(config);
        let network = network(&config)?;
        let xs = images(1, config.image_size)?;
        let with = values(&Deconvnet::new(&network).attribute(&xs, &target)?);
        let without = values(
            &Deconvnet::new(&network)
                .without_switches()
                .attribute(&xs, &target)?,
        );
        assert_eq!(with == without, same);
    }
    Ok(())
}

#[test]
fn errors() -> Result<()> {
    let config = narrow(Config::all_cnn_c());
    let network = network(&config)?;
    let guided = GuidedBackprop::new(&network);
    let xs = images(2, config.image_size)?;
    let text = |target: Target| {
        guided
            .attribute(&xs, &target)
            .expect_err("refused")
            .to_string()
    };
    let unknown = text(Target::strongest("conv10", 0));
    assert!(
        unknown.contains("conv1, conv2") && unknown.contains("logits"),
        "{unknown}"
    );
    assert!(
        text(Target::class(10)).contains("class 10 does not exist, logits has 10 channels, from 0")
    );
    assert!(text(Target::unit("conv1", 0, (16, 0))).contains("the maps of conv1 are 16x14"));
    assert!(text(Target::classes([1])).contains("1 classes for 2 images"));
    let gray = xs.narrow(1, 0, 1)?;
    let text = guided
        .attribute(&gray, &Target::class(0))
        .expect_err("refused")
        .to_string();
    assert!(text.contains("1 channels, the network takes 3"), "{text}");
    Ok(())
}

/// A network whose second layer has Candle's ReLU, or one made of other ops.
struct Foreign {
    convs: Vec<Conv2d>,
    clock: Clock,
    relu: fn(&Tensor) -> Result<Tensor>,
}

impl Foreign {
    fn new(relu: fn(&Tensor) -> Result<Tensor>) -> Result<Self> {
        Self::of(DType::F32, relu)
    }

    fn of(dtype: DType, relu: fn(&Tensor) -> Result<Tensor>) -> Result<Self> {
        let parameters = Parameters::new(1, dtype, &Device::Cpu);
        let conv = |name: &str, inputs| {
            let vb: VarBuilder = parameters.builder().pp(name);
            candle_nn::conv2d(inputs, 4, 3, Default::default(), vb)
        };
        let convs = vec![conv("conv1", 3)?, conv("conv2", 4)?];
        Ok(Self {
            convs,
            clock: Clock::new(0),
            relu,
        })
    }
}

impl ModuleT for Foreign {
    fn forward_t(&self, xs: &Tensor, _train: bool) -> Result<Tensor> {
        self.forward_to(xs, "logits")
    }
}

impl Network for Foreign {
    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn layer_names(&self) -> Vec<String> {
        ["conv1", "conv2", "logits"].map(String::from).into()
    }

    fn forward_features(&self, xs: &Tensor) -> Result<Tensor> {
        self.forward_to(xs, "conv2")
    }

    fn forward_to(&self, xs: &Tensor, layer: &str) -> Result<Tensor> {
        let ys = striate::relu(&self.convs[0].forward(xs)?)?;
        if layer == "conv1" {
            return Ok(ys);
        }
        let ys = (self.relu)(&self.convs[1].forward(&ys)?)?;
        match layer {
            "conv2" => Ok(ys),
            _ => striate::global_avg_pool(&ys),
        }
    }
}

#[test]
fn a_foreign_relu_is_refused_by_name() -> Result<()> {
    let xs = images(1, (9, 9))?;
    let relus: [fn(&Tensor) -> Result<Tensor>; 3] = [
        |xs| xs.relu(),
        |xs| xs.maximum(&xs.zeros_like()?),
        |xs| candle_nn::Activation::Relu.forward(xs),
    ];
    for relu in relus {
        let network = Foreign::new(relu)?;
        for method in [
            &GuidedBackprop::new(&network) as &dyn Attribution,
            &Deconvnet::new(&network),
        ] {
            let text = method
                .attribute(&xs, &Target::class(1))
                .expect_err("refused")
                .to_string();
            assert!(
                text.contains("conv2 contains a ReLU that is not striate's"),
                "{text}"
            );
            // Before that layer there is nothing to refuse.
            method.attribute(&xs, &Target::strongest("conv1", 1))?;
        }
        // The plain gradient is right with any ReLU.
        Gradient::new(&network).attribute(&xs, &Target::class(1))?;
    }
    let ours = Foreign::new(striate::relu)?;
    GuidedBackprop::new(&ours).attribute(&xs, &Target::class(1))?;
    let pooled = Foreign::new(|xs| striate::max_pool2d(&striate::relu(xs)?, &Window2d::square(2)))?;
    GuidedBackprop::new(&pooled).attribute(&xs, &Target::class(1))?;
    // Another shape of the same values is no ReLU.
    let reshaped = Foreign::new(|xs| {
        striate::relu(xs)?
            .flatten_from(1)?
            .reshape(xs.shape().clone())
    })?;
    GuidedBackprop::new(&reshaped).attribute(&xs, &Target::class(1))?;
    Ok(())
}

/// In half precision the ops convert what they are given, and no conversion is a ReLU.
#[test]
fn relus_in_half_precision() -> Result<()> {
    let xs = images(1, (9, 9))?.to_dtype(DType::F16)?;
    let ours: [fn(&Tensor) -> Result<Tensor>; 3] = [
        striate::relu,
        |xs| striate::max_pool2d(&striate::relu(xs)?, &Window2d::square(2)),
        |xs| striate::relu(xs)?.to_dtype(DType::F32),
    ];
    for relu in ours {
        let network = Foreign::of(DType::F16, relu)?;
        for method in [
            &GuidedBackprop::new(&network) as &dyn Attribution,
            &Deconvnet::new(&network),
        ] {
            for target in [Target::class(1), Target::strongest("conv1", 1)] {
                assert_eq!(method.attribute(&xs, &target)?.dtype(), DType::F16);
            }
        }
    }
    let foreign = Foreign::of(DType::F16, |xs| xs.relu())?;
    let refused = GuidedBackprop::new(&foreign).attribute(&xs, &Target::class(1));
    let text = refused.expect_err("refused").to_string();
    assert!(text.contains("conv2 contains a ReLU"), "{text}");
    Ok(())
}

/// What has the values of a ReLU of ours is none if it passes on every signal, and one if it does not.
#[test]
fn relus_with_the_values_of_ours() -> Result<()> {
    let target = Target::class(1);
    let xs = images(1, (9, 9))?;
    let signals = |relu: fn(&Tensor) -> Result<Tensor>| -> Result<[Vec<f32>; 2]> {
        let network = Foreign::new(relu)?;
        let guided = GuidedBackprop::new(&network).attribute(&xs, &target)?;
        let deconvnet = Deconvnet::new(&network).attribute(&xs, &target)?;
        Ok([values(&guided), values(&deconvnet)])
    };
    let copies: [fn(&Tensor) -> Result<Tensor>; 3] = [
        |xs| striate::relu(xs)? * 1.0,
        |xs| striate::max_pool2d(&striate::relu(xs)?, &Window2d::square(1)),
        // Candle's passes on what arrives where it is zero.
        |xs| striate::relu(xs)?.relu(),
    ];
    for relu in copies {
        assert_eq!(signals(relu)?, signals(striate::relu)?);
    }
    // A leaky one of slope 1.
    signals(|xs| striate::relu(xs)? - (striate::relu(&xs.neg()?)? * 1.0)?)?;
    // The last maps have one cell, and so their means have their values.
    let small = Foreign::new(striate::relu)?;
    GuidedBackprop::new(&small).attribute(&images(8, (5, 5))?, &target)?;
    let beside = Foreign::new(|xs| striate::relu(xs)? + xs.relu()?)?;
    for method in [
        &GuidedBackprop::new(&beside) as &dyn Attribution,
        &Deconvnet::new(&beside),
    ] {
        let text = method.attribute(&xs, &target).expect_err("refused");
        let text = text.to_string();
        assert!(text.contains("conv2 contains a ReLU"), "{text}");
    }
    Ok(())
}

#[test]
fn randomization_restores_the_parameters() -> Result<()> {
    let config = narrow(Config::all_cnn_c());
    let parameters = Parameters::new(3, DType::F32, &Device::Cpu);
    let network = AllConv::new(&config, parameters.builder())?;
    let before: Vec<Vec<f32>> = parameters
        .named()
        .iter()
        .map(|(_, var)| values(var))
        .collect();
    let xs = images(2, config.image_size)?;
    let gradient = Gradient::new(&network);
    let layers: Vec<String> = (1..=9).map(|i| format!("conv{i}")).collect();
    let attribute = || gradient.attribute(&xs, &Target::class(0));
    let stages = cascading_randomization(&parameters, &layers, 1, attribute)?;
    let order: Vec<&str> = stages.iter().map(|stage| stage.layer.as_str()).collect();
    assert_eq!(order[..2], ["conv9", "conv8"]);
    assert!(
        stages.iter().all(|stage| stage.similarity < 0.9),
        "{stages:?}"
    );
    let error = cascading_randomization(&parameters, &["conv1", "nothing", "conv9"], 1, attribute);
    assert!(
        error
            .expect_err("refused")
            .to_string()
            .contains("no parameters are called nothing.*")
    );
    let after: Vec<Vec<f32>> = parameters
        .named()
        .iter()
        .map(|(_, var)| values(var))
        .collect();
    assert_eq!(before, after);
    Ok(())
}

#[test]
fn a_view_of_more_values_than_memory_is_refused() -> Result<()> {
    let network = network(&narrow(Config::all_cnn_c()))?;
    let one = Tensor::ones((1, 1, 1, 1), DType::F32, &Device::Cpu)?;
    let view = one.broadcast_as((1 << 33, 3, 64, 64))?;
    let signal = Gradient::new(&network).attribute(&view, &Target::class(0));
    let error = signal.expect_err("refused").to_string();
    assert!(error.contains("attribution: no memory"), "{error}");
    Ok(())
}

#[test]
fn an_overlay_takes_no_pixels_of_whole_numbers() -> Result<()> {
    let pixels = Tensor::ones((1, 3, 2, 2), DType::U8, &Device::Cpu)?;
    let signal = Tensor::ones((1, 3, 2, 2), DType::F32, &Device::Cpu)?;
    let error = overlay(&pixels, &signal).expect_err("u8").to_string();
    assert!(error.contains("divided by 255"), "{error}");
    Ok(())
}
