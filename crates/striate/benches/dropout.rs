//! Dropout of elements and of whole maps.
//!
//! `cargo bench -p striate --bench dropout`; throughput counts each map once, read or written.

mod setup;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use setup::{close, group, normal, wide};
use striate::kernels::dropout::{elements, planes};
use striate::reference::dropout as reference;
use striate::rng;

/// Name, numbers in the maps, cells of a map.
const LAYERS: [(&str, usize, usize); 2] = [
    ("All-CNN-C_16", 128 * 96 * 16 * 16, 16 * 16),
    ("NIN_8", 128 * 192 * 8 * 8, 8 * 8),
];

fn bench(c: &mut Criterion) {
    let stream = rng::stream(3, "dropout", 1);
    let key = stream.key();
    for (name, len, plane) in LAYERS {
        let x = normal("x", len);
        let few = 16 * plane;
        let start = wide(&x[..few]);
        let scaled = |(&x, kept): (&f64, bool)| if kept { x * 2.0 } else { 0.0 };
        let kept = reference::kept(&stream, 0.5, few);
        let wanted: Vec<f64> = start.iter().zip(kept).map(scaled).collect();
        close("elements", &elements(&key, 0.5, &x)[..few], &wanted);
        let kept = reference::kept(&stream, 0.5, 16);
        let kept = kept.into_iter().flat_map(|kept| vec![kept; plane]);
        let wanted: Vec<f64> = start.iter().zip(kept).map(scaled).collect();
        close("planes", &planes(&key, 0.5, plane, &x)[..few], &wanted);

        let mut group = group(c, format!("dropout/{name}"), 2 * len);
        group.bench_function("elements", |b| {
            b.iter(|| elements(&key, 0.5, black_box(&x)));
        });
        group.bench_function("planes", |b| {
            b.iter(|| planes(&key, 0.5, plane, black_box(&x)));
        });
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
