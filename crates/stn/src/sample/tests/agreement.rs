//! Values and gradients against the reference and against finite differences.

use std::sync::Arc;

use candle_core::DType;
use proptest::prelude::*;
use striate::testing::{Directions, gradcheck, values};

use super::*;
use crate::reference::sampler::{self, ReferenceKernel, ReferenceMap, continued, sample};

/// The same three by the reference.
fn expected<const D: usize>(
    xs: &Tensor,
    at: &SamplingGrid,
    kind: Interpolation,
    padding: PaddingMode,
) -> Result<[Tensor; 3]> {
    let dims = xs.dims();
    let (n, c) = (dims[0], dims[1]);
    let size: [usize; D] = std::array::from_fn(|d| dims[2 + d]);
    let (x, g) = (values(xs)?, values(&at.coords)?);
    let cells: usize = size.iter().product();
    let points = g.len() / D / n;
    let mut out = vec![n, c];
    out.extend_from_slice(at.size());
    let weights = values(&normal(7, &out))?;
    let (mut y, mut dx, mut dg) = (
        vec![0.0; n * c * points],
        vec![0.0; x.len()],
        vec![0.0; g.len()],
    );
    for image in 0..n {
        for channel in 0..c {
            let plane = image * c + channel;
            let map = ReferenceMap {
                values: &x[plane * cells..][..cells],
                size,
                align_corners: at.align_corners,
                padding,
            };
            for point in 0..points {
                let from = (image * points + point) * D;
                let where_: [f64; D] = std::array::from_fn(|d| g[from + d]);
                let weight = weights[plane * points + point];
                if kind == Interpolation::Nearest {
                    let pixel: Option<usize> = nearest(&map, where_);
                    let constant = if let PaddingMode::Constant(value) = padding {
                        value
                    } else {
                        0.0
                    };
                    y[plane * points + point] = pixel.map_or(constant, |pixel| map.values[pixel]);
                    if let Some(pixel) = pixel {
                        dx[plane * cells + pixel] += weight;
                    }
                    continue;
                }
                let kernel: ReferenceKernel = match kind {
                    Interpolation::Bicubic => sampler::bicubic(),
                    _ => sampler::bilinear(),
                };
                let found = sample(&map, &kernel, where_)?;
                y[plane * points + point] = found.value;
                for (pixel, w) in found.pixels {
                    dx[plane * cells + pixel] += w * weight;
                }
                for d in 0..D {
                    dg[from + d] += found.coordinates[d] * weight;
                }
            }
        }
    }
    Ok([
        Tensor::from_vec(y, out, &Device::Cpu)?,
        Tensor::from_vec(dx, dims, &Device::Cpu)?,
        Tensor::from_vec(dg, at.coords.dims(), &Device::Cpu)?,
    ])
}

/// Equation 4, away from half pixels.
fn nearest<const D: usize>(map: &ReferenceMap<D>, at: [f64; D]) -> Option<usize> {
    let mut offset = 0;
    for d in (0..D).rev() {
        let n = map.size[D - 1 - d];
        let position = map.align_corners.to_pixel(at[d], n);
        offset = offset * n
            + continued(
                (position + 0.5).floor() as i64,
                n,
                map.align_corners,
                map.padding,
            )?;
    }
    Some(offset)
}

fn check_plane(dims: [usize; 4], out: (usize, usize), seed: u64) -> Result<()> {
    let [n, _, h, w] = dims;
    let xs = normal(seed, &dims);
    for align_corners in CORNERS {
        let at = grid(
            coords(seed, &[n, out.0, out.1, 2], &[h, w], align_corners),
            align_corners,
        );
        for padding in PADDINGS {
            for kind in KINDS {
                let what = format!("{dims:?} {out:?} {align_corners:?} {padding:?} {kind:?}");
                let expected = expected::<2>(&xs, &at, kind, padding)?;
                let sampled =
                    |x: &Tensor, g: &SamplingGrid| grid_sample(x, g, &options(kind, padding));
                let tolerance = Tolerance::Elementwise(1e-9);
                agree(
                    &what,
                    &with_gradients(sampled, &xs, &at)?,
                    &expected,
                    tolerance,
                );
                if kind != Interpolation::Bicubic {
                    let composed = |x: &Tensor, g: &SamplingGrid| {
                        composed::grid_sample(
                            x,
                            &g.coords,
                            g.align_corners,
                            &options(kind, padding),
                        )
                    };
                    let (ys, dx, dg) = composed_with_gradients(composed, &xs, &at)?;
                    assert_close(&what, &ys, &expected[0], tolerance);
                    assert_close(&what, &dx, &expected[1], tolerance);
                    if let Some(dg) = dg {
                        assert_close(&what, &dg, &expected[2], tolerance);
                    }
                }
                let narrow = |t: &Tensor| t.to_dtype(DType::F32);
                let found = with_gradients(
                    sampled,
                    &narrow(&xs)?,
                    &grid(narrow(&at.coords)?, align_corners),
                )?;
                agree(
                    &format!("{what} f32"),
                    &found,
                    &expected,
                    Tolerance::Elementwise(1e-3),
                );
            }
        }
    }
    Ok(())
}

/// As [`with_gradients`]; nearest sampling composed of Candle's ops leaves the grid without a gradient, which means zero.
fn composed_with_gradients(
    f: impl Fn(&Tensor, &SamplingGrid) -> Result<Tensor>,
    xs: &Tensor,
    at: &SamplingGrid,
) -> Result<(Tensor, Tensor, Option<Tensor>)> {
    let (x, c) = (Var::from_tensor(xs)?, Var::from_tensor(&at.coords)?);
    let ys = f(&x, &grid(c.as_tensor().clone(), at.align_corners))?;
    let gradients = ys.mul(&normal(7, ys.dims()))?.sum_all()?.backward()?;
    let dx = gradients
        .get(&x)
        .cloned()
        .ok_or_else(|| candle_core::Error::Msg("no gradient".into()))?;
    Ok((ys, dx, gradients.get(&c).cloned()))
}

/// At pixels, at the borders and at the mirrors, where the values have kinks.
#[test]
fn composed_gradients_at_kinks() -> Result<()> {
    let quarters: Vec<f64> = (-10..=10).map(|k| f64::from(k) / 4.0).collect();
    let n = quarters.len();
    let points = quarters
        .iter()
        .flat_map(|y| quarters.iter().map(move |x| [*x, *y]));
    let every = Tensor::from_vec(
        points.collect::<Vec<_>>().concat(),
        (1, n, n, 2),
        &Device::Cpu,
    )?;
    // Sizes for which whole pixels are exact numbers.
    for (align_corners, [h, w]) in [(AlignCorners::Yes, [3, 5]), (AlignCorners::No, [2, 4])] {
        let xs = normal(4, &[1, 3, h, w]);
        let identity = SamplingGrid::identity(1, (h, w), align_corners, DType::F64, &Device::Cpu)?;
        for at in [grid(every.clone(), align_corners), identity] {
            for padding in PADDINGS {
                let options = options(Interpolation::Bilinear, padding);
                let kernel = |x: &Tensor, g: &SamplingGrid| grid_sample(x, g, &options);
                let composed = |x: &Tensor, g: &SamplingGrid| {
                    composed::grid_sample(x, &g.coords, g.align_corners, &options)
                };
                agree(
                    &format!("{align_corners:?} {padding:?} {:?}", at.size()),
                    &with_gradients(composed, &xs, &at)?,
                    &with_gradients(kernel, &xs, &at)?,
                    Tolerance::Elementwise(1e-12),
                );
            }
        }
    }
    Ok(())
}

#[test]
fn composed_at_infinity() -> Result<()> {
    let points = vec![f64::INFINITY, 0.0, 0.25, f64::NEG_INFINITY, 0.25, 0.5];
    let points = Tensor::from_vec(points, (1, 1, 3, 2), &Device::Cpu)?;
    for dtype in [DType::F32, DType::F64] {
        let xs = normal(4, &[1, 1, 3, 5]).to_dtype(dtype)?;
        let at = grid(points.to_dtype(dtype)?, AlignCorners::Yes);
        for padding in [PaddingMode::Reflection, PaddingMode::Wrap] {
            for kind in [Interpolation::Bilinear, Interpolation::Nearest] {
                let options = options(kind, padding);
                let found = composed::grid_sample(&xs, &at.coords, at.align_corners, &options)?;
                for ys in [found, grid_sample(&xs, &at, &options)?] {
                    let nan: Vec<bool> = values(&ys)?.iter().map(|y| y.is_nan()).collect();
                    assert_eq!(nan, [true, true, false], "{dtype:?} {padding:?} {kind:?}");
                }
            }
        }
    }
    Ok(())
}

#[test]
fn infinity_on_an_axis_of_one_pixel() -> Result<()> {
    let points = [f64::INFINITY, 0.0, f64::NEG_INFINITY, 0.5, 3.0, 0.5];
    let points = Tensor::from_vec(points.to_vec(), (1, 1, 3, 2), &Device::Cpu)?;
    for dtype in [DType::F32, DType::F64] {
        let xs = (normal(4, &[1, 1, 3, 1]).abs()? + 1.0)?.to_dtype(dtype)?;
        let at = grid(points.to_dtype(dtype)?, AlignCorners::Yes);
        for padding in PADDINGS {
            for kind in KINDS {
                let options = options(kind, padding);
                let mut found = vec![grid_sample(&xs, &at, &options)?];
                if kind != Interpolation::Bicubic {
                    found.push(composed::grid_sample(
                        &xs,
                        &at.coords,
                        at.align_corners,
                        &options,
                    )?);
                }
                for ys in found {
                    let nan: Vec<bool> = values(&ys)?.iter().map(|y| y.is_nan()).collect();
                    assert_eq!(nan, [true, true, false], "{dtype:?} {padding:?} {kind:?}");
                }
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn matches_reference(
        (n, c, h, w) in (1usize..3, 1usize..20, 1usize..7, 1usize..7),
        out in (1usize..9, 1usize..12),
        seed in any::<u64>(),
    ) {
        if let Err(error) = check_plane([n, c, h, w], out, seed) {
            prop_assert!(false, "{error}");
        }
    }
}

#[test]
fn matches_reference_in_a_volume() -> Result<()> {
    for (dims, out) in [([2, 3, 3, 4, 5], [2, 3, 2]), ([1, 1, 1, 1, 2], [1, 2, 3])] {
        let xs = normal(3, &dims);
        for align_corners in CORNERS {
            let shape = [dims[0], out[0], out[1], out[2], 3];
            let at = grid(coords(3, &shape, &dims[2..], align_corners), align_corners);
            for padding in PADDINGS {
                for kind in [Interpolation::Bilinear, Interpolation::Nearest] {
                    let expected = expected::<3>(&xs, &at, kind, padding)?;
                    let sampled = |x: &Tensor, g: &SamplingGrid| {
                        grid_sample_3d(x, g, &options(kind, padding))
                    };
                    let what = format!("{dims:?} {align_corners:?} {padding:?} {kind:?}");
                    agree(
                        &what,
                        &with_gradients(sampled, &xs, &at)?,
                        &expected,
                        Tolerance::Elementwise(1e-9),
                    );
                }
            }
        }
    }
    Ok(())
}

#[test]
fn gradients() -> Result<()> {
    for align_corners in CORNERS {
        for padding in PADDINGS {
            for kind in KINDS {
                for c in [2, 6] {
                    let xs = normal(1, &[2, c, 4, 5]);
                    let at = coords(2, &[2, 3, 3, 2], &[4, 5], align_corners);
                    gradcheck(
                        |t| {
                            grid_sample(
                                &t[0],
                                &grid(t[1].clone(), align_corners),
                                &options(kind, padding),
                            )
                        },
                        &[xs, at],
                        Directions::EveryElement,
                    )
                    .map_err(|error| {
                        error.context(format!("{align_corners:?} {padding:?} {kind:?} {c}"))
                    })?;
                }
            }
            for kind in [Interpolation::Bilinear, Interpolation::Nearest] {
                let (xs, at) = (
                    normal(1, &[1, 2, 3, 4, 3]),
                    coords(2, &[1, 2, 2, 2, 3], &[3, 4, 3], align_corners),
                );
                gradcheck(
                    |t| {
                        grid_sample_3d(
                            &t[0],
                            &grid(t[1].clone(), align_corners),
                            &options(kind, padding),
                        )
                    },
                    &[xs, at],
                    Directions::EveryElement,
                )?;
            }
            let (xs, at) = (
                normal(1, &[1, 2, 4, 5]),
                coords(2, &[1, 3, 3, 2], &[4, 5], align_corners),
            );
            gradcheck(
                |t| {
                    let kernel = Arc::new(Tent { radius: 2 });
                    grid_sample_with(&t[0], &grid(t[1].clone(), align_corners), kernel, padding)
                },
                &[xs, at],
                Directions::EveryElement,
            )?;
        }
    }
    Ok(())
}

/// A triangle of any width; radius 1 is bilinear.
#[derive(Debug)]
pub(super) struct Tent {
    pub(super) radius: usize,
}

impl SeparableKernel for Tent {
    fn radius(&self) -> usize {
        self.radius
    }
    fn weight(&self, d: f64) -> f64 {
        (1.0 - d.abs() / self.radius as f64).max(0.0) / self.radius as f64
    }
    fn derivative(&self, d: f64) -> f64 {
        -d.signum() / (self.radius * self.radius) as f64
    }
}

#[test]
fn a_tent_of_radius_one_is_bilinear() -> Result<()> {
    let xs = normal(1, &[2, 3, 4, 5]);
    for align_corners in CORNERS {
        let at = grid(
            coords(2, &[2, 6, 6, 2], &[4, 5], align_corners),
            align_corners,
        );
        for padding in PADDINGS {
            let with = |x: &Tensor, g: &SamplingGrid| {
                grid_sample_with(x, g, Arc::new(Tent { radius: 1 }), padding)
            };
            let plain = |x: &Tensor, g: &SamplingGrid| {
                grid_sample(x, g, &options(Interpolation::Bilinear, padding))
            };
            let (a, b) = (
                with_gradients(with, &xs, &at)?,
                with_gradients(plain, &xs, &at)?,
            );
            agree(
                &format!("{padding:?}"),
                &a,
                &b,
                Tolerance::Elementwise(1e-9),
            );
        }
    }
    Ok(())
}
