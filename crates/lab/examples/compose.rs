//! One network with the ideas of all four papers, trained on a few hundred labels:
//! `cargo run --release -p lab --example compose`.
//!
//! `cargo xtask reproduce components` measures what each of them buys.

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use allconv::candle_core::{DType, Device, Result, Tensor};
use allconv::candle_nn::{AdamW, Module, Optimizer, ParamsAdamW, VarBuilder};
use lab::data::{Augment, Batches, Distortion, FloatSet, Mix, Preprocess, Source, Synthetic, load};
use nin::{MlpConv, MlpConvConfig, mlpconv};
use stn::{AffineGrid, AlignCorners, ConvLocalisation, ConvLocalisationConfig};
use stn::{GridGenerator, SpatialTransformer};
use striate::layers::{Conv2d, conv2d};
use striate::{Activation, Conv2dOptions, Parameters, Rounding, cross_entropy, global_avg_pool};
use swwae::WhatWhere;
use swwae::upsample::copy_unpool2d;

/// Side of the pictures: a digit of 28 pixels, turned, scaled and put somewhere.
const SIDE: usize = 42;

struct Composed {
    transformer: SpatialTransformer<ConvLocalisation, AffineGrid>,
    mlpconv: MlpConv,
    strided: Conv2d,
    class_maps: Conv2d,
    decode_maps: Conv2d,
    decode_image: Conv2d,
}

impl Composed {
    fn new(vb: VarBuilder) -> Result<Self> {
        let generator = AffineGrid::new((SIDE, SIDE), AlignCorners::Yes)?;
        let net = ConvLocalisationConfig::mnist(1, (SIDE, SIDE));
        let net = ConvLocalisation::new(&net, &generator.identity(), vb.pp("st"))?;
        let options = |stride, activation| Conv2dOptions {
            stride: (stride, stride),
            padding: (1, 1),
            activation,
            ..Default::default()
        };
        let relu = |stride| options(stride, Activation::Relu);
        let last = options(1, Activation::Identity);
        Ok(Self {
            transformer: SpatialTransformer::new(net, generator)?.gradient_scale(0.5),
            mlpconv: mlpconv(1, &MlpConvConfig::same(5, &[16, 16]), vb.pp("mlpconv"))?,
            strided: conv2d(16, 32, 3, relu(2), vb.pp("strided"))?,
            class_maps: conv2d(32, 10, 1, Conv2dOptions::default(), vb.pp("class_maps"))?,
            decode_maps: conv2d(32, 16, 3, relu(1), vb.pp("decode_maps"))?,
            decode_image: conv2d(16, 1, 3, last, vb.pp("decode_image"))?,
        })
    }

    /// Class scores, and the mean square of what the decoder misses.
    fn pass(&self, xs: &Tensor) -> Result<(Tensor, Tensor)> {
        // STN: the network chooses where to look.
        let seen = self.transformer.forward(xs)?;
        // NIN: a perceptron at every place. What-where: each maximum, and where it was.
        let pooled = WhatWhere::pool(&self.mlpconv.forward(&seen)?, 2, Rounding::Floor)?;
        // All-CNN: a stride in the place of the second pooling.
        let maps = self.strided.forward(&pooled.what)?;
        // NIN: the mean of each class map is its score.
        let scores = global_avg_pool(&self.class_maps.forward(&maps)?)?;
        // What-where: back to the image, every maximum where it was.
        let half = (SIDE / 2, SIDE / 2);
        let what = self.decode_maps.forward(&copy_unpool2d(&maps, 2, half)?)?;
        let image = self.decode_image.forward(&pooled.unpool(&what)?)?;
        Ok((scores, (image - seen.detach())?.sqr()?.mean_all()?))
    }
}

type Failure = Box<dyn std::error::Error>;

fn main() -> std::result::Result<(), Failure> {
    let (before, after) = train(20)?;
    println!("wrong before training: {before:.1} %, after: {after:.1} %");
    Ok(())
}

/// Trains on 500 labels and on images without one, 32 of each in a batch; gives the test error before and after, in percent.
fn train(epochs: u64) -> std::result::Result<(f64, f64), Failure> {
    let data = load("mnist", &Source::Embedded)?;
    let unit = Preprocess::UnitRange.fit(&data.train)?;
    let digits = (unit.apply(&data.train)?, unit.apply(&data.test)?);
    let scene = Synthetic::Distorted {
        distortion: Distortion::RotatedScaledPlaced,
        canvas: SIDE,
    };
    let (train, test) = scene.apply(digits)?;
    let train = train.with_labels_of(&Vec::from_iter(0..500))?;
    let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
    let network = Composed::new(parameters.builder())?;
    let before = error(&network, &test)?;
    let mut optimizer = AdamW::new(parameters.all_vars(), ParamsAdamW::default())?;
    for epoch in 0..epochs {
        // Falls to nothing.
        optimizer.set_learning_rate(0.003 * (1.0 - epoch as f64 / epochs as f64));
        let mix = Mix {
            labelled: 32,
            unlabelled: 32,
        };
        for batch in Batches::mixed(&train, mix, &Augment::NONE, 1, epoch, &Device::Cpu)? {
            let batch = batch?;
            let (scores, missed) = network.pass(&batch.xs)?;
            let (rows, classes) = batch.labelled()?;
            let nll = cross_entropy(&scores.index_select(&rows, 0)?, &classes)?;
            optimizer.backward_step(&(nll + missed)?)?;
        }
    }
    Ok((before, error(&network, &test)?))
}

/// The share of `set` that is classified wrong, in percent.
fn error(network: &Composed, set: &FloatSet) -> std::result::Result<f64, Failure> {
    let mut wrong = 0;
    for batch in Batches::eval(set, 200, &Device::Cpu)? {
        let batch = batch?;
        let answers = network.pass(&batch.xs)?.0.argmax(1)?.to_vec1::<u32>()?;
        let labels = batch.labels.to_vec1::<u32>()?;
        wrong += answers.iter().zip(&labels).filter(|(a, b)| a != b).count();
    }
    Ok(100.0 * wrong as f64 / set.len() as f64)
}

/// Whatever its start, two passes teach it something.
#[test]
fn it_learns() -> std::result::Result<(), Failure> {
    let (before, after) = train(2)?;
    assert!(before > 80.0 && after < before - 10.0, "{before} {after}");
    Ok(())
}
