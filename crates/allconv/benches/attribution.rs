//! What a picture of each method costs: All-CNN-C and base model C on CIFAR-sized images.

use std::hint::black_box;

use allconv::attribution::{Attribution, Deconvnet, Gradient, GuidedBackprop, Target};
use allconv::candle_core::{DType, Device, Result, Tensor};
use allconv::{AllConv, Config};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use striate::Parameters;

const BATCH: usize = 16;

fn network(config: &Config) -> Result<(AllConv, Tensor)> {
    let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
    let network = AllConv::new(config, parameters.builder())?;
    let mut values = vec![0f32; BATCH * 3 * 32 * 32];
    striate::rng::stream(1, "images", 0).fill_normal(&mut values);
    let xs = Tensor::from_vec(values, (BATCH, 3, 32, 32), &Device::Cpu)?;
    Ok((network, xs))
}

fn bench(c: &mut Criterion) {
    for config in [Config::all_cnn_c(), Config::base_c()] {
        let (network, xs) = network(&config).expect("the preset is valid");
        let target = Target::class(3);
        let methods: [(&str, &dyn Attribution); 3] = [
            ("gradient", &Gradient::new(&network)),
            ("deconvnet", &Deconvnet::new(&network)),
            ("guided_backprop", &GuidedBackprop::new(&network)),
        ];
        let mut group = c.benchmark_group(format!("attribution_{}", config.architecture));
        group
            .throughput(Throughput::Elements(BATCH as u64))
            .sample_size(10);
        for (name, method) in methods {
            group.bench_function(name, |b| {
                b.iter(|| black_box(method.attribute(&xs, &target).expect("a picture")))
            });
        }
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
