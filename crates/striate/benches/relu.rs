//! ReLU and its gate on the largest maps of All-CNN-C.
//!
//! `cargo bench -p striate --bench relu`; throughput counts each map once, read or written.

mod setup;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use setup::{close, group, normal, wide};
use striate::kernels::ReluRule;
use striate::kernels::relu::{backward, forward};
use striate::reference::relu as reference;

/// A rule and its definition.
type Rule = (&'static str, ReluRule, fn(f64, f64) -> f64);

const RULES: [Rule; 3] = [
    ("backprop", ReluRule::Backprop, reference::backprop),
    ("deconvnet", ReluRule::Deconvnet, reference::deconvnet),
    ("guided", ReluRule::Guided, reference::guided),
];

fn bench(c: &mut Criterion) {
    let len = 128 * 96 * 32 * 32;
    let (x, dy) = (normal("x", len), normal("dy", len));
    let y = forward(&x);
    let few = 1000;
    let expected: Vec<f64> = wide(&x[..few]).into_iter().map(reference::relu).collect();
    close("forward", &y[..few], &expected);
    let mut maps = group(c, "relu/All-CNN-C_32".to_owned(), 2 * len);
    maps.bench_function("forward", |b| b.iter(|| forward(black_box(&x))));
    maps.finish();
    let mut maps = group(c, "relu/All-CNN-C_32/backward".to_owned(), 3 * len);
    for (name, rule, definition) in RULES {
        let pairs = x.iter().zip(&dy).take(few);
        let expected: Vec<f64> = pairs
            .map(|(&x, &g)| definition(f64::from(x), f64::from(g)))
            .collect();
        close(name, &backward(rule, &y, &dy)[..few], &expected);
        maps.bench_function(name, |b| b.iter(|| backward(rule, black_box(&y), &dy)));
    }
    maps.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
