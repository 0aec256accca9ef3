//! Average pooling over windows and over whole maps.
//!
//! `cargo bench -p striate --bench avg_pool2d`; throughput counts each map once, read or written.

mod setup;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use setup::{close, group, normal, wide};
use striate::kernels::PoolShape;
use striate::kernels::avg_pool2d::{Counted, backward, forward, global, global_backward};
use striate::reference::avg_pool2d as reference;
use striate::window::Window2d;

/// Name, channels, size, window.
fn layers() -> [(&'static str, usize, usize, Window2d); 2] {
    [
        ("NIN_16", 192, 16, Window2d::square(2).stride(2)),
        ("NIN_16_3x3", 192, 16, Window2d::square(3).stride(2).ceil()),
    ]
}

fn check(size: usize, window: Window2d) {
    let s = PoolShape::new(3, size, size, window).expect("the window fits");
    let (x, dy) = (normal("x", s.input_len()), normal("dy", s.output_len()));
    let sizes = (size, size);
    let y = reference::forward(3, sizes, &window, true, &wide(&x)).expect("the window fits");
    let dx = reference::backward(3, sizes, &window, true, &wide(&dy)).expect("the window fits");
    close("forward", &forward(&s, Counted::Frame, &x), &y);
    close("backward", &backward(&s, Counted::Frame, &dy), &dx);
    let mean = |plane: &[f64]| plane.iter().sum::<f64>() / plane.len() as f64;
    let means: Vec<f64> = wide(&x).chunks(size * size).map(mean).collect();
    close("global", &global(size * size, &x), &means);
    let plane = size * size;
    let dy = normal("dy of the means", 3);
    let share = |dy: &f64| std::iter::repeat_n(dy / plane as f64, plane);
    let dx: Vec<f64> = wide(&dy).iter().flat_map(share).collect();
    close("global_backward", &global_backward(plane, &dy), &dx);
}

fn bench(c: &mut Criterion) {
    for (name, channels, size, window) in layers() {
        check(size, window);
        let s = PoolShape::new(128 * channels, size, size, window).expect("the window fits");
        let (x, dy) = (normal("x", s.input_len()), normal("dy", s.output_len()));
        let mut group = group(c, format!("avg_pool2d/{name}"), x.len() + dy.len());
        group.bench_function("forward", |b| {
            b.iter(|| forward(&s, Counted::Frame, black_box(&x)));
        });
        group.bench_function("backward", |b| {
            b.iter(|| backward(&s, Counted::Frame, black_box(&dy)));
        });
        group.finish();
    }
    let plane = 8 * 8;
    let (x, dy) = (normal("x", 128 * 192 * plane), normal("dy", 128 * 192));
    let mut group = group(c, "global_avg_pool/NIN_8".to_owned(), x.len());
    group.bench_function("forward", |b| b.iter(|| global(plane, black_box(&x))));
    group.bench_function("backward", |b| {
        b.iter(|| global_backward(plane, black_box(&dy)));
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
