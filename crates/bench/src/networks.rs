//! The papers' networks at full width, for their memory: `bench --peak NAME`.

use std::collections::HashMap;

use allconv::{AllConv, Config, ImageNetConfig, LargeConfig};
use anyhow::{Context, Result};
use candle_core::{DType, Device, Tensor};
use candle_nn::{ModuleT, VarBuilder};
use lab::train::{Optimizer, Sgd, SgdConfig};
use nin::{Nin, NinConfig};
use stn::networks::{
    CoLocalisation, CoLocalisationConfig, DigitConfig, DigitNet, HouseNumberConfig, HouseNumberNet,
    Placement, ShadowConfig, ShadowNet, Transform, VolumeConfig, WindowSize,
};
use striate::{Clock, Parameters};
use swwae::{EncoderSide, Labels, LossWeights, Mode, Swwae, SwwaeConfig, SwwaeLoss};

use crate::draw;
use crate::memory::peak_mib;

/// Steps after which the peak no longer grows: buffers of one step serve the next.
const STEPS: usize = 3;

/// What a network does with its images.
enum Pass {
    /// Class scores, or another output to be lowered.
    Output(Box<dyn ModuleT>),
    /// Class scores and reconstructions.
    AutoEncoder(Box<Swwae>),
    /// Crops and their encodings.
    CoLocalisation(Box<CoLocalisation>),
}

type Build = Box<dyn Fn(VarBuilder) -> candle_core::Result<Pass>>;

/// A network of a paper, the images it takes, and how many of them a training batch has here.
struct Row {
    name: String,
    batch: usize,
    image: (usize, usize, usize),
    build: Build,
}

impl Row {
    fn new(
        name: impl Into<String>,
        batch: usize,
        image: (usize, usize, usize),
        build: impl Fn(VarBuilder) -> candle_core::Result<Pass> + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            batch,
            image,
            build: Box::new(build),
        }
    }
}

fn output(network: impl ModuleT + 'static) -> Pass {
    Pass::Output(Box::new(network))
}

/// All of them, paper by paper.
fn rows() -> Vec<Row> {
    [
        all_convolutional(),
        network_in_network(),
        transformers(),
        auto_encoders(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn all_convolutional() -> Vec<Row> {
    let of = |config: Config| {
        let name = config.architecture.to_string();
        let build = move |vb: VarBuilder| Ok(output(AllConv::new(&config, vb)?));
        Row::new(name, 128, (3, 32, 32), build)
    };
    let mut rows: Vec<Row> = [
        Config::base_c(),
        Config::strided_cnn_c(),
        Config::conv_pool_cnn_c(),
        Config::all_cnn_c(),
    ]
    .into_iter()
    .map(of)
    .collect();
    let large = |vb: VarBuilder| Ok(output(AllConv::large(&LargeConfig::cifar10(), vb)?));
    rows.push(Row::new("large All-CNN", 8, (3, 126, 126), large));
    let imagenet = |vb: VarBuilder| {
        Ok(output(AllConv::imagenet(
            &ImageNetConfig::ilsvrc2012(),
            vb,
        )?))
    };
    rows.push(Row::new("ImageNet All-CNN-B", 64, (3, 224, 224), imagenet));
    rows
}

fn network_in_network() -> Vec<Row> {
    let of = |name: &str, side: usize, channels: usize, config: NinConfig| {
        let build = move |vb: VarBuilder| Ok(output(Nin::new(&config, vb)?));
        Row::new(name, 128, (channels, side, side), build)
    };
    vec![
        of("NIN, CIFAR-10", 32, 3, NinConfig::cifar10()),
        of("NIN, CIFAR-100", 32, 3, NinConfig::cifar100()),
        of("NIN, SVHN", 32, 3, NinConfig::svhn()),
        of("NIN, MNIST", 28, 1, NinConfig::mnist()),
    ]
}

fn transformers() -> Vec<Row> {
    let digits = |config: DigitConfig| {
        let (name, side) = (format!("{}, digits", config.name()), config.side);
        let build = move |vb: VarBuilder| Ok(output(DigitNet::new(&config, vb)?));
        Row::new(name, 256, (1, side, side), build)
    };
    let tps = Transform::Tps;
    let mut rows: Vec<Row> = [
        DigitConfig::fcn(42),
        DigitConfig::cnn(42),
        DigitConfig::st_fcn(42, tps),
        DigitConfig::st_cnn(42, tps),
    ]
    .into_iter()
    .map(digits)
    .collect();
    for (name, placement) in [
        ("CNN", Placement::None),
        ("ST-CNN Single", Placement::Single),
        ("ST-CNN Multi", Placement::Multi),
    ] {
        for side in [64, 128] {
            let build = move |vb: VarBuilder| {
                let config = HouseNumberConfig::paper(side, placement);
                Ok(output(HouseNumberNet::new(&config, vb)?))
            };
            let name = format!("{name}, house numbers");
            rows.push(Row::new(name, 128, (3, side, side), build));
        }
    }
    let volume = |vb: VarBuilder| {
        let config = ShadowConfig {
            transformer: true,
            network: VolumeConfig::digits(),
        };
        Ok(output(ShadowNet::new(&config, vb)?))
    };
    let side = VolumeConfig::digits().side;
    rows.push(Row::new("ST-CNN, volumes", 32, (side, side, side), volume));
    let config = CoLocalisationConfig::digits();
    let side = config.side;
    let search = move |vb: VarBuilder| {
        Ok(Pass::CoLocalisation(Box::new(CoLocalisation::new(
            &config, vb,
        )?)))
    };
    rows.push(Row::new("co-localisation", 64, (1, side, side), search));
    rows
}

fn auto_encoders() -> Vec<Row> {
    [
        ("SWWAE, MNIST", SwwaeConfig::mnist()),
        ("SWWAE, SVHN", SwwaeConfig::svhn()),
        ("SWWAE, STL-10", SwwaeConfig::stl10()),
        ("SWWAE, CIFAR-10", SwwaeConfig::cifar10()),
        ("SWWAE, CIFAR-100", SwwaeConfig::cifar100()),
    ]
    .into_iter()
    .map(|(name, config)| {
        let (height, width) = config.image_size;
        let image = (config.in_channels, height, width);
        let build = move |vb: VarBuilder| Ok(Pass::AutoEncoder(Box::new(Swwae::new(&config, vb)?)));
        Row::new(name, 128, image, build)
    })
    .collect()
}

/// The names of `bench --peak`, one a line with the images in a batch, their channels and sides.
pub(crate) fn list() -> String {
    let line = |row: &Row| {
        let (channels, height, width) = row.image;
        format!("{}\t{}\t{channels}x{height}x{width}\n", row.name, row.batch)
    };
    rows().iter().map(line).collect()
}

/// The peak in MiB of a process that builds the network called `name` and predicts one image, or trains on batches.
pub(crate) fn peak(name: &str, side: usize, train: bool) -> Result<f64> {
    let row = rows()
        .into_iter()
        .find(|row| row.name == name && row.image.1 == side)
        .with_context(|| {
            format!("--peak {name}: there is no such network; --networks lists them")
        })?;
    let parameters = Parameters::new(0, DType::F32, &Device::Cpu);
    let network = (row.build)(parameters.builder())?;
    let (channels, height, width) = row.image;
    let batch = if train { row.batch } else { 1 };
    let images = draw::uniform(1000, 1.0, &[batch, channels, height, width])?;
    if train {
        let rates = SgdConfig {
            lr: 1e-6,
            momentum: 0.9,
            ..SgdConfig::default()
        };
        let mut sgd = Sgd::new(parameters.named(), rates, &[])?;
        for step in 0..STEPS {
            learn(&network, &images, &mut sgd, step)?;
        }
    } else {
        let tensors: HashMap<String, Tensor> = parameters
            .named()
            .into_iter()
            .map(|(name, var)| (name, var.as_detached_tensor()))
            .collect();
        drop(network);
        let network = (row.build)(VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu))?;
        for _ in 0..STEPS {
            predict(&network, &images)?;
        }
    }
    Ok(peak_mib())
}

fn predict(network: &Pass, images: &Tensor) -> Result<()> {
    match network {
        Pass::Output(network) => drop(network.forward_t(images, false)?),
        Pass::AutoEncoder(network) => drop(network.pass(images, false)?),
        Pass::CoLocalisation(network) => drop(network.transform(images, WindowSize::Learned)?),
    }
    Ok(())
}

fn learn(network: &Pass, images: &Tensor, sgd: &mut Sgd, step: usize) -> Result<()> {
    let batch = images.dim(0)?;
    let loss = match network {
        Pass::Output(network) => network.forward_t(images, true)?.sqr()?.mean_all()?,
        Pass::AutoEncoder(network) => {
            let pass = network.pass(images, true)?;
            let labels = Labels::all(&draw::labels(1001, 10, batch)?)?;
            let (mode, side) = (Mode::Supervised, EncoderSide::Joint);
            let weights = LossWeights {
                l2_rec: 1.0,
                l2_m: 0.2,
            };
            SwwaeLoss::new(&pass, images, &labels, mode, side)?.total(&weights)?
        }
        Pass::CoLocalisation(network) => {
            let mut draws = Clock::new(step as u64).stream("windows");
            network
                .loss(images, WindowSize::Learned, 1.0, &mut draws)?
                .0
        }
    };
    Ok(sgd.step(&loss.backward()?, 1.0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_a_side_are_one_network() {
        let mut names: Vec<_> = rows().into_iter().map(|r| (r.name, r.image.1)).collect();
        names.sort();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
        assert!(peak("unknown", 32, false).is_err());
    }

    #[test]
    fn a_process_that_trained_held_its_parameters_and_momentum() {
        let mib = peak("FCN, digits", 42, true).unwrap();
        let numbers = 2.0 * 4.0 * 400_000.0 / 1024.0 / 1024.0;
        assert!(mib == 0.0 || mib > numbers, "{mib}");
    }
}
