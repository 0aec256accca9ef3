//! The sampler: forward and backward in every layout that serves, on the three shapes of the comparison with PyTorch.
//!
//! `cargo bench -p striate-stn --bench grid_sample [-- FILTER]`, for example `-- many_channels` or `-- bicubic`.
//! `STRIATE_SIMD` and `RAYON_NUM_THREADS` are obeyed.
//! The bilinear result is checked against the reference at some points before it is timed.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use stn::candle_core::{Device, Result, Tensor};
use stn::kernels::bilinear::{ChannelLayout, backward, forward};
use stn::kernels::{NeedsGrad, SampleShape};
use stn::reference::sampler::{ReferenceMap, bilinear, sample};
use stn::{
    AffineGrid, AlignCorners, GridGenerator, GridSampleOptions, Interpolation, PaddingMode,
    SamplingGrid, grid_sample,
};
use striate::kernels::level::Level;
use striate::rng::stream;

/// Name and (N, C, H, W).
const SHAPES: [(&str, [usize; 4]); 3] = [
    ("small", [256, 1, 28, 28]),
    ("many_channels", [64, 32, 64, 64]),
    ("large", [1, 3, 1080, 1920]),
];

/// Every image turned and scaled a little differently, so that some points fall outside.
fn grid([n, _, h, w]: [usize; 4]) -> Result<SamplingGrid> {
    let theta: Vec<f32> = (0..n)
        .flat_map(|image| {
            let share = image as f32 / (n.max(2) - 1) as f32;
            let (angle, scale) = (share - 0.5, 0.8 + 0.4 * share);
            let (sin, cos) = angle.sin_cos();
            [
                scale * cos,
                -scale * sin,
                0.1,
                scale * sin,
                scale * cos,
                -0.1,
            ]
        })
        .collect();
    AffineGrid::new((h, w), AlignCorners::No)?.grid(&Tensor::from_vec(theta, (n, 6), &Device::Cpu)?)
}

fn normal(name: &str, len: usize) -> Vec<f32> {
    let mut values = vec![0f32; len];
    stream(1, name, 0).fill_normal(&mut values);
    values
}

/// Compares some points of the first map with equation 3.
fn check([_, _, h, w]: [usize; 4], grid: &SamplingGrid, x: &[f32], coords: &[f32], y: &[f32]) {
    let values: Vec<f64> = x[..h * w].iter().map(|&x| f64::from(x)).collect();
    let map = ReferenceMap {
        values: &values,
        size: [h, w],
        align_corners: grid.align_corners,
        padding: PaddingMode::Zeros,
    };
    for point in (0..h * w).step_by(h * w / 50) {
        let at = [coords[2 * point], coords[2 * point + 1]].map(f64::from);
        let expected = sample(&map, &bilinear(), at).expect("a valid map").value;
        assert!(
            (f64::from(y[point]) - expected).abs() < 1e-3,
            "point {point}: {} {expected}",
            y[point]
        );
    }
}

fn bench(c: &mut Criterion) {
    let level = Level::current().expect("a level of this CPU");
    for (name, dims) in SHAPES {
        let [n, c_in, h, w] = dims;
        let grid = grid(dims).expect("the grid is valid");
        let coords: Vec<f32> = grid
            .coords
            .flatten_all()
            .and_then(|t| t.to_vec1())
            .expect("f32");
        let x = normal("x", dims.iter().product());
        let dy = normal("dy", x.len());
        let zeros = PaddingMode::Zeros;
        let shape = SampleShape::new((n, c_in), [h, w], h * w, grid.align_corners, zeros)
            .expect("the sizes fit");
        let needs = NeedsGrad {
            input: true,
            grid: true,
        };
        let mut group = c.benchmark_group(format!("grid_sample/{name}"));
        group
            .sample_size(10)
            .sampling_mode(SamplingMode::Flat)
            .measurement_time(Duration::from_secs(2));
        group.throughput(Throughput::Elements((n * h * w) as u64));
        for layout in ChannelLayout::all(&shape) {
            let y = forward(level, layout, &shape, &x, &coords).expect("forward");
            check(dims, &grid, &x, &coords, &y);
            group.bench_function(format!("{layout:?}/forward"), |b| {
                b.iter(|| black_box(forward(level, layout, &shape, &x, &coords)))
            });
            let slices = [&x[..], &coords, &dy];
            group.bench_function(format!("{layout:?}/backward"), |b| {
                b.iter(|| black_box(backward(level, layout, &shape, slices, needs)))
            });
        }
        let xs = Tensor::from_vec(x, dims.to_vec(), &Device::Cpu).expect("xs");
        for (kind, interpolation) in [
            ("nearest", Interpolation::Nearest),
            ("bicubic", Interpolation::Bicubic),
        ] {
            let options = GridSampleOptions {
                interpolation,
                ..Default::default()
            };
            group.bench_function(format!("{kind}/forward"), |b| {
                b.iter(|| black_box(grid_sample(&xs, &grid, &options).expect("forward")))
            });
        }
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
