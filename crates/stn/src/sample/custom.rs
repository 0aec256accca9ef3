//! Sampling with a kernel of the caller.

use std::sync::Arc;

use candle_core::{Device, Result, Tensor, bail};

use super::op::{self, Method, Sampling};
use crate::grid::SamplingGrid;
use crate::kernels::taps::{MAX_RADIUS, SeparableKernel};
use crate::options::PaddingMode;

const NAME: &str = "grid_sample_with";

/// The values of `xs` at the points of `grid` by equation 3 with `kernel` along both axes.
///
/// V = sum over n, m of U(n, m) k(x - m) k(y - n), where x and y are in pixels and U is continued by `padding`.
/// A kernel wider than the bilinear one avoids the aliasing that the paper mentions for smaller outputs.
///
/// # Shapes
/// As [`grid_sample`](crate::grid_sample).
///
/// # Convention
/// As [`grid_sample`](crate::grid_sample); weights need not add up to 1.
///
/// # Gradient
/// To the input by the weights, to the grid by the kernel's derivative.
///
/// # Errors
/// As [`grid_sample`](crate::grid_sample), a radius of 0 or above 256, and devices other than the CPU.
///
/// # Source
/// Jaderberg et al. 2015, equation 3.
///
/// ```
/// use std::sync::Arc;
/// use stn::candle_core::{Device, Result, Tensor};
/// use stn::{AlignCorners, PaddingMode, SamplingGrid, SeparableKernel, grid_sample_with};
///
/// /// (1 + cos(pi d / 2)) / 4: four taps that add up to 1.
/// #[derive(Debug)]
/// struct RaisedCosine;
///
/// impl SeparableKernel for RaisedCosine {
///     fn radius(&self) -> usize { 2 }
///     fn weight(&self, d: f64) -> f64 { (1.0 + (d * std::f64::consts::FRAC_PI_2).cos()) / 4.0 }
///     fn derivative(&self, d: f64) -> f64 {
///         -(d * std::f64::consts::FRAC_PI_2).sin() * std::f64::consts::FRAC_PI_2 / 4.0
///     }
/// }
///
/// fn main() -> Result<()> {
///     let xs = Tensor::new(&[[[[0f32, 4.0, 0.0]]]], &Device::Cpu)?;
///     let coords = Tensor::new(&[[[[0f32, 0.0]]]], &Device::Cpu)?;
///     let grid = SamplingGrid::new(coords, AlignCorners::Yes)?;
///     let ys = grid_sample_with(&xs, &grid, Arc::new(RaisedCosine), PaddingMode::Border)?;
///     assert_eq!(ys.flatten_all()?.to_vec1::<f32>()?, [2.0]);
///     Ok(())
/// }
/// ```
pub fn grid_sample_with(
    xs: &Tensor,
    grid: &SamplingGrid,
    kernel: Arc<dyn SeparableKernel>,
    padding: PaddingMode,
) -> Result<Tensor> {
    op::plane(NAME, xs, grid)?;
    if !(1..=MAX_RADIUS).contains(&kernel.radius()) {
        bail!(
            "{NAME}: the kernel {kernel:?} has radius {}; it must be from 1 to {MAX_RADIUS}",
            kernel.radius()
        );
    }
    op::in_float(NAME, xs, grid, |xs, coords| match xs.device() {
        Device::Cpu => xs.apply_op2(
            coords,
            Sampling {
                name: NAME,
                method: Method::Custom(kernel),
                padding,
                align_corners: grid.align_corners,
            },
        ),
        device => bail!(
            "{NAME}: there is no implementation on {device:?}; move input and grid to the CPU"
        ),
    })
}
