//! Hard and soft pooling with their unpooling, and a training step.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use striate::{Parameters, Rounding};
use swwae::candle_core::{DType, Device, Result, Tensor, Var};
use swwae::{
    DecoderInput, EncoderSide, Labels, LossWeights, Mode, SoftWhatWhere, Swwae, SwwaeConfig,
    SwwaeLoss, WhatWhere,
};

const BATCH: usize = 128;

fn normal(dims: &[usize]) -> Result<Tensor> {
    let mut values = vec![0f32; dims.iter().product()];
    striate::rng::stream(1, "images", 0).fill_normal(&mut values);
    Tensor::from_vec(values, dims, &Device::Cpu)
}

/// Pooling and unpooling of (128, 64, 32, 32), forward and backward.
fn pairs(c: &mut Criterion) -> Result<()> {
    let xs = Var::from_tensor(&normal(&[BATCH, 64, 32, 32])?)?;
    let mut group = c.benchmark_group("pool_2x2_and_unpool_128x64x32x32");
    group
        .throughput(Throughput::Elements(BATCH as u64))
        .sample_size(20);
    let hard = |xs: &Tensor| {
        let pooled = WhatWhere::pool(xs, 2, Rounding::Floor)?;
        pooled.unpool(&pooled.what)
    };
    let soft = |xs: &Tensor| {
        let pooled = SoftWhatWhere::pool(xs, 2, Rounding::Floor, 1.0)?;
        pooled.unpool(&pooled.what)
    };
    let detached = xs.as_detached_tensor();
    group.bench_function("hard_forward", |b| {
        b.iter(|| black_box(hard(&detached).expect("forward")))
    });
    group.bench_function("soft_forward", |b| {
        b.iter(|| black_box(soft(&detached).expect("forward")))
    });
    let backward = |ys: Result<Tensor>| {
        ys.and_then(|ys| ys.sum_all()?.backward())
            .expect("backward")
    };
    group.bench_function("hard_forward_backward", |b| {
        b.iter(|| black_box(backward(hard(&xs))))
    });
    group.bench_function("soft_forward_backward", |b| {
        b.iter(|| black_box(backward(soft(&xs))))
    });
    group.finish();
    Ok(())
}

/// Batch 128 of padded MNIST, decoder from the logits, all terms.
fn step(c: &mut Criterion) -> Result<()> {
    let text = "(64)5c-2p-(64)3c-(64)3c-2p-(128)3c-(128)3c-2p-10fc";
    let architecture = text.parse().expect("the text is an architecture");
    let config = SwwaeConfig {
        decoder_input: DecoderInput::Logits,
        ..SwwaeConfig::new(architecture, 1, (32, 32))
    };
    let network = Swwae::new(
        &config,
        Parameters::new(1, DType::F32, &Device::Cpu).builder(),
    )?;
    let xs = normal(&[BATCH, 1, 32, 32])?;
    let labels: Vec<Option<u32>> = (0..BATCH as u32).map(|i| Some(i % 10)).collect();
    let labels = Labels::partly(&labels);
    let weights = LossWeights {
        l2_rec: 1.0,
        l2_m: 0.2,
    };
    let mut group = c.benchmark_group("swwae_mnist_batch128");
    group
        .throughput(Throughput::Elements(BATCH as u64))
        .sample_size(10);
    group.bench_function("train_step", |b| {
        b.iter(|| {
            let pass = network.pass(&xs, true).expect("forward");
            let loss = SwwaeLoss::new(&pass, &xs, &labels, Mode::Supervised, EncoderSide::Joint);
            let total = loss.and_then(|loss| loss.total(&weights)).expect("loss");
            black_box(total.backward().expect("backward"))
        })
    });
    group.finish();
    Ok(())
}

fn benches(c: &mut Criterion) {
    pairs(c).expect("the pairs run");
    step(c).expect("the architecture is valid");
}

criterion_group!(all, benches);
criterion_main!(all);
