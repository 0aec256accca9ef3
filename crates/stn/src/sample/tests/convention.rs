//! Conventions: corners, directions, the order of a composition.

use candle_core::DType;
use striate::testing::values;

use super::*;
use crate::grid::{AffineGrid, AffineGrid3d, GridGenerator, compose};

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
