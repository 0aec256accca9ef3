//! All-CNN-C on CIFAR-sized images: forward pass and training step.

use std::hint::black_box;

use allconv::candle_core::{DType, Device, Result, Tensor};
use allconv::candle_nn::ModuleT;
use allconv::{AllConv, Config};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use striate::{Parameters, cross_entropy};

const BATCH: usize = 32;

fn network() -> Result<(AllConv, Tensor, Tensor)> {
    let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
    let network = AllConv::new(&Config::all_cnn_c(), parameters.builder())?;
    let mut values = vec![0f32; BATCH * 3 * 32 * 32];
    striate::rng::stream(1, "images", 0).fill_normal(&mut values);
    let xs = Tensor::from_vec(values, (BATCH, 3, 32, 32), &Device::Cpu)?;
    let labels: Vec<u32> = (0..BATCH as u32).map(|i| i % 10).collect();
    Ok((network, xs, Tensor::new(labels, &Device::Cpu)?))
}

fn bench(c: &mut Criterion) {
    let (network, xs, labels) = network().expect("the preset is valid");
    let mut group = c.benchmark_group("all_cnn_c");
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
}

criterion_group!(benches, bench);
criterion_main!(benches);
