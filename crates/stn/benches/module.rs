//! The module as the first layer of a digit classifier: forward pass, and all gradients.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use stn::candle_core::{DType, Device, Result, Tensor};
use stn::candle_nn::Module;
use stn::{
    AffineGrid, AlignCorners, ConvLocalisation, ConvLocalisationConfig, GridGenerator,
    SpatialTransformer,
};
use striate::Parameters;
use striate::rng::stream;

const BATCH: usize = 64;

fn transformer() -> Result<(SpatialTransformer<ConvLocalisation, AffineGrid>, Tensor)> {
    let vb = Parameters::new(1, DType::F32, &Device::Cpu).builder();
    let generator = AffineGrid::new((42, 42), AlignCorners::Yes)?;
    let config = ConvLocalisationConfig::mnist(1, (42, 42));
    let net = ConvLocalisation::new(&config, &generator.identity(), vb.pp("st"))?;
    let mut values = vec![0f32; BATCH * 42 * 42];
    stream(1, "images", 0).fill_normal(&mut values);
    let xs = Tensor::from_vec(values, (BATCH, 1, 42, 42), &Device::Cpu)?;
    Ok((SpatialTransformer::new(net, generator)?, xs))
}

fn bench(c: &mut Criterion) {
    let (transformer, xs) = transformer().expect("the sizes agree");
    let mut group = c.benchmark_group("spatial_transformer");
    group
        .throughput(Throughput::Elements(BATCH as u64))
        .sample_size(20);
    group.bench_function("forward", |b| {
        b.iter(|| black_box(transformer.forward(&xs).expect("forward")))
    });
    group.bench_function("forward_backward", |b| {
        b.iter(|| {
            let loss = transformer
                .forward(&xs)
                .and_then(|ys| ys.sqr()?.sum_all())
                .expect("loss");
            black_box(loss.backward().expect("backward"))
        })
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
