//! What the benches of all ops agree on: drawn numbers, a check, and how a group measures.

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput};
use striate::rng;

/// Standard normal numbers.
pub(crate) fn normal(name: &str, len: usize) -> Vec<f32> {
    let mut values = vec![0.0; len];
    rng::stream(0, name, 0).fill_normal(&mut values);
    values
}

/// The same numbers in f64.
pub(crate) fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

/// Panics unless `got` equals `wanted` within 1e-5 of its largest value.
pub(crate) fn close(what: &str, got: &[f32], wanted: &[f64]) {
    assert_eq!(got.len(), wanted.len(), "{what}");
    let largest = wanted.iter().fold(1e-30, |max: f64, v| max.max(v.abs()));
    for (got, wanted) in got.iter().zip(wanted) {
        let error = (f64::from(*got) - wanted).abs() / largest;
        assert!(error < 1e-5, "{what}: {got}, wanted {wanted}");
    }
}

/// A group of short measurements whose throughput is counted in bytes that must be read and written at least.
pub(crate) fn group<'a>(
    c: &'a mut Criterion,
    name: String,
    numbers: usize,
) -> BenchmarkGroup<'a, WallTime> {
    let mut group = c.benchmark_group(name);
    group
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600))
        .throughput(Throughput::Bytes(4 * numbers as u64));
    group
}
