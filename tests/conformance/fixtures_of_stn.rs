//! Grids and sampler equal to PyTorch's in every case of the fixtures, values and gradients.
//!
//! Reads the groups `affine_grid`, `projective_grid`, `tps_grid` and `grid_sample` in the folder named by
//! `STRIATE_FIXTURES` (default `tests/fixtures`, made by `generate.py` beside them).
//! All parameters come from the JSON.

use candle_core::{Result, Tensor, bail};
use stn::{
    AffineGrid, AffineGrid3d, AlignCorners, GridGenerator, GridSampleOptions, Interpolation,
    PaddingMode, ProjectiveGrid, SamplingGrid, ThinPlateSplineGrid, grid_sample, grid_sample_3d,
};
use striate::testing::{Case, Tolerance};

use crate::fixtures::{cases, check, var};

fn align_corners(case: &Case) -> Result<AlignCorners> {
    Ok(match case.flag("align_corners")? {
        true => AlignCorners::Yes,
        false => AlignCorners::No,
    })
}

/// The output's size is that of the stored output, whatever the JSON says about it.
fn compare_grid(group: &str, generator: impl Fn(&Case, &Tensor) -> Result<Tensor>) -> Result<()> {
    for case in cases(group)? {
        let theta = var(&case, "theta")?;
        let coords = generator(&case, &theta)?;
        let tolerance = Tolerance::of(coords.dtype());
        check(&case, &coords, &[("grad_theta", &theta)], tolerance)?;
    }
    Ok(())
}

#[test]
fn affine_grid_matches_torch() -> Result<()> {
    compare_grid("affine_grid", |case, theta| {
        let corners = align_corners(case)?;
        match *case.tensor("output")?.dims() {
            [_, h, w, 2] => Ok(AffineGrid::new((h, w), corners)?.grid(theta)?.coords),
            [_, d, h, w, 3] => Ok(AffineGrid3d::new((d, h, w), corners)?.grid(theta)?.coords),
            ref dims => bail!("{}: an output of shape {dims:?}", case.name),
        }
    })
}

#[test]
fn projective_grid_matches_torch() -> Result<()> {
    compare_grid("projective_grid", |case, theta| {
        let (_, h, w, _) = case.tensor("output")?.dims4()?;
        Ok(ProjectiveGrid::new((h, w), align_corners(case)?)?
            .grid(theta)?
            .coords)
    })
}

#[test]
fn tps_grid_matches_torch() -> Result<()> {
    compare_grid("tps_grid", |case, theta| {
        let (_, h, w, _) = case.tensor("output")?.dims4()?;
        let side = case.whole("control_side", ThinPlateSplineGrid::PAPER_SIDE)?;
        let generator = ThinPlateSplineGrid::new((h, w), align_corners(case)?, side)?;
        Ok(generator.grid(theta)?.coords)
    })
}

#[test]
fn grid_sample_matches_torch() -> Result<()> {
    for case in cases("grid_sample")? {
        let (input, coords) = (var(&case, "input")?, var(&case, "grid")?);
        let options = GridSampleOptions {
            interpolation: match case.text("mode", "bilinear")? {
                "bilinear" => Interpolation::Bilinear,
                "nearest" => Interpolation::Nearest,
                "bicubic" => Interpolation::Bicubic,
                other => bail!("{}: mode {other}", case.name),
            },
            padding: match case.text("padding_mode", "zeros")? {
                "zeros" => PaddingMode::Zeros,
                "border" => PaddingMode::Border,
                "reflection" => PaddingMode::Reflection,
                other => bail!("{}: padding mode {other}", case.name),
            },
        };
        let grid = SamplingGrid::new(coords.as_tensor().clone(), align_corners(&case)?)?;
        let ys = match input.rank() {
            4 => grid_sample(&input, &grid, &options)?,
            _ => grid_sample_3d(&input, &grid, &options)?,
        };
        let vars = [("grad_input", &input), ("grad_grid", &coords)];
        check(&case, &ys, &vars, Tolerance::of(ys.dtype()))?;
    }
    Ok(())
}
