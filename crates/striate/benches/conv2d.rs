//! Convolution layers of the four papers: forward pass, input gradient, weight gradient.
//!
//! `cargo bench -p striate --bench conv2d [-- FILTER]`, for example `-- L2` or `-- forward`.
//! Throughput is counted in the multiplications and additions of the definition, so `Gelem/s` reads GFLOP/s,
//! for Winograd too, which needs fewer.
//! `STRIATE_SIMD` and `RAYON_NUM_THREADS` are obeyed.
//! Every pass is checked against the reference on one image before it is timed.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use striate::kernels::conv2d::{Algorithm, ConvShape, backward_input, backward_weight, forward};
use striate::kernels::level::Level;
use striate::reference::conv2d::{self as reference, Sizes};
use striate::rng;
use striate::window::{Rounding, Window2d};

/// Images in a batch, as in the papers.
const BATCH: usize = 128;

/// Name, input channels, output channels, kernel, stride, padding, input size.
type Layer = (&'static str, usize, usize, usize, usize, usize, usize);

const LAYERS: [Layer; 16] = [
    // All-CNN-C.
    ("L1", 3, 96, 3, 1, 1, 32),
    ("L2", 96, 96, 3, 1, 1, 32),
    ("L3", 96, 96, 3, 2, 1, 32),
    ("L4", 96, 192, 3, 1, 1, 16),
    ("L5", 192, 192, 3, 1, 1, 16),
    ("L6", 192, 192, 3, 2, 1, 16),
    ("L7", 192, 192, 3, 1, 0, 8),
    ("L8", 192, 192, 1, 1, 0, 6),
    ("L9", 192, 10, 1, 1, 0, 6),
    // Network In Network.
    ("N1", 3, 192, 5, 1, 2, 32),
    ("N2", 192, 160, 1, 1, 0, 32),
    ("N3", 160, 96, 1, 1, 0, 32),
    ("N4", 96, 192, 5, 1, 2, 16),
    // SWWAE.
    ("S1", 64, 64, 3, 1, 1, 16),
    ("S2", 64, 128, 3, 1, 1, 8),
    ("S3", 128, 128, 3, 1, 1, 8),
];

fn shape(layer: Layer, n: usize) -> ConvShape {
    let (_, c_in, c_out, k, stride, padding, size) = layer;
    ConvShape {
        n,
        c_in,
        h: size,
        w: size,
        c_out,
        kh: k,
        kw: k,
        stride: (stride, stride),
        padding: (padding, padding),
        dilation: (1, 1),
        groups: 1,
    }
}

/// Standard normal numbers times `scale`.
fn normal(name: &str, len: usize, scale: f32) -> Vec<f32> {
    let mut values = vec![0.0; len];
    rng::stream(0, name, 0).fill_normal(&mut values);
    values.iter_mut().for_each(|value| *value *= scale);
    values
}

/// Operands as in training: x after a ReLU, weights by He's rule.
struct Operands {
    x: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    dy: Vec<f32>,
}

impl Operands {
    fn new(s: &ConvShape) -> Self {
        let fan_in = s.c_in * s.kh * s.kw;
        Self {
            x: normal("x", s.x_len(), 1.0)
                .into_iter()
                .map(|value| value.max(0.0))
                .collect(),
            weight: normal("weight", s.weight_len(), (2.0 / fan_in as f32).sqrt()),
            bias: normal("bias", s.c_out, 0.1),
            dy: normal("dy", s.y_len(), 1.0),
        }
    }
}

/// Panics unless all passes agree with the reference within 1e-4 of its largest value.
fn check(level: Level, algorithm: Algorithm, layer: Layer) {
    let s = shape(layer, 1);
    let sizes = Sizes {
        input: (s.n, s.c_in, s.h, s.w),
        c_out: s.c_out,
        window: Window2d {
            size: (s.kh, s.kw),
            stride: s.stride,
            padding: s.padding,
            dilation: s.dilation,
            rounding: Rounding::Floor,
        },
        groups: s.groups,
    };
    let o = Operands::new(&s);
    let wide = |values: &[f32]| {
        values
            .iter()
            .map(|&value| f64::from(value))
            .collect::<Vec<_>>()
    };
    let (x, weight, bias, dy) = (wide(&o.x), wide(&o.weight), wide(&o.bias), wide(&o.dy));
    let close = |pass: &str, got: Vec<f32>, wanted: candle_core::Result<Vec<f64>>| {
        let wanted = wanted.expect("the layers are valid");
        let largest = wanted
            .iter()
            .fold(0.0, |max: f64, value| max.max(value.abs()));
        for (got, wanted) in got.iter().zip(&wanted) {
            let error = (f64::from(*got) - wanted).abs() / largest;
            assert!(error < 1e-4, "{} {pass}: {got}, wanted {wanted}", layer.0);
        }
    };
    let y = reference::forward(&sizes, &x, &weight, Some(&bias))
        .map(|y| y.into_iter().map(|value| value.max(0.0)).collect());
    close(
        "forward",
        forward(level, algorithm, &s, &o.x, &o.weight, Some(&o.bias), true),
        y,
    );
    let dx = reference::backward_input(&sizes, &dy, &weight);
    close(
        "backward_input",
        backward_input(level, algorithm, &s, &o.dy, &o.weight),
        dx,
    );
    let dweight = reference::backward_weight(&sizes, &x, &dy);
    close(
        "backward_weight",
        backward_weight(level, algorithm, &s, &o.x, &o.dy),
        dweight,
    );
}

fn layers(c: &mut Criterion) {
    let level = Level::current().expect("STRIATE_SIMD names a level of this CPU");
    for (name, algorithm) in [("direct", Algorithm::Direct), ("auto", Algorithm::Auto)] {
        for layer in LAYERS {
            let s = shape(layer, BATCH);
            let o = Operands::new(&s);
            check(level, algorithm, layer);
            let mut group = c.benchmark_group(format!("conv2d/{name}/{}", layer.0));
            group
                .sampling_mode(SamplingMode::Flat)
                .sample_size(10)
                .warm_up_time(Duration::from_millis(200))
                .measurement_time(Duration::from_millis(600))
                .throughput(Throughput::Elements(2 * s.multiply_adds() as u64));
            group.bench_function("forward", |b| {
                b.iter(|| {
                    forward(
                        level,
                        algorithm,
                        &s,
                        black_box(&o.x),
                        &o.weight,
                        Some(&o.bias),
                        true,
                    )
                });
            });
            group.bench_function("backward_input", |b| {
                b.iter(|| backward_input(level, algorithm, &s, black_box(&o.dy), &o.weight));
            });
            group.bench_function("backward_weight", |b| {
                b.iter(|| backward_weight(level, algorithm, &s, black_box(&o.x), &o.dy));
            });
            group.finish();
        }
    }
}

criterion_group!(benches, layers);
criterion_main!(benches);
