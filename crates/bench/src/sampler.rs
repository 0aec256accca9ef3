//! W3: the bilinear sampler with zeros outside, forward, and forward with both gradients, on three shapes.

use anyhow::{Context, Result, ensure};
use candle_core::{Device, IndexOp, Tensor, Var};
use stn::reference::sampler::{ReferenceMap, bilinear, sample};
use stn::{AlignCorners, GridSampleOptions, PaddingMode, SamplingGrid, grid_sample};

use crate::draw;
use crate::seed::seed;
use crate::work::{Case, Work};

/// Names of the two cases and (N, C, H, W); the first is so short that a sample runs it several times.
const SHAPES: [([&str; 2], [usize; 4], usize); 3] = [
    (["small_fwd", "small_fwd_bwd"], [256, 1, 28, 28], 10),
    (["channels_fwd", "channels_fwd_bwd"], [64, 32, 64, 64], 1),
    (["picture_fwd", "picture_fwd_bwd"], [1, 3, 1080, 1920], 1),
];

/// Every image turned and scaled a little differently, so that some points fall outside.
fn grid([n, _, h, w]: [usize; 4]) -> Result<Tensor> {
    let mut coords = Vec::with_capacity(n * h * w * 2);
    for image in 0..n {
        let share = image as f64 / (n.max(2) - 1) as f64;
        let (angle, scale) = (share - 0.5, 0.8 + 0.4 * share);
        let (sin, cos) = angle.sin_cos();
        for row in 0..h {
            let y = AlignCorners::No.to_coordinate(row as f64, h);
            for column in 0..w {
                let x = AlignCorners::No.to_coordinate(column as f64, w);
                coords.push((scale * (cos * x - sin * y) + 0.1) as f32);
                coords.push((scale * (sin * x + cos * y) - 0.1) as f32);
            }
        }
    }
    Ok(Tensor::from_vec(coords, (n, h, w, 2), &Device::Cpu)?)
}

fn sampled(xs: &Tensor, coords: &Tensor) -> candle_core::Result<Tensor> {
    let grid = SamplingGrid::new(coords.clone(), AlignCorners::No)?;
    grid_sample(xs, &grid, &GridSampleOptions::default())
}

/// A value from the middle of a map.
fn middle(maps: &Tensor) -> Result<f64> {
    let (n, _, h, w) = maps.dims4()?;
    Ok(f64::from(
        maps.i((n / 2, 0, h / 2, w / 2))?.to_scalar::<f32>()?,
    ))
}

/// W3.
pub(crate) fn grid_samples() -> Result<Work> {
    let mut cases = Vec::new();
    for (number, ([fwd, fwd_bwd], shape, inner)) in (0..).zip(SHAPES) {
        let xs = Var::from_tensor(&draw::uniform(1000 + 2 * number, 1.0, &shape)?)?;
        let dys = draw::uniform(1001 + 2 * number, 1.0, &shape)?;
        let coords = Var::from_tensor(&grid(shape)?)?;
        let forward = {
            let (xs, coords) = (xs.as_tensor().detach(), coords.as_tensor().detach());
            move || middle(&sampled(&xs, &coords)?)
        };
        let both = move || {
            let gradients = seed(&sampled(&xs, &coords)?, &dys)?.backward()?;
            let dcoords = gradients.get(&coords).context("no gradient of the grid")?;
            let dxs = gradients.get(&xs).context("no gradient of the maps")?;
            let (n, h, w, _) = dcoords.dims4()?;
            let slope = dcoords.i((n / 2, h / 2, w / 2, 0))?.to_scalar::<f32>()?;
            Ok(middle(dxs)? + f64::from(slope))
        };
        let case = |name: &str, run| Case {
            name: name.to_owned(),
            gflop: 0.0,
            inner,
            run,
        };
        cases.push(case(fwd, Box::new(forward)));
        cases.push(case(fwd_bwd, Box::new(both)));
    }
    let check = Box::new(check);
    Ok(Work { check, cases })
}

/// A small case against plain loops.
fn check() -> Result<()> {
    let shape = [2, 3, 6, 5];
    let xs = Var::from_tensor(&draw::uniform(7, 1.0, &shape)?)?;
    let coords = Var::from_tensor(&grid(shape)?)?;
    let dys = draw::uniform(8, 1.0, &shape)?;
    let ys = sampled(&xs, &coords)?;
    let gradients = seed(&ys, &dys)?.backward()?;
    let wide = |tensor: &Tensor| -> Result<Vec<f64>> {
        let values = tensor.flatten_all()?.to_vec1::<f32>()?;
        Ok(values.into_iter().map(f64::from).collect())
    };
    let (x, at, dy) = (wide(&xs)?, wide(&coords)?, wide(&dys)?);
    let (mut y, mut dx, mut dat) = (vec![0.0; x.len()], vec![0.0; x.len()], vec![0.0; at.len()]);
    for map in 0..6 {
        let source = ReferenceMap {
            values: &x[map * 30..][..30],
            size: [6, 5],
            align_corners: AlignCorners::No,
            padding: PaddingMode::Zeros,
        };
        for point in 0..30 {
            let place = 2 * (map / 3 * 30 + point);
            let read = sample(&source, &bilinear(), [at[place], at[place + 1]])?;
            y[map * 30 + point] = read.value;
            for (pixel, weight) in read.pixels {
                dx[map * 30 + pixel] += weight * dy[map * 30 + point];
            }
            for (axis, slope) in read.coordinates.into_iter().enumerate() {
                dat[place + axis] += slope * dy[map * 30 + point];
            }
        }
    }
    for (name, got, wanted) in [
        ("grid_sample", wide(&ys)?, y),
        (
            "its gradient to the maps",
            wide(gradients.get(&xs).context("no gradient")?)?,
            dx,
        ),
        (
            "its gradient to the grid",
            wide(gradients.get(&coords).context("no gradient")?)?,
            dat,
        ),
    ] {
        let close = got
            .iter()
            .zip(&wanted)
            .all(|(a, b)| (a - b).abs() < 1e-4 + 1e-4 * b.abs());
        ensure!(close, "{name} differs from plain loops");
    }
    Ok(())
}
