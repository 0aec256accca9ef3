//! W1 and W2: a training step and a forward pass of All-CNN-C and of Network In Network on coloured images.
//!
//! Every convolution has a bias and a ReLU; global average pooling, cross entropy, SGD with momentum.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::Result;
use candle_core::{DType, Module, Tensor};
use striate::layers::{AvgPool2d, Conv2d, GlobalAvgPool, MaxPool2d};
use striate::{Activation, Conv2dOptions, ConvAlgorithm, Window2d, cross_entropy};

use crate::draw;
use crate::parameters::{Parameters, close};
use crate::work::{Case, Options, Work};

/// A layer of a network.
#[derive(Clone, Copy)]
enum Layer {
    /// Output channels, kernel, stride, padding.
    Conv(usize, usize, usize, usize),
    /// Maximum over 3x3, stride 2, the last window cut off at the edge.
    MaxPool,
    /// Average over 2x2, stride 2.
    AvgPool,
}

use Layer::{AvgPool, Conv, MaxPool};

const ALL_CNN_C: [Layer; 9] = [
    Conv(96, 3, 1, 1),
    Conv(96, 3, 1, 1),
    Conv(96, 3, 2, 1),
    Conv(192, 3, 1, 1),
    Conv(192, 3, 1, 1),
    Conv(192, 3, 2, 1),
    Conv(192, 3, 1, 1),
    Conv(192, 1, 1, 0),
    Conv(10, 1, 1, 0),
];

const NIN: [Layer; 11] = [
    Conv(192, 5, 1, 2),
    Conv(160, 1, 1, 0),
    Conv(96, 1, 1, 0),
    MaxPool,
    Conv(192, 5, 1, 2),
    Conv(192, 1, 1, 0),
    Conv(192, 1, 1, 0),
    AvgPool,
    Conv(192, 3, 1, 1),
    Conv(192, 1, 1, 0),
    Conv(10, 1, 1, 0),
];

/// W1.
pub(crate) fn all_cnn_c(options: &Options) -> Result<Work> {
    classifier(&ALL_CNN_C, options)
}

/// W2.
pub(crate) fn nin(options: &Options) -> Result<Work> {
    classifier(&NIN, options)
}

fn classifier(spec: &'static [Layer], options: &Options) -> Result<Work> {
    let options = *options;
    let network = Rc::new(RefCell::new(Network::new(
        spec,
        DType::F32,
        options.direct,
    )?));
    let data = Rc::new(Data::new(options.batch, options.size)?);
    let (forward, all) = gflop(spec, options);
    let step = {
        let (network, data) = (network.clone(), data.clone());
        move || network.borrow_mut().step(&data)
    };
    let only_forward = move || {
        let loss = network.borrow().detached()?.loss(&data)?;
        Ok(f64::from(loss.to_scalar::<f32>()?))
    };
    Ok(Work {
        check: Box::new(move || check(spec, options.direct)),
        cases: vec![
            Case {
                name: "step".to_owned(),
                gflop: all,
                inner: 1,
                run: Box::new(step),
            },
            Case {
                name: "forward".to_owned(),
                gflop: forward,
                inner: 1,
                run: Box::new(only_forward),
            },
        ],
    })
}

/// Images and their classes.
struct Data {
    images: Tensor,
    labels: Tensor,
}

impl Data {
    fn new(batch: usize, size: usize) -> Result<Self> {
        Ok(Self {
            images: draw::uniform(1000, 1.7, &[batch, 3, size, size])?,
            labels: draw::labels(1001, 10, batch)?,
        })
    }
}

struct Network {
    layers: Vec<Box<dyn Module>>,
    convolutions: Vec<Conv2d>,
    spec: &'static [Layer],
    parameters: Parameters,
}

impl Network {
    fn new(spec: &'static [Layer], dtype: DType, direct: bool) -> Result<Self> {
        let mut parameters = Parameters::of(dtype);
        let mut convolutions = Vec::new();
        let mut channels = 3;
        for &layer in spec {
            if let Conv(out, k, stride, padding) = layer {
                let weight = parameters.weight(&[out, channels, k, k])?;
                let bias = parameters.bias(out)?;
                let options = Conv2dOptions {
                    stride: (stride, stride),
                    padding: (padding, padding),
                    activation: Activation::Relu,
                    algorithm: if direct {
                        ConvAlgorithm::Direct
                    } else {
                        ConvAlgorithm::Auto
                    },
                    ..Default::default()
                };
                convolutions.push(Conv2d::new(weight, Some(bias), options));
                channels = out;
            }
        }
        Ok(Self {
            layers: layers(spec, &convolutions),
            convolutions,
            spec,
            parameters,
        })
    }

    /// The same network, with parameters that ask for no gradient, so that no graph is kept.
    fn detached(&self) -> Result<Self> {
        let detached = |conv: &Conv2d| {
            let bias = conv.bias().map(Tensor::detach);
            Conv2d::new(conv.weight().detach(), bias, *conv.options())
        };
        let convolutions: Vec<_> = self.convolutions.iter().map(detached).collect();
        Ok(Self {
            layers: layers(self.spec, &convolutions),
            convolutions,
            spec: self.spec,
            parameters: Parameters::default(),
        })
    }

    fn loss(&self, data: &Data) -> Result<Tensor> {
        let mut maps = data.images.clone();
        for layer in &self.layers {
            maps = layer.forward(&maps)?;
        }
        Ok(cross_entropy(&GlobalAvgPool.forward(&maps)?, &data.labels)?)
    }

    /// A training step; the loss before it.
    fn step(&mut self, data: &Data) -> Result<f64> {
        let loss = self.loss(data)?;
        let gradients = loss.backward()?;
        self.parameters.step(&gradients)?;
        Ok(f64::from(loss.to_scalar::<f32>()?))
    }
}

fn layers(spec: &[Layer], convolutions: &[Conv2d]) -> Vec<Box<dyn Module>> {
    let mut convolutions = convolutions.iter().cloned();
    let mut layers: Vec<Box<dyn Module>> = Vec::new();
    for layer in spec {
        match layer {
            Conv(..) => layers.extend(convolutions.next().map(|conv| Box::new(conv) as _)),
            MaxPool => {
                let window = Window2d::square(3).stride(2).ceil();
                layers.push(Box::new(MaxPool2d::new(window)));
            }
            AvgPool => layers.push(Box::new(AvgPool2d::new(Window2d::square(2).stride(2)))),
        }
    }
    layers
}

/// Loss and gradients in f32 against those in f64, where every product is computed.
fn check(spec: &'static [Layer], direct: bool) -> Result<()> {
    let mut data = Data::new(2, 32)?;
    let network = Network::new(spec, DType::F32, direct)?;
    let loss = network.loss(&data)?;
    let gradients = network.parameters.gradients(&loss.backward()?)?;
    data.images = data.images.to_dtype(DType::F64)?;
    let judge = Network::new(spec, DType::F64, true)?;
    let wanted_loss = judge.loss(&data)?;
    let wanted = judge.parameters.gradients(&wanted_loss.backward()?)?;
    let loss = f64::from(loss.to_scalar::<f32>()?);
    close(loss, wanted_loss.to_scalar::<f64>()?, &gradients, &wanted)
}

/// Billions of operations of the definition: forward, and a whole step (without the images' gradient).
fn gflop(spec: &[Layer], options: Options) -> (f64, f64) {
    let (mut channels, mut size) = (3, options.size);
    let mut products = Vec::new();
    for layer in spec {
        match *layer {
            Conv(out, k, stride, padding) => {
                size = (size + 2 * padding - k) / stride + 1;
                products.push((out * channels * k * k * size * size) as f64);
                channels = out;
            }
            MaxPool | AvgPool => size /= 2,
        }
    }
    let forward: f64 = products.iter().sum();
    let step = 3.0 * forward - products[0];
    let scale = 2e-9 * options.batch as f64;
    (forward * scale, step * scale)
}
