//! Sampling of volumes: trilinear, nearest.

use candle_core::{Device, Result, Tensor, bail};

use super::op::{self, Method, Sampling};
use crate::grid::SamplingGrid;
use crate::options::{GridSampleOptions, Interpolation};

const NAME: &str = "grid_sample_3d";

/// The values of the volumes `xs` at the points of `grid`.
///
/// [`Interpolation::Bilinear`] means trilinear here.
///
/// # Shapes
/// `xs` (N, C, D, H, W) with a grid of (N, D_out, H_out, W_out, 3) to (N, C, D_out, H_out, W_out).
///
/// # Convention
/// Grid points are (x, y, z), z along the depth; all else is as in [`grid_sample`](crate::grid_sample).
///
/// # Gradient
/// As [`grid_sample`](crate::grid_sample).
///
/// # Errors
/// As [`grid_sample`](crate::grid_sample), bicubic interpolation, and devices other than the CPU.
///
/// # Source
/// Jaderberg et al. 2015, appendix A.3.
///
/// ```
/// use stn::candle_core::{Device, Result, Tensor};
/// use stn::{AffineGrid3d, AlignCorners, GridSampleOptions, grid_sample_3d};
/// fn main() -> Result<()> {
///     let xs = Tensor::arange(0f32, 8.0, &Device::Cpu)?.reshape((1, 1, 2, 2, 2))?;
///     let generator = AffineGrid3d::new((1, 1, 1), AlignCorners::Yes)?;
///     let theta = Tensor::from_vec(generator.identity(), (1, 12), &Device::Cpu)?;
///     let theta = theta.to_dtype(xs.dtype())?;
///     let middle = grid_sample_3d(&xs, &generator.grid(&theta)?, &GridSampleOptions::default())?;
///     assert_eq!(middle.flatten_all()?.to_vec1::<f32>()?, [3.5]);
///     Ok(())
/// }
/// ```
pub fn grid_sample_3d(
    xs: &Tensor,
    grid: &SamplingGrid,
    options: &GridSampleOptions,
) -> Result<Tensor> {
    op::volume(NAME, xs, grid)?;
    let method = match options.interpolation {
        Interpolation::Bilinear => Method::Bilinear,
        Interpolation::Nearest => Method::Nearest,
        Interpolation::Bicubic => {
            bail!("{NAME}: bicubic interpolation is for maps; use bilinear (trilinear) or nearest")
        }
    };
    op::in_float(NAME, xs, grid, |xs, coords| match xs.device() {
        Device::Cpu => xs.apply_op2(
            coords,
            Sampling {
                name: NAME,
                method,
                padding: options.padding,
                align_corners: grid.align_corners,
            },
        ),
        device => bail!(
            "{NAME}: there is no implementation on {device:?}; move input and grid to the CPU"
        ),
    })
}
