//! Arguments of every kind: shapes, errors, odd coordinates, strided and empty views.

use std::sync::Arc;

use candle_core::DType;
use striate::testing::values;

use super::agreement::Tent;
use super::*;
use crate::grid::{GridGenerator, TranslationGrid};

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
fn only_the_needed_gradients_are_computed() -> Result<()> {
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
