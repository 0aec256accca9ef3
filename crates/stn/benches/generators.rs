//! Grid generators: the grid of a batch, and the way back to theta.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use stn::candle_core::{DType, Device, Result, Tensor, Var};
use stn::{
    AffineGrid, AffineGrid3d, AlignCorners, AttentionGrid, GridGenerator, ProjectiveGrid,
    SimilarityGrid, ThinPlateSplineGrid, TranslationGrid,
};

const BATCH: usize = 64;
const SIZE: (usize, usize) = (42, 42);

fn theta(identity: Vec<f64>) -> Result<Var> {
    let theta = Tensor::new(identity, &Device::Cpu)?.to_dtype(DType::F32)?;
    let count = theta.elem_count();
    Var::from_tensor(&theta.broadcast_as((BATCH, count))?.contiguous()?)
}

fn generators() -> Result<Vec<(&'static str, Box<dyn GridGenerator>)>> {
    let corners = AlignCorners::Yes;
    Ok(vec![
        ("affine", Box::new(AffineGrid::new(SIZE, corners)?)),
        ("attention", Box::new(AttentionGrid::new(SIZE, corners)?)),
        ("similarity", Box::new(SimilarityGrid::new(SIZE, corners)?)),
        (
            "translation",
            Box::new(TranslationGrid::new(SIZE, corners)?),
        ),
        ("projective", Box::new(ProjectiveGrid::new(SIZE, corners)?)),
        (
            "thin_plate_spline",
            Box::new(ThinPlateSplineGrid::new(SIZE, corners, 4)?),
        ),
    ])
}

fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("generators");
    group.throughput(Throughput::Elements((BATCH * SIZE.0 * SIZE.1) as u64));
    for (name, generator) in generators().expect("the sizes are valid") {
        let theta = theta(generator.identity()).expect("theta");
        group.bench_function(format!("{name}/forward"), |b| {
            b.iter(|| black_box(generator.grid(&theta.detach()).expect("grid")))
        });
        group.bench_function(format!("{name}/forward_backward"), |b| {
            b.iter(|| {
                let grid = generator.grid(&theta).expect("grid");
                black_box(grid.coords.backward().expect("backward"))
            })
        });
    }
    let volume = AffineGrid3d::new((16, 16, 16), AlignCorners::Yes).expect("the size is valid");
    let theta = theta(volume.identity()).expect("theta");
    group.throughput(Throughput::Elements((BATCH * 16 * 16 * 16) as u64));
    group.bench_function("affine_3d/forward", |b| {
        b.iter(|| black_box(volume.grid(&theta.detach()).expect("grid")))
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
