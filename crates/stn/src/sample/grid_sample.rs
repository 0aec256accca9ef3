//! Sampling of maps: bilinear, nearest, bicubic.

use candle_core::{Device, Result, Tensor, bail};

use super::composed;
use super::op::{self, Method, Sampling};
use crate::grid::SamplingGrid;
use crate::options::{GridSampleOptions, Interpolation};

pub(super) const NAME: &str = "grid_sample";

/// The values of `xs` at the points of `grid`.
///
/// # Shapes
/// `xs` (N, C, H, W) with a grid of (N, H_out, W_out, 2) to (N, C, H_out, W_out).
///
/// # Convention
/// Grid points are (x, y) with x along the width; the grid says what -1 and +1 mean.
/// With one pixel along an axis and aligned corners every coordinate is that pixel.
/// Values equal PyTorch's `grid_sample` in every mode that it has.
/// Coordinates that are not finite:
///
/// | coordinate | zeros, constant | border | reflection, wrap |
/// |:--|:--|:--|:--|
/// | NaN | NaN | NaN | NaN |
/// | infinite | the value outside | the pixel at that end | NaN |
/// | infinite, on an axis of one pixel with aligned corners | NaN | NaN | NaN |
///
/// Under reflection and wrap, coordinates so large that their type no longer resolves pixels read an arbitrary pixel of the map.
/// No coordinate reads outside the map's memory.
///
/// # Gradient
/// To the input: each pixel receives the weights of the points that read it times their gradient (equation 6).
/// To the grid: the slope of the interpolated map (equation 7 with the right derivative at whole pixels);
/// 0 for nearest sampling, and where border or reflection clamps a point to the first or last pixel.
/// A point whose value is NaN passes no gradient.
/// Sums have a fixed order: the bits do not depend on the number of threads.
///
/// # Errors
/// Other ranks, different batch sizes, maps or grids without cells or with 2^29 or more, integer dtypes, f32 with f64,
/// an input or output that memory cannot hold.
///
/// # Source
/// Jaderberg et al. 2015, section 3.3, equations 3 to 7.
///
/// ```
/// use stn::candle_core::{Device, Result, Tensor};
/// use stn::{AlignCorners, GridSampleOptions, SamplingGrid, grid_sample};
/// fn main() -> Result<()> {
///     let xs = Tensor::new(&[[[[1f32, 3.0]]]], &Device::Cpu)?;
///     let coords = Tensor::new(&[[[[-1f32, 0.0], [0.0, 0.0], [1.5, 0.0]]]], &Device::Cpu)?;
///     let grid = SamplingGrid::new(coords, AlignCorners::Yes)?;
///     let ys = grid_sample(&xs, &grid, &GridSampleOptions::default())?;
///     // A quarter pixel outside, zeros are mixed in.
///     assert_eq!(ys.flatten_all()?.to_vec1::<f32>()?, [1.0, 2.0, 2.25]);
///     Ok(())
/// }
/// ```
pub fn grid_sample(
    xs: &Tensor,
    grid: &SamplingGrid,
    options: &GridSampleOptions,
) -> Result<Tensor> {
    op::plane(NAME, xs, grid)?;
    op::in_float(NAME, xs, grid, |xs, coords| {
        let method = match options.interpolation {
            Interpolation::Bilinear => Method::Bilinear,
            Interpolation::Nearest => Method::Nearest,
            Interpolation::Bicubic => Method::Bicubic,
        };
        match xs.device() {
            Device::Cpu => xs.apply_op2(
                coords,
                Sampling {
                    name: NAME,
                    method,
                    padding: options.padding,
                    align_corners: grid.align_corners,
                },
            ),
            device => match options.interpolation {
                Interpolation::Bicubic => bail!(
                    "{NAME}: bicubic interpolation has no implementation on {device:?}; use bilinear, or move input and grid to the CPU"
                ),
                _ => composed::grid_sample(xs, coords, grid.align_corners, options),
            },
        }
    })
}
