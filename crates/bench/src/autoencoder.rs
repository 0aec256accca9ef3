//! W5: a training step of a stacked what-where auto-encoder on padded digits.
//!
//! (64)5c-2p-(64)3c-(64)3c-2p-(128)3c-(128)3c-2p-10fc of the crate `swwae` on 1x32x32, and the mirror,
//! unpooling by the switches, from the logits;
//! cross entropy + reconstruction + 0.2 * (sum of the intermediate reconstructions).

use anyhow::{Context, Result};
use candle_core::{DType, Tensor};
use candle_nn::VarBuilder;
use striate::layer_list::LayerSpec;
use swwae::{DecoderInput, EncoderSide, Labels, LossWeights, Mode, Swwae, SwwaeConfig, SwwaeLoss};

use crate::draw;
use crate::parameters::{Parameters, close};
use crate::work::{Case, Options, Work};

const ARCHITECTURE: &str = "(64)5c-2p-(64)3c-(64)3c-2p-(128)3c-(128)3c-2p-10fc";

const WEIGHTS: LossWeights = LossWeights {
    l2_rec: 1.0,
    l2_m: 0.2,
};

fn config() -> Result<SwwaeConfig> {
    Ok(SwwaeConfig {
        decoder_input: DecoderInput::Logits,
        ..SwwaeConfig::new(ARCHITECTURE.parse()?, 1, (32, 32))
    })
}

/// Encoder and decoder stage by stage, the decoder's in the order of use, then the fully connected layers.
fn names() -> Vec<String> {
    let encoder = [1, 2, 3, 4, 5].map(|i| format!("encoder.conv{i}"));
    let decoder = [1, 3, 2, 5, 4].map(|i| format!("decoder.conv{i}"));
    let dense = ["classifier.fc1", "decoder.fc1"].map(String::from);
    [&encoder[..], &decoder[..], &dense[..]].concat()
}

fn network(dtype: DType) -> Result<(Swwae, Parameters)> {
    let config = config()?;
    Parameters::fill(dtype, &names(), |vb: VarBuilder| Swwae::new(&config, vb))
}

/// W5.
pub(crate) fn swwae(options: &Options) -> Result<Work> {
    let (network, mut parameters) = network(DType::F32)?;
    let data = Data::new(options.batch)?;
    let gflop = gflop(&config()?, options.batch)?;
    let step = move || {
        let loss = data.loss(&network)?;
        parameters.step(&loss.backward()?)?;
        Ok(f64::from(loss.to_scalar::<f32>()?))
    };
    Ok(Work {
        check: Box::new(check),
        cases: vec![Case {
            name: "step".to_owned(),
            gflop,
            inner: 1,
            run: Box::new(step),
        }],
    })
}

struct Data {
    images: Tensor,
    labels: Labels,
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
            labels: Labels::all(&draw::labels(1001, 10, batch)?)?,
        })
    }

    fn loss(&self, network: &Swwae) -> Result<Tensor> {
        let pass = network.pass(&self.images, true)?;
        let (mode, side) = (Mode::Supervised, EncoderSide::Joint);
        let loss = SwwaeLoss::new(&pass, &self.images, &self.labels, mode, side)?;
        Ok(loss.total(&WEIGHTS)?)
    }
}

/// Loss and gradients in f32 against those in f64.
fn check() -> Result<()> {
    let mut data = Data::new(2)?;
    let (own, parameters) = network(DType::F32)?;
    let loss = data.loss(&own)?;
    data.images = data.images.to_dtype(DType::F64)?;
    let (judge, judge_parameters) = network(DType::F64)?;
    let wanted = data.loss(&judge)?;
    close((&loss, &parameters), (&wanted, &judge_parameters))
}

/// As PyTorch's side counts: every layer and its mirror, three passes, less the image's gradient.
fn gflop(config: &SwwaeConfig, batch: usize) -> Result<f64> {
    let mut input = (config.in_channels, config.image_size.0, config.image_size.1);
    let mut products = Vec::new();
    for (layer, shape) in config.layers().iter().zip(config.output_shapes()?) {
        match layer {
            LayerSpec::Conv { window, .. } => {
                products.push(input.0 * window.size.0 * window.size.1 * shape.0 * shape.1 * shape.2)
            }
            LayerSpec::Linear { units, .. } => products.push(input.0 * input.1 * input.2 * units),
            _ => {}
        }
        input = shape;
    }
    let first = products.first().context("the network has no layers")?;
    let sum: usize = products.iter().sum();
    Ok(2e-9 * batch as f64 * (2 * 3 * sum - first) as f64)
}
