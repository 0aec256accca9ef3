//! Tests of the sampler, and what they share: random maps and coordinates, and all three results of a pass.
//!
//! | file | what it tests |
//! |:--|:--|
//! | `agreement` | values and gradients against the reference and finite differences |
//! | `convention` | corners, directions, composition |
//! | `arguments` | shapes, errors, odd coordinates, strides, empty views |
//! | `division` | threads, levels, layouts |

use candle_core::{Device, Result, Tensor, Var};
use striate::rng::stream;
use striate::testing::{Tolerance, assert_close};

use super::*;
use crate::grid::SamplingGrid;
use crate::options::{AlignCorners, GridSampleOptions, Interpolation, PaddingMode};

mod agreement;
mod arguments;
mod convention;
mod division;

const PADDINGS: [PaddingMode; 5] = [
    PaddingMode::Zeros,
    PaddingMode::Border,
    PaddingMode::Reflection,
    PaddingMode::Constant(-1.5),
    PaddingMode::Wrap,
];

const CORNERS: [AlignCorners; 2] = [AlignCorners::Yes, AlignCorners::No];

const KINDS: [Interpolation; 3] = [
    Interpolation::Bilinear,
    Interpolation::Nearest,
    Interpolation::Bicubic,
];

fn normal(seed: u64, dims: &[usize]) -> Tensor {
    let mut draws = stream(seed, "sampling", 0);
    let values: Vec<f64> = (0..dims.iter().product()).map(|_| draws.normal()).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).expect("shape and length agree")
}

/// Random coordinates, many of them outside, none close to a kink: whole or half pixel.
fn coords(seed: u64, dims: &[usize], size: &[usize], align_corners: AlignCorners) -> Tensor {
    let mut draws = stream(seed, "coords", 0);
    let d = dims[dims.len() - 1];
    let mut next = |n: usize| loop {
        let g = 1.6 * (2.0 * draws.uniform_f64() - 1.0);
        let twice = 2.0 * align_corners.to_pixel(g, n);
        // An axis of one pixel with aligned corners has a single position.
        if (twice - twice.round()).abs() > 0.02 || align_corners.pixels_per_unit(n) == 0.0 {
            return g;
        }
    };
    let count: usize = dims.iter().product();
    let values: Vec<f64> = (0..count)
        .map(|at| next(size[size.len() - 1 - at % d]))
        .collect();
    Tensor::from_vec(values, dims, &Device::Cpu).expect("shape and length agree")
}

fn grid(coords: Tensor, align_corners: AlignCorners) -> SamplingGrid {
    SamplingGrid::new(coords, align_corners).expect("the shape is that of a grid")
}

fn options(interpolation: Interpolation, padding: PaddingMode) -> GridSampleOptions {
    GridSampleOptions {
        interpolation,
        padding,
    }
}

fn message<T>(result: Result<T>) -> String {
    result
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default()
}

/// Output and both gradients of sum(output * weights).
fn with_gradients(
    f: impl Fn(&Tensor, &SamplingGrid) -> Result<Tensor>,
    xs: &Tensor,
    at: &SamplingGrid,
) -> Result<[Tensor; 3]> {
    let (x, c) = (Var::from_tensor(xs)?, Var::from_tensor(&at.coords)?);
    let ys = f(&x, &grid(c.as_tensor().clone(), at.align_corners))?;
    let weights = normal(7, ys.dims()).to_dtype(ys.dtype())?;
    let gradients = ys.mul(&weights)?.sum_all()?.backward()?;
    let of = |var: &Var| {
        gradients
            .get(var)
            .cloned()
            .ok_or_else(|| candle_core::Error::Msg("no gradient".into()))
    };
    Ok([ys.clone(), of(&x)?, of(&c)?])
}

const PARTS: [&str; 3] = ["output", "input gradient", "grid gradient"];

fn agree(what: &str, actual: &[Tensor; 3], expected: &[Tensor; 3], tolerance: Tolerance) {
    for ((part, actual), expected) in PARTS.iter().zip(actual).zip(expected) {
        assert_close(&format!("{what}, {part}"), actual, expected, tolerance);
    }
}
