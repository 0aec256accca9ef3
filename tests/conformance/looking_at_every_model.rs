//! Every model of the four crates can be looked at: at each of its named layers, by each rule.

use allconv::attribution::{Attribution, Deconvnet, Gradient, GuidedBackprop, Target};
use allconv::{AllConv, Architecture, BaseModel, Config, Variant};
use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Module, VarBuilder};
use nin::{Head, Nin, NinConfig, PlainCnn, PlainCnnConfig};
use stn::module::FcLocalisation;
use stn::networks::{
    Body, CoLocalisation, CoLocalisationConfig, DigitConfig, DigitNet, HouseNumberConfig,
    HouseNumberNet, PartsConfig, PartsNet, Placement, Transform, VolumeConfig, VolumeNet,
};
use striate::{Network, Parameters};
use swwae::{Convnet, Swwae, SwwaeConfig};

/// A network with random weights, and random images for it.
fn looked_at(
    shape: &[usize],
    build: impl Fn(VarBuilder) -> Result<Box<dyn Network>>,
) -> Result<()> {
    let parameters = Parameters::new(3, DType::F32, &Device::Cpu);
    let network = build(parameters.builder())?;
    let network = network.as_ref();
    let mut pixels = striate::rng::stream(5, "images", 0);
    let images: Vec<f32> = (0..shape.iter().product())
        .map(|_| pixels.uniform_f64() as f32)
        .collect();
    let xs = Tensor::from_vec(images, shape, &Device::Cpu)?;
    let methods: [(&str, Box<dyn Attribution>); 4] = [
        ("gradient", Box::new(Gradient::new(network))),
        ("deconvnet", Box::new(Deconvnet::new(network))),
        (
            "without switches",
            Box::new(Deconvnet::new(network).without_switches()),
        ),
        ("guided", Box::new(GuidedBackprop::new(network))),
    ];
    let names = network.layer_names();
    let mut told_apart = false;
    for layer in &names {
        if network.forward_to(&xs, layer)?.rank() == 3 {
            // The logits of house numbers, (N, digits, classes): each digit has a name of its own.
            continue;
        }
        let mut signals = Vec::new();
        for (method, attribution) in &methods {
            let signal = attribution.attribute(&xs, &Target::strongest(layer, 0))?;
            assert_eq!(signal.dims(), xs.dims(), "{method} at {layer}");
            let sum: f32 = signal.abs()?.sum_all()?.to_scalar()?;
            assert!(sum.is_finite(), "{method} at {layer}: {sum}");
            signals.push(signal);
        }
        let difference = (&signals[0] - &signals[3])?.abs()?.sum_all()?;
        told_apart |= difference.to_scalar::<f32>()? > 0.0;
    }
    assert!(told_apart, "the rule of the ReLUs made no difference");
    let wrong = GuidedBackprop::new(network).attribute(&xs, &Target::strongest("nowhere", 0));
    let message = wrong.expect_err("there is no such layer").to_string();
    for name in &names {
        assert!(message.contains(name), "{message}");
    }
    Ok(())
}

#[test]
fn all_convolutional_networks() -> Result<()> {
    for variant in [Variant::Base, Variant::AllConv] {
        let config = Config {
            width: 0.1,
            image_size: (20, 20),
            ..Config::cifar10(Architecture::new(BaseModel::C, variant))
        };
        looked_at(&[2, 3, 20, 20], |vb| {
            Ok(Box::new(AllConv::new(&config, vb)?))
        })?;
    }
    Ok(())
}

#[test]
fn networks_in_network() -> Result<()> {
    let config = NinConfig {
        width: 0.1,
        ..NinConfig::cifar10()
    };
    looked_at(&[2, 3, 32, 32], |vb| Ok(Box::new(Nin::new(&config, vb)?)))?;
    for head in [Head::GlobalAvgPool, Head::FullyConnected] {
        let config = PlainCnnConfig {
            width: 0.1,
            ..PlainCnnConfig::cifar10(head)
        };
        looked_at(&[2, 3, 32, 32], |vb| {
            Ok(Box::new(PlainCnn::new(&config, vb)?))
        })?;
    }
    Ok(())
}

#[test]
fn spatial_transformer_networks() -> Result<()> {
    let cnn = DigitConfig {
        body: Body::Cnn { filters: 4 },
        ..DigitConfig::st_cnn(28, Transform::Tps)
    };
    let fcn = DigitConfig::st_fcn(28, Transform::Affine);
    for config in [cnn, fcn, DigitConfig::fcn(28)] {
        looked_at(&[2, 1, 28, 28], |vb| {
            Ok(Box::new(DigitNet::new(&config, vb)?))
        })?;
    }
    for placement in [Placement::Single, Placement::Multi] {
        let config = HouseNumberConfig {
            width: 0.02,
            ..HouseNumberConfig::paper(64, placement)
        };
        looked_at(&[1, 3, 64, 64], |vb| {
            Ok(Box::new(HouseNumberNet::new(&config, vb)?))
        })?;
    }
    let common = CoLocalisationConfig {
        body: Body::Cnn { filters: 4 },
        ..CoLocalisationConfig::digits()
    };
    looked_at(&[2, 1, 84, 84], |vb| {
        Ok(Box::new(CoLocalisation::new(&common, vb)?))
    })?;
    let volume = VolumeConfig {
        side: 28,
        body: Body::Cnn { filters: 4 },
        ..VolumeConfig::digits()
    };
    looked_at(&[1, 1, 28, 28, 28], |vb| {
        Ok(Box::new(VolumeNet::new(&volume, vb)?))
    })
}

/// A backbone: ReLU of channel means.
#[derive(Clone, Debug)]
struct Means;

impl Module for Means {
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        striate::relu(&(xs.flatten_from(2)?.mean(2)? - 0.5)?)
    }
}

#[test]
fn networks_of_parts() -> Result<()> {
    let config = PartsConfig {
        crop: 16,
        ..PartsConfig::birds(2, 3)
    };
    looked_at(&[2, 3, 40, 32], |vb| {
        let start = PartsNet::<FcLocalisation, Means>::start(2)?;
        let net = FcLocalisation::new(3 * 256, &[4], &start, vb.pp("st"))?;
        let parts = PartsNet::new(&config, net, vec![Means, Means], vb)?;
        Ok(Box::new(parts))
    })
}

#[test]
fn what_where_auto_encoders() -> Result<()> {
    let config = SwwaeConfig::mnist().scaled(0.1);
    looked_at(&[2, 1, 28, 28], |vb| Ok(Box::new(Swwae::new(&config, vb)?)))?;
    looked_at(&[2, 1, 28, 28], |vb| {
        Ok(Box::new(Convnet::new(&config, vb)?))
    })
}
