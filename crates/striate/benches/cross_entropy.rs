//! Cross entropy of a batch: ten and a thousand classes.
//!
//! `cargo bench -p striate --bench cross_entropy`; throughput counts the logits once, read or written.

mod setup;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use setup::{close, group, normal, wide};
use striate::kernels::cross_entropy::{backward, forward};
use striate::reference::cross_entropy as reference;

/// Name and number of classes.
const LAYERS: [(&str, usize); 2] = [("CIFAR-10", 10), ("ImageNet", 1000)];

fn bench(c: &mut Criterion) {
    for (name, classes) in LAYERS {
        let logits = normal("logits", 128 * classes);
        let labels: Vec<u32> = (0..128).map(|row| row * 7 % classes as u32).collect();
        let (loss, gradient) = reference::cross_entropy(classes, &wide(&logits), &labels);
        close("loss", &[forward(classes, &logits, &labels)], &[loss]);
        let dz = backward(classes, &logits, &labels, 1.0);
        close("gradient", &dz, &gradient);

        let mut group = group(c, format!("cross_entropy/{name}"), logits.len());
        group.bench_function("forward", |b| {
            b.iter(|| forward(classes, black_box(&logits), &labels));
        });
        group.bench_function("backward", |b| {
            b.iter(|| backward(classes, black_box(&logits), &labels, 1.0));
        });
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
