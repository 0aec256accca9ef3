//! Convolution layers of the four papers: forward pass, input gradient, weight gradient.
//!
//! `cargo bench -p striate --bench conv2d [-- FILTER]`, for example `-- L2` or `-- forward`.
//! Throughput is counted in the multiplications and additions of the definition, so `Gelem/s` reads GFLOP/s,
//! for Winograd too, which needs fewer.
//! `STRIATE_SIMD` and `RAYON_NUM_THREADS` are obeyed.
//! Every pass is checked against the reference on one image before it is timed.

#[path = "setup/layers.rs"]
mod layers;

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use layers::{LAYERS, Operands, check, shape};
use striate::kernels::conv2d::{Algorithm, backward_input, backward_weight, forward};
use striate::kernels::level::Level;

/// Images in a batch, as in the papers.
const BATCH: usize = 128;

fn passes(c: &mut Criterion) {
    let level = Level::current().expect("STRIATE_SIMD names a level of this CPU");
    for (name, algorithm) in [("direct", Algorithm::Direct), ("auto", Algorithm::Auto)] {
        for layer in LAYERS {
            let s = shape(layer, BATCH);
            let o = Operands::new(&s);
            check(level, algorithm, layer).expect("equal to the reference");
            let mut group = c.benchmark_group(format!("conv2d/{name}/{}", layer.name));
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

criterion_group!(benches, passes);
criterion_main!(benches);
