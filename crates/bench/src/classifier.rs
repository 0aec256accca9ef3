//! W1 and W2: a training step and a forward pass of All-CNN-C and of Network In Network on colored images.
//!
//! The networks are those of the crates `allconv` and `nin` without dropout, whose masks PyTorch could not draw;
//! cross entropy, SGD with momentum.

use std::cell::RefCell;
use std::rc::Rc;

use allconv::AllConv;
use anyhow::Result;
use candle_core::{DType, Tensor};
use candle_nn::{ModuleT, VarBuilder};
use nin::{Nin, NinConfig};
use striate::cross_entropy;
use striate::layer_list::{LayerSpec, output_shapes};

use crate::draw;
use crate::parameters::{Parameters, close};
use crate::work::{Case, Options, Work};

/// Channels of an image.
const CHANNELS: usize = 3;

/// A network that classifies images.
type Classifier = Box<dyn ModuleT>;

/// What makes one from its parameters.
type Build = Rc<dyn Fn(VarBuilder) -> candle_core::Result<Classifier>>;

/// W1.
pub(crate) fn all_cnn_c(options: &Options) -> Result<Work> {
    let config = allconv::Config {
        input_dropout: 0.0,
        dropout: 0.0,
        ..allconv::Config::all_cnn_c()
    };
    all_conv(config, options)
}

/// W1 with the paper's dropout.
pub(crate) fn all_cnn_c_with_dropout(options: &Options) -> Result<Work> {
    all_conv(allconv::Config::all_cnn_c(), options)
}

fn all_conv(config: allconv::Config, options: &Options) -> Result<Work> {
    let layers = config.layers();
    let build = move |vb: VarBuilder| Ok(Box::new(AllConv::new(&config, vb)?) as Classifier);
    classifier(layers, Rc::new(build), options)
}

/// W2.
pub(crate) fn nin(options: &Options) -> Result<Work> {
    let config = NinConfig {
        dropout: 0.0,
        ..NinConfig::cifar10()
    };
    let layers = config.layers();
    let build = move |vb: VarBuilder| Ok(Box::new(Nin::new(&config, vb)?) as Classifier);
    classifier(layers, Rc::new(build), options)
}

fn classifier(layers: Vec<LayerSpec>, build: Build, options: &Options) -> Result<Work> {
    let names: Vec<String> = layers
        .iter()
        .filter(|layer| matches!(layer, LayerSpec::Conv { .. }))
        .map(|layer| layer.name().to_string())
        .collect();
    let (network, parameters) = Parameters::fill(DType::F32, &names, &*build)?;
    let parameters = Rc::new(RefCell::new(parameters));
    let data = Rc::new(Data::new(options.batch, options.size)?);
    let (forward, all) = gflop(&layers, options)?;
    let step = {
        let (parameters, data) = (parameters.clone(), data.clone());
        move || {
            let loss = data.loss(&network, true)?;
            parameters.borrow_mut().step(&loss.backward()?)?;
            Ok(f64::from(loss.to_scalar::<f32>()?))
        }
    };
    let only_forward = {
        let build = build.clone();
        move || {
            let network = build(parameters.borrow().detached())?;
            Ok(f64::from(data.loss(&network, false)?.to_scalar::<f32>()?))
        }
    };
    Ok(Work {
        check: Box::new(move || check(&names, &build)),
        cases: vec![
            Case {
                name: "step".to_owned(),
                gflop: all,
                inner: in_a_row(options.batch),
                run: Box::new(step),
            },
            Case {
                name: "forward".to_owned(),
                gflop: forward,
                inner: in_a_row(options.batch),
                run: Box::new(only_forward),
            },
        ],
    })
}

/// Runs of a sample: small batches come in a row, as they do in use; one alone would time how a core wakes up.
fn in_a_row(batch: usize) -> usize {
    match batch {
        1 => 10,
        2..=8 => 3,
        _ => 1,
    }
}

/// Images and their classes.
struct Data {
    images: Tensor,
    labels: Tensor,
}

impl Data {
    fn new(batch: usize, size: usize) -> Result<Self> {
        Ok(Self {
            images: draw::uniform(1000, 1.7, &[batch, CHANNELS, size, size])?,
            labels: draw::labels(1001, 10, batch)?,
        })
    }

    fn loss(&self, network: &Classifier, train: bool) -> Result<Tensor> {
        let logits = network.forward_t(&self.images, train)?;
        Ok(cross_entropy(&logits, &self.labels)?)
    }
}

/// Loss and gradients in f32 against those in f64.
fn check(names: &[String], build: &Build) -> Result<()> {
    let mut data = Data::new(2, 32)?;
    let (network, parameters) = Parameters::fill(DType::F32, names, &**build)?;
    let loss = data.loss(&network, true)?;
    data.images = data.images.to_dtype(DType::F64)?;
    let (judge, judge_parameters) = Parameters::fill(DType::F64, names, &**build)?;
    let wanted = data.loss(&judge, true)?;
    close((&loss, &parameters), (&wanted, &judge_parameters))
}

/// Billions of operations of the definition: forward, and a whole step (without the images' gradient).
fn gflop(layers: &[LayerSpec], options: &Options) -> Result<(f64, f64)> {
    let input = (CHANNELS, options.size, options.size);
    let mut inputs = CHANNELS;
    let mut products = Vec::new();
    for (layer, (c, h, w)) in layers.iter().zip(output_shapes("bench", input, layers)?) {
        if let LayerSpec::Conv { window, .. } = layer {
            products.push((c * h * w * inputs * window.size.0 * window.size.1) as f64);
        }
        inputs = c;
    }
    let forward: f64 = products.iter().sum();
    let first = products.first().copied().unwrap_or_default();
    let scale = 2e-9 * options.batch as f64;
    Ok((forward * scale, (3.0 * forward - first) * scale))
}
