//! Unpooling of the what-where auto-encoder.
//!
//! `cargo bench -p striate --bench max_unpool2d`; throughput counts each map once, read or written.

mod setup;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use setup::{close, group, normal, wide};
use striate::kernels::PoolShape;
use striate::kernels::max_pool2d::forward_with_positions;
use striate::kernels::unpool::{UnpoolShape, backward, forward};
use striate::reference::max_pool2d as reference;
use striate::window::Window2d;

/// Name, channels, size of the unpooled maps.
const LAYERS: [(&str, usize, usize); 3] = [
    ("SWWAE_32", 64, 32),
    ("SWWAE_16", 64, 16),
    ("SWWAE_8", 128, 8),
];

/// Sizes, values, positions and output gradients of `planes` maps.
fn case(planes: usize, size: usize) -> (UnpoolShape, Vec<f32>, Vec<u32>, Vec<f32>) {
    let window = Window2d::square(2).stride(2);
    let pool = PoolShape::new(planes, size, size, window).expect("the window fits");
    let (x, at) = forward_with_positions(&pool, &normal("x", pool.input_len()));
    let (ho, wo) = pool.output_size();
    let s = UnpoolShape::new(planes, ho * wo, (size, size), (size, size)).expect("the sizes fit");
    (s, x, at, normal("dy", pool.input_len()))
}

fn bench(c: &mut Criterion) {
    for (name, channels, size) in LAYERS {
        let (s, x, at, dy) = case(3, size);
        let y = reference::unpool(3, size * size, &at, &wide(&x));
        close(
            "forward",
            &forward(&s, &x, &at).expect("positions are inside"),
            &y,
        );
        let dx = reference::unpool_backward(3, size * size, &at, &wide(&dy));
        close("backward", &backward(&s, &at, &dy), &dx);

        let (s, x, at, dy) = case(128 * channels, size);
        let mut group = group(c, format!("max_unpool2d/{name}"), dy.len() + 2 * x.len());
        group.bench_function("forward", |b| b.iter(|| forward(&s, black_box(&x), &at)));
        group.bench_function("backward", |b| b.iter(|| backward(&s, black_box(&at), &dy)));
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
