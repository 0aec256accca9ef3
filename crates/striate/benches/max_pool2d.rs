//! Max pooling of the four papers: values, values with positions, both ways back.
//!
//! `cargo bench -p striate --bench max_pool2d`; throughput counts each map once, read or written.

mod setup;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use setup::{close, group, normal, wide};
use striate::kernels::PoolShape;
use striate::kernels::max_pool2d::{
    backward, backward_from_input, forward, forward_with_positions,
};
use striate::reference::max_pool2d as reference;
use striate::window::Window2d;

/// Name, channels, size, window.
fn layers() -> [(&'static str, usize, usize, Window2d); 4] {
    let overlapping = Window2d::square(3).stride(2);
    let blocks = Window2d::square(2).stride(2);
    [
        ("ConvPool_32", 96, 32, overlapping),
        ("NIN_32", 96, 32, overlapping.ceil()),
        ("SWWAE_32", 64, 32, blocks),
        ("STN_14", 32, 14, blocks),
    ]
}

fn check(size: usize, window: Window2d) {
    let s = PoolShape::new(3, size, size, window).expect("the window fits");
    let (x, dy) = (normal("x", s.input_len()), normal("dy", s.output_len()));
    let (y, at) = reference::forward(3, (size, size), &window, &wide(&x)).expect("the window fits");
    let dx = reference::unpool(3, size * size, &at, &wide(&dy));
    let (got, got_at) = forward_with_positions(&s, &x);
    assert_eq!(got_at, at);
    close("with positions", &got, &y);
    close("values", &forward(&s, &x), &y);
    close("backward", &backward(&s, &at, &dy), &dx);
    close("from input", &backward_from_input(&s, &x, &dy), &dx);
}

fn bench(c: &mut Criterion) {
    for (name, channels, size, window) in layers() {
        check(size, window);
        let s = PoolShape::new(128 * channels, size, size, window).expect("the window fits");
        let (x, dy) = (normal("x", s.input_len()), normal("dy", s.output_len()));
        let at = forward_with_positions(&s, &x).1;
        let (from, to) = (s.input_len(), s.output_len());
        let mut values = group(c, format!("max_pool2d/{name}/forward"), from + to);
        values.bench_function("values", |b| b.iter(|| forward(&s, black_box(&x))));
        values.bench_function("positions", |b| {
            b.iter(|| forward_with_positions(&s, black_box(&x)));
        });
        values.finish();
        let mut gradients = group(c, format!("max_pool2d/{name}/backward"), from + to);
        gradients.bench_function("positions", |b| {
            b.iter(|| backward(&s, black_box(&at), &dy));
        });
        gradients.bench_function("input", |b| {
            b.iter(|| backward_from_input(&s, black_box(&x), &dy));
        });
        gradients.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
