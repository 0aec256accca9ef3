//! One mlpconv layer, the head, and the CIFAR-10 network: forward pass and training step.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nin::candle_core::{DType, Device, Result, Tensor, Var};
use nin::candle_nn::{Module, ModuleT};
use nin::{MlpConvConfig, Nin, NinConfig, mlpconv};
use striate::{Parameters, cross_entropy, global_avg_pool};

const BATCH: usize = 128;

fn normal(dims: &[usize]) -> Result<Tensor> {
    let mut values = vec![0f32; dims.iter().product()];
    striate::rng::stream(1, "images", 0).fill_normal(&mut values);
    Tensor::from_vec(values, dims, &Device::Cpu)
}

/// The second block of the CIFAR-10 network: forward and backward.
fn block(c: &mut Criterion) -> Result<()> {
    let vb = Parameters::new(1, DType::F32, &Device::Cpu).builder();
    let layer = mlpconv(96, &MlpConvConfig::same(5, &[192, 192, 192]), vb)?;
    let xs = Var::from_tensor(&normal(&[BATCH, 96, 16, 16])?)?;
    let mut group = c.benchmark_group("mlpconv_5x5_192_192_192_on_16x16");
    group
        .throughput(Throughput::Elements(BATCH as u64))
        .sample_size(10);
    group.bench_function("forward", |b| {
        b.iter(|| black_box(layer.forward(&xs).expect("forward")))
    });
    group.bench_function("forward_backward", |b| {
        b.iter(|| {
            let ys = layer.forward(&xs).expect("forward");
            black_box(
                ys.sum_all()
                    .and_then(|sum| sum.backward())
                    .expect("backward"),
            )
        })
    });
    group.finish();
    Ok(())
}

fn head(c: &mut Criterion) -> Result<()> {
    let maps = Var::from_tensor(&normal(&[BATCH, 10, 8, 8])?)?;
    c.bench_function("global_avg_pool_10x8x8/forward_backward", |b| {
        b.iter(|| {
            let ys = global_avg_pool(&maps).expect("forward");
            black_box(
                ys.sum_all()
                    .and_then(|sum| sum.backward())
                    .expect("backward"),
            )
        })
    });
    Ok(())
}

fn network(c: &mut Criterion) -> Result<()> {
    let vb = Parameters::new(1, DType::F32, &Device::Cpu).builder();
    let network = Nin::new(&NinConfig::cifar10(), vb)?;
    let xs = normal(&[BATCH, 3, 32, 32])?;
    let labels: Vec<u32> = (0..BATCH as u32).map(|i| i % 10).collect();
    let labels = Tensor::new(labels, &Device::Cpu)?;
    let mut group = c.benchmark_group("nin_cifar10_batch128");
    group
        .throughput(Throughput::Elements(BATCH as u64))
        .sample_size(10);
    group.bench_function("forward", |b| {
        b.iter(|| black_box(network.forward(&xs).expect("forward")))
    });
    group.bench_function("train_step", |b| {
        b.iter(|| {
            let logits = network.forward_t(&xs, true).expect("forward");
            let loss = cross_entropy(&logits, &labels).expect("loss");
            black_box(loss.backward().expect("backward"))
        })
    });
    group.finish();
    Ok(())
}

fn benches(c: &mut Criterion) {
    head(c).expect("the head runs");
    block(c).expect("the block runs");
    network(c).expect("the preset is valid");
}

criterion_group!(all, benches);
criterion_main!(all);
