//! Nearest-neighbor upsampling, as an unpooling without switches uses it.
//!
//! `cargo bench -p striate --bench upsample`; throughput counts each map once, read or written.

mod setup;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use setup::{close, group, normal, wide};
use striate::kernels::upsample::{UpsampleShape, backward, forward};
use striate::reference::upsample as reference;

/// Name, channels, input size.
const LAYERS: [(&str, usize, usize); 2] = [("SWWAE_16", 64, 16), ("SWWAE_4", 128, 4)];

fn bench(c: &mut Criterion) {
    for (name, channels, size) in LAYERS {
        let shape = |planes| UpsampleShape::new(planes, size, size, (2, 2)).expect("the sizes fit");
        let (x, dy) = (normal("x", 3 * size * size), normal("dy", 12 * size * size));
        let (sizes, factor) = ((size, size), (2, 2));
        let y = reference::upsample_nearest2d(3, sizes, factor, &wide(&x));
        let dx = reference::upsample_nearest2d_backward(3, sizes, factor, &wide(&dy));
        close("forward", &forward(&shape(3), &x), &y);
        close("backward", &backward(&shape(3), &dy), &dx);

        let s = shape(128 * channels);
        let x = normal("x", 128 * channels * size * size);
        let dy = normal("dy", 4 * x.len());
        let mut group = group(c, format!("upsample/{name}"), 5 * x.len());
        group.bench_function("forward", |b| b.iter(|| forward(&s, black_box(&x))));
        group.bench_function("backward", |b| b.iter(|| backward(&s, black_box(&dy))));
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
