//! W5: a training step of a stacked what-where auto-encoder on padded digits.
//!
//! (64)5c-2p-(64)3c-(64)3c-2p-(128)3c-(128)3c-2p-10fc on 1x32x32, and the mirror, unpooling by the switches;
//! cross entropy + reconstruction + 0.2 * (sum of the intermediate reconstructions).

use anyhow::{Context, Result};
use candle_core::{DType, Module, Tensor};
use striate::layers::Conv2d;
use striate::{
    Activation, Conv2dOptions, ConvAlgorithm, Window2d, cross_entropy, max_pool2d_with_switches,
    max_unpool2d,
};

use crate::draw;
use crate::mse::mse;
use crate::parameters::{Parameters, close};
use crate::work::{Case, Options, Work};

/// Input channels, output channels, kernel of the convolutions of each stage.
const STAGES: [&[(usize, usize, usize)]; 3] = [
    &[(1, 64, 5)],
    &[(64, 64, 3), (64, 64, 3)],
    &[(64, 128, 3), (128, 128, 3)],
];

/// Numbers of the narrowest maps of an image: 128 maps of 4x4.
const NARROWEST: usize = 128 * 16;

/// W5.
pub(crate) fn swwae(options: &Options) -> Result<Work> {
    let direct = options.direct;
    let mut network = Swwae::new(DType::F32, direct)?;
    let data = Data::new(options.batch)?;
    let step = move || {
        let loss = network.loss(&data)?;
        let gradients = loss.backward()?;
        network.parameters.step(&gradients)?;
        Ok(f64::from(loss.to_scalar::<f32>()?))
    };
    Ok(Work {
        check: Box::new(move || check(direct)),
        cases: vec![Case {
            name: "step".to_owned(),
            gflop: gflop(options.batch),
            inner: 1,
            run: Box::new(step),
        }],
    })
}

struct Data {
    images: Tensor,
    labels: Tensor,
}

impl Data {
    fn new(batch: usize) -> Result<Self> {
        let digits = ((draw::uniform(1000, 0.5, &[batch, 1, 28, 28])?) + 0.5)?;
        let images = digits
            .pad_with_zeros(2, 2, 2)?
            .pad_with_zeros(3, 2, 2)?
            .contiguous()?;
        Ok(Self {
            images,
            labels: draw::labels(1001, 10, batch)?,
        })
    }
}

struct Swwae {
    encoder: Vec<Vec<Conv2d>>,
    /// From the outermost stage to the innermost, each in the order of use.
    decoder: Vec<Vec<Conv2d>>,
    classify: (Tensor, Tensor),
    imagine: (Tensor, Tensor),
    parameters: Parameters,
}

impl Swwae {
    fn new(dtype: DType, direct: bool) -> Result<Self> {
        let mut parameters = Parameters::of(dtype);
        let mut conv = |from: usize, to: usize, k: usize, activation| -> Result<Conv2d> {
            let options = Conv2dOptions {
                padding: (k / 2, k / 2),
                activation,
                algorithm: if direct {
                    ConvAlgorithm::Direct
                } else {
                    ConvAlgorithm::Auto
                },
                ..Default::default()
            };
            let weight = parameters.weight(&[to, from, k, k])?;
            Ok(Conv2d::new(weight, Some(parameters.bias(to)?), options))
        };
        let (mut encoder, mut decoder) = (Vec::new(), Vec::new());
        for stage in STAGES {
            let convs = stage
                .iter()
                .map(|&(i, o, k)| conv(i, o, k, Activation::Relu));
            encoder.push(convs.collect::<Result<_>>()?);
        }
        for stage in STAGES {
            let convs = stage.iter().rev().map(|&(i, o, k)| match i {
                1 => conv(o, i, k, Activation::Identity),
                _ => conv(o, i, k, Activation::Relu),
            });
            decoder.push(convs.collect::<Result<_>>()?);
        }
        let mut linear = |from: usize, to: usize| -> Result<_> {
            Ok((parameters.weight(&[to, from])?, parameters.bias(to)?))
        };
        Ok(Self {
            encoder,
            decoder,
            classify: linear(NARROWEST, 10)?,
            imagine: linear(10, NARROWEST)?,
            parameters,
        })
    }

    fn loss(&self, data: &Data) -> Result<Tensor> {
        let window = Window2d::square(2).stride(2);
        let mut maps = data.images.clone();
        let (mut pooled, mut switches) = (Vec::new(), Vec::new());
        for stage in &self.encoder {
            for conv in stage {
                maps = conv.forward(&maps)?;
            }
            let (what, place) = max_pool2d_with_switches(&maps, &window)?;
            maps = what;
            pooled.push(maps.clone());
            switches.push(place);
        }
        let linear = |(weight, bias): &(Tensor, Tensor), xs: &Tensor| {
            xs.matmul(&weight.t()?)?.broadcast_add(bias)
        };
        let logits = linear(&self.classify, &maps.flatten_from(1)?)?;
        let mut back = linear(&self.imagine, &logits)?.reshape(maps.shape())?;
        let mut middle = None;
        for level in (0..STAGES.len()).rev() {
            let loss = mse(&back, &pooled[level])?;
            middle = Some(match middle {
                None => loss,
                Some(sum) => (sum + loss)?,
            });
            back = max_unpool2d(&back, &switches[level], switches[level].source)?;
            for conv in &self.decoder[level] {
                back = conv.forward(&back)?;
            }
        }
        let middle = (middle.context("there are no stages")? * 0.2)?;
        let outer = mse(&back, &data.images)?;
        Ok(((cross_entropy(&logits, &data.labels)? + outer)? + middle)?)
    }
}

/// Loss and gradients in f32 against those in f64, where every product is computed.
fn check(direct: bool) -> Result<()> {
    let mut data = Data::new(2)?;
    let network = Swwae::new(DType::F32, direct)?;
    let loss = network.loss(&data)?;
    let gradients = network.parameters.gradients(&loss.backward()?)?;
    data.images = data.images.to_dtype(DType::F64)?;
    let judge = Swwae::new(DType::F64, true)?;
    let wanted_loss = judge.loss(&data)?;
    let wanted = judge.parameters.gradients(&wanted_loss.backward()?)?;
    let loss = f64::from(loss.to_scalar::<f32>()?);
    close(loss, wanted_loss.to_scalar::<f64>()?, &gradients, &wanted)
}

/// As PyTorch's side counts: every convolution and its mirror, three passes, less the image's gradient.
fn gflop(batch: usize) -> f64 {
    let (mut products, mut size) = (0, 32);
    for stage in STAGES {
        for &(i, o, k) in stage {
            products += i * o * k * k * size * size;
        }
        size /= 2;
    }
    let first = 64 * 25 * 32 * 32;
    products += NARROWEST * 10;
    2e-9 * batch as f64 * (2 * 3 * products - first) as f64
}
