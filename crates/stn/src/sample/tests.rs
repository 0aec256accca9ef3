//! Tests of the sampler: shapes, errors, reference, gradients, conventions, odd coordinates, threads, levels.

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor, Var};
use proptest::prelude::*;
use striate::kernels::level::Level;
use striate::rng::stream;
use striate::testing::{Directions, Tolerance, assert_close, compare, gradcheck, values};

use super::*;
use crate::grid::{
    AffineGrid, AffineGrid3d, GridGenerator, SamplingGrid, TranslationGrid, compose,
};
use crate::kernels::bilinear::{self, Path, SampleShape, Wanted};
use crate::options::{AlignCorners, GridSampleOptions, Interpolation, PaddingMode};
use crate::reference::sampler::{self, ReferenceKernel, ReferenceMap, continued, sample};

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
                let found = sample(&map, &kernel, where_);
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

const PARTS: [&str; 3] = ["output", "input gradient", "grid gradient"];

fn agree(what: &str, actual: &[Tensor; 3], expected: &[Tensor; 3], tolerance: Tolerance) {
    for ((part, actual), expected) in PARTS.iter().zip(actual).zip(expected) {
        assert_close(&format!("{what}, {part}"), actual, expected, tolerance);
    }
}

#[test]
fn shapes() -> Result<()> {
    let at = grid(
        coords(1, &[2, 4, 5, 2], &[3, 7], AlignCorners::Yes),
        AlignCorners::Yes,
    );
    for c in [0, 1, 3, 6, 17] {
        for kind in KINDS {
            let options = options(kind, PaddingMode::Zeros);
            let ys = grid_sample(&normal(1, &[2, c, 3, 7]), &at, &options)?;
            assert_eq!(ys.dims(), [2, c, 4, 5]);
            for dtype in [DType::F32, DType::BF16, DType::F16] {
                let (xs, coords) = (
                    normal(1, &[2, c, 3, 7]).to_dtype(dtype)?,
                    at.coords.to_dtype(DType::F32)?,
                );
                let ys = grid_sample(&xs, &grid(coords, AlignCorners::No), &options)?;
                assert_eq!((ys.dims(), ys.dtype()), (&[2, c, 4, 5][..], dtype));
            }
        }
    }
    let none = grid(
        Tensor::zeros((0, 4, 5, 2), DType::F64, &Device::Cpu)?,
        AlignCorners::Yes,
    );
    let ys = grid_sample(
        &normal(1, &[0, 3, 3, 7]),
        &none,
        &GridSampleOptions::default(),
    )?;
    assert_eq!(ys.dims(), [0, 3, 4, 5]);
    let at = grid(
        coords(1, &[2, 2, 4, 5, 3], &[2, 3, 7], AlignCorners::Yes),
        AlignCorners::Yes,
    );
    let ys = grid_sample_3d(
        &normal(1, &[2, 3, 2, 3, 7]),
        &at,
        &GridSampleOptions::default(),
    )?;
    assert_eq!(ys.dims(), [2, 3, 2, 4, 5]);
    Ok(())
}

#[test]
fn errors() -> Result<()> {
    let (xs, plain) = (normal(1, &[2, 3, 4, 5]), GridSampleOptions::default());
    let at = SamplingGrid::identity(2, (4, 5), AlignCorners::Yes, DType::F64, &Device::Cpu)?;
    let of = |xs: &Tensor| message(grid_sample(xs, &at, &plain));
    assert!(of(&xs.squeeze(0)?.get(0)?).contains("(N, C, H, W)"));
    assert!(of(&xs.narrow(0, 0, 1)?).contains("1 images and the grid 2"));
    assert!(of(&xs.to_dtype(DType::U8)?).contains("dtype U8"));
    assert!(of(&xs.to_dtype(DType::F32)?).contains("F32 and the grid F64"));
    assert!(of(&xs.narrow(2, 0, 0)?).contains("at least 1"));
    let empty = grid(at.coords.narrow(1, 0, 0)?, AlignCorners::Yes);
    assert!(message(grid_sample(&xs, &empty, &plain)).contains("at least 1"));
    let whole = grid(at.coords.to_dtype(DType::I64)?, AlignCorners::Yes);
    assert!(message(grid_sample(&xs, &whole, &plain)).contains("dtype I64"));
    let volume = normal(1, &[2, 3, 2, 4, 5]);
    assert!(message(grid_sample_3d(&volume, &at, &plain)).contains("(N, D_out, H_out, W_out, 3)"));
    let deep = grid(
        Tensor::zeros((2, 1, 1, 1, 3), DType::F64, &Device::Cpu)?,
        AlignCorners::Yes,
    );
    let cubic = options(Interpolation::Bicubic, PaddingMode::Zeros);
    assert!(message(grid_sample_3d(&volume, &deep, &cubic)).contains("bicubic"));
    let point = Arc::new(Tent { radius: 0 });
    assert!(message(grid_sample_with(&xs, &at, point, PaddingMode::Zeros)).contains("radius 0"));
    Ok(())
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
struct Tent {
    radius: usize,
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

fn affine(
    xs: &Tensor,
    theta: [f64; 6],
    align_corners: AlignCorners,
    padding: PaddingMode,
) -> Result<Tensor> {
    let (n, _, h, w) = xs.dims4()?;
    let theta = Tensor::new(&theta, &Device::Cpu)?
        .broadcast_as((n, 6))?
        .to_dtype(xs.dtype())?;
    let grid = AffineGrid::new((h, w), align_corners)?.grid(&theta)?;
    grid_sample(xs, &grid, &options(Interpolation::Bilinear, padding))
}

#[test]
fn convention_identity_returns_the_input() -> Result<()> {
    for dims in [[2, 3, 5, 7], [1, 6, 1, 4], [1, 1, 1, 1], [1, 2, 28, 28]] {
        let xs = normal(1, &dims);
        for align_corners in CORNERS {
            for padding in PADDINGS {
                let ys = affine(&xs, [1.0, 0.0, 0.0, 0.0, 1.0, 0.0], align_corners, padding)?;
                assert_close(
                    &format!("{dims:?} {align_corners:?} {padding:?}"),
                    &ys,
                    &xs,
                    Tolerance::Elementwise(1e-12),
                );
            }
        }
    }
    Ok(())
}

#[test]
fn convention_shift_by_one_pixel() -> Result<()> {
    let xs = normal(1, &[1, 2, 3, 5]);
    for (align_corners, unit) in [
        (AlignCorners::Yes, 2.0 / 4.0),
        (AlignCorners::No, 2.0 / 5.0),
    ] {
        for (padding, column) in [
            (PaddingMode::Zeros, None),
            (PaddingMode::Border, Some(4)),
            (PaddingMode::Wrap, Some(0)),
            (
                PaddingMode::Reflection,
                Some(if align_corners == AlignCorners::Yes {
                    3
                } else {
                    4
                }),
            ),
        ] {
            let ys = affine(&xs, [1.0, 0.0, unit, 0.0, 1.0, 0.0], align_corners, padding)?;
            let last = match column {
                Some(column) => xs.narrow(3, column, 1)?,
                None => xs.narrow(3, 0, 1)?.zeros_like()?,
            };
            let expected = Tensor::cat(&[xs.narrow(3, 1, 4)?, last], 3)?;
            assert_close(
                &format!("{align_corners:?} {padding:?}"),
                &ys,
                &expected,
                Tolerance::Elementwise(1e-12),
            );
        }
    }
    Ok(())
}

#[test]
fn convention_mirror() -> Result<()> {
    let xs = normal(1, &[1, 7, 4, 3]);
    for align_corners in CORNERS {
        let ys = affine(
            &xs,
            [-1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            align_corners,
            PaddingMode::Zeros,
        )?;
        assert_close("x", &ys, &xs.flip(&[3])?, Tolerance::Elementwise(1e-12));
        let ys = affine(
            &xs,
            [1.0, 0.0, 0.0, 0.0, -1.0, 0.0],
            align_corners,
            PaddingMode::Zeros,
        )?;
        assert_close("y", &ys, &xs.flip(&[2])?, Tolerance::Elementwise(1e-12));
    }
    Ok(())
}

#[test]
fn convention_crop() -> Result<()> {
    // Half the size around the center: of pixels 0 .. 8 with aligned corners, pixels 2 .. 6.
    let xs = normal(1, &[1, 2, 9, 9]);
    let theta = Tensor::new(&[[0.5f64, 0.0, 0.0, 0.0, 0.5, 0.0]], &Device::Cpu)?;
    let grid = AffineGrid::new((5, 5), AlignCorners::Yes)?.grid(&theta)?;
    let ys = grid_sample(&xs, &grid, &GridSampleOptions::default())?;
    assert_close(
        "crop",
        &ys,
        &xs.narrow(2, 2, 5)?.narrow(3, 2, 5)?,
        Tolerance::Elementwise(1e-12),
    );
    Ok(())
}

#[test]
fn convention_composition_equals_sampling_twice() -> Result<()> {
    // Whole-pixel shifts, so that sampling twice loses nothing.
    let xs = normal(1, &[1, 2, 5, 5]);
    let right = [1.0, 0.0, 0.5, 0.0, 1.0, 0.0];
    let quarter_turn = [0.0, -1.0, 0.0, 1.0, 0.0, 0.0];
    let tensor = |theta: [f64; 6]| Tensor::new(&theta, &Device::Cpu)?.reshape((1, 2, 3));
    for (first, second) in [(right, quarter_turn), (quarter_turn, right)] {
        let once = affine(&xs, first, AlignCorners::Yes, PaddingMode::Zeros)?;
        let twice = affine(&once, second, AlignCorners::Yes, PaddingMode::Zeros)?;
        let both = compose(&tensor(first)?, &tensor(second)?)?;
        let grid = AffineGrid::new((5, 5), AlignCorners::Yes)?.grid(&both)?;
        let direct = grid_sample(&xs, &grid, &GridSampleOptions::default())?;
        // A shift out of the picture and back is the only difference: compare where both saw the picture.
        let seen = affine(
            &affine(
                &xs.ones_like()?,
                first,
                AlignCorners::Yes,
                PaddingMode::Zeros,
            )?,
            second,
            AlignCorners::Yes,
            PaddingMode::Zeros,
        )?;
        assert_close(
            "composition",
            &direct.mul(&seen)?,
            &twice,
            Tolerance::Elementwise(1e-12),
        );
        assert!(values(&seen)?.iter().sum::<f64>() >= 40.0 - 1e-9);
    }
    Ok(())
}

#[test]
fn convention_trilinear_with_depth_one_is_bilinear() -> Result<()> {
    let xs = normal(1, &[2, 3, 4, 5]);
    for align_corners in CORNERS {
        let flat = coords(2, &[2, 3, 3, 2], &[4, 5], align_corners);
        let expected = grid_sample(
            &xs,
            &grid(flat.clone(), align_corners),
            &GridSampleOptions::default(),
        )?;
        let z = Tensor::zeros((2, 3, 3, 1), DType::F64, &Device::Cpu)?;
        let deep = Tensor::cat(&[flat, z], 3)?.unsqueeze(1)?;
        let ys = grid_sample_3d(
            &xs.unsqueeze(2)?,
            &grid(deep, align_corners),
            &GridSampleOptions::default(),
        )?;
        assert_close(
            "depth 1",
            &ys.squeeze(2)?,
            &expected,
            Tolerance::Elementwise(1e-12),
        );
    }
    let generator = AffineGrid3d::new((3, 4, 5), AlignCorners::No)?;
    let theta = Tensor::from_vec(generator.identity(), (1, 3, 4), &Device::Cpu)?;
    let volume = normal(1, &[1, 2, 3, 4, 5]);
    let ys = grid_sample_3d(
        &volume,
        &generator.grid(&theta)?,
        &GridSampleOptions::default(),
    )?;
    assert_close("identity", &ys, &volume, Tolerance::Elementwise(1e-12));
    Ok(())
}

#[test]
fn all_outside_is_zero_with_zero_gradients() -> Result<()> {
    let generator = TranslationGrid::new((3, 3), AlignCorners::Yes)?;
    let theta = Tensor::new(&[[10f64, 0.0]], &Device::Cpu)?;
    let at = generator.grid(&theta)?;
    assert_eq!(at.outside()?, 1.0);
    for kind in KINDS {
        let sampled =
            |x: &Tensor, g: &SamplingGrid| grid_sample(x, g, &options(kind, PaddingMode::Zeros));
        for result in with_gradients(sampled, &normal(1, &[1, 2, 3, 3]), &at)? {
            assert!(values(&result)?.iter().all(|v| *v == 0.0), "{kind:?}");
        }
    }
    Ok(())
}

#[test]
fn coordinates_that_are_not_finite_or_huge() -> Result<()> {
    let odd = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        1e30,
        -1e30,
        1e9,
        -3e9,
        f64::MAX,
    ];
    for (c, align_corners) in [
        (1, AlignCorners::Yes),
        (3, AlignCorners::No),
        (7, AlignCorners::Yes),
    ] {
        let xs = (normal(1, &[1, c, 3, 4]).abs()? + 1.0)?;
        let points: Vec<f64> = odd.iter().flat_map(|&g| [g, 0.0]).collect();
        let at = grid(
            Tensor::from_vec(points, (1, 1, odd.len(), 2), &Device::Cpu)?,
            align_corners,
        );
        for dtype in [DType::F32, DType::F64] {
            let xs = xs.to_dtype(dtype)?;
            let at = grid(at.coords.to_dtype(dtype)?, align_corners);
            for padding in PADDINGS {
                for kind in KINDS {
                    let what = format!("{c} {align_corners:?} {dtype:?} {padding:?} {kind:?}");
                    let sampled =
                        |x: &Tensor, g: &SamplingGrid| grid_sample(x, g, &options(kind, padding));
                    let [ys, dx, dg] = with_gradients(sampled, &xs, &at)?;
                    let ys = values(&ys.narrow(1, 0, 1)?)?;
                    assert!(ys[0].is_nan(), "{what}: {ys:?}");
                    let infinite = match padding {
                        PaddingMode::Zeros => Some(0.0),
                        PaddingMode::Constant(value) => Some(value),
                        _ => None,
                    };
                    match (padding, infinite) {
                        (PaddingMode::Border, _) => {
                            assert!(
                                ys[1].is_finite() && ys[1] != 0.0 && ys[1] == ys[3],
                                "{what}: {ys:?}"
                            );
                            assert!(
                                ys[2].is_finite() && ys[2] != 0.0 && ys[2] == ys[4],
                                "{what}: {ys:?}"
                            );
                        }
                        (_, Some(value)) => {
                            assert!(ys[1..].iter().all(|y| *y == value), "{what}: {ys:?}")
                        }
                        // f64::MAX is infinite in f32.
                        _ => assert!(
                            ys[1].is_nan()
                                && ys[2].is_nan()
                                && ys[3..7].iter().all(|y| y.is_finite()),
                            "{what}: {ys:?}"
                        ),
                    }
                    for gradient in [dx, dg] {
                        assert!(values(&gradient)?.iter().all(|g| g.is_finite()), "{what}");
                    }
                }
            }
        }
    }
    Ok(())
}

#[test]
fn strided_inputs() -> Result<()> {
    let xs = normal(1, &[2, 3, 5, 4]).transpose(2, 3)?;
    let at = grid(
        coords(2, &[2, 3, 6, 2], &[4, 5], AlignCorners::Yes).transpose(1, 2)?,
        AlignCorners::Yes,
    );
    let copy = grid(at.coords.contiguous()?, AlignCorners::Yes);
    let plain = GridSampleOptions::default();
    let ys = grid_sample(&xs, &at, &plain)?;
    assert_close(
        "strided",
        &ys,
        &grid_sample(&xs.contiguous()?, &copy, &plain)?,
        Tolerance::Exact,
    );
    Ok(())
}

#[test]
fn only_the_wanted_gradients_are_made() -> Result<()> {
    for c in [2, 9] {
        let (xs, at) = (
            normal(1, &[2, c, 5, 6]),
            coords(2, &[2, 9, 9, 2], &[5, 6], AlignCorners::Yes),
        );
        for kind in KINDS {
            let options = options(kind, PaddingMode::Zeros);
            let sampled = |x: &Tensor, g: &SamplingGrid| grid_sample(x, g, &options);
            let [_, dx, dg] = with_gradients(sampled, &xs, &grid(at.clone(), AlignCorners::Yes))?;
            let weights = normal(7, &[2, c, 9, 9]);
            let x = Var::from_tensor(&xs)?;
            let loss = sampled(&x, &grid(at.clone(), AlignCorners::Yes))?
                .mul(&weights)?
                .sum_all()?;
            assert_close(
                "input alone",
                loss.backward()?.get(&x).expect("a gradient"),
                &dx,
                Tolerance::Exact,
            );
            let g = Var::from_tensor(&at)?;
            let loss = sampled(&xs, &grid(g.as_tensor().clone(), AlignCorners::Yes))?
                .mul(&weights)?
                .sum_all()?;
            assert_close(
                "grid alone",
                loss.backward()?.get(&g).expect("a gradient"),
                &dg,
                Tolerance::Exact,
            );
        }
    }
    Ok(())
}

/// Shapes that are divided over threads in every way: many images, one large image, few and many channels.
const DIVIDED: [[usize; 4]; 4] = [
    [1, 3, 150, 170],
    [9, 1, 60, 60],
    [2, 20, 70, 50],
    [9, 16, 33, 20],
];

#[test]
fn same_bits_for_any_thread_count() -> Result<()> {
    for dims in DIVIDED {
        let (xs, at) = (
            normal(1, &dims).to_dtype(DType::F32)?,
            normal(2, &[dims[0], dims[2], dims[3], 2]),
        );
        let at = grid((at * 0.7)?.to_dtype(DType::F32)?, AlignCorners::No);
        for padding in PADDINGS {
            for kind in KINDS {
                let on = |threads| {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                    let sampled =
                        |x: &Tensor, g: &SamplingGrid| grid_sample(x, g, &options(kind, padding));
                    pool.map_err(candle_core::Error::wrap)?
                        .install(|| with_gradients(sampled, &xs, &at))
                };
                agree(
                    &format!("{dims:?} {padding:?} {kind:?}"),
                    &on(1)?,
                    &on(2)?,
                    Tolerance::Exact,
                );
            }
        }
    }
    Ok(())
}

#[test]
fn every_path_and_level_agrees() -> Result<()> {
    for dims in DIVIDED {
        let [n, c, h, w] = dims;
        let (xs, dy) = (values(&normal(1, &dims))?, values(&normal(3, &dims))?);
        let at = values(&(normal(2, &[n, h, w, 2]) * 0.7)?)?;
        for padding in PADDINGS {
            let shape = SampleShape {
                n,
                c,
                h,
                w,
                points: h * w,
                align_corners: AlignCorners::Yes,
                padding,
            };
            let wanted = Wanted {
                input: true,
                grid: true,
            };
            let run = |level, path| -> Result<[Tensor; 3]> {
                let y = bilinear::forward::<f64>(level, path, &shape, &xs, &at);
                let gradients =
                    bilinear::backward::<f64>(level, path, &shape, &xs, &at, &dy, wanted);
                Ok([
                    Tensor::new(y, &Device::Cpu)?,
                    Tensor::new(gradients.input, &Device::Cpu)?,
                    Tensor::new(gradients.grid, &Device::Cpu)?,
                ])
            };
            let narrow = |v: &[f64]| v.iter().map(|&v| v as f32).collect::<Vec<f32>>();
            let (xs32, at32) = (narrow(&xs), narrow(&at));
            let plain = run(Level::Plain, Path::Planes)?;
            for level in Level::ALL.into_iter().filter(|level| level.available()) {
                for path in Path::all(&shape) {
                    agree(
                        &format!("{dims:?} {padding:?} {level} {path:?}"),
                        &run(level, path)?,
                        &plain,
                        Tolerance::Elementwise(1e-9),
                    );
                    let y = Tensor::new(
                        bilinear::forward::<f32>(level, path, &shape, &xs32, &at32),
                        &Device::Cpu,
                    )?;
                    let difference = compare(&y, &plain[0], Tolerance::OfMax(1e-3))?;
                    assert_eq!(
                        difference, None,
                        "{dims:?} {padding:?} {level} {path:?} in f32"
                    );
                }
            }
        }
    }
    Ok(())
}
