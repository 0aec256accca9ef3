//! The sampler as a layer.

use candle_core::{Result, Tensor};

use super::grid_sample;
use crate::grid::SamplingGrid;
use crate::options::GridSampleOptions;

/// [`grid_sample`] with fixed options.
///
/// ```
/// use stn::candle_core::{DType, Device, Result, Tensor};
/// use stn::{AlignCorners, GridSampler, SamplingGrid};
/// fn main() -> Result<()> {
///     let xs = Tensor::ones((1, 2, 4, 4), DType::F32, &Device::Cpu)?;
///     let grid = SamplingGrid::identity(1, (2, 3), AlignCorners::Yes, DType::F32, &Device::Cpu)?;
///     assert_eq!(GridSampler::default().forward(&xs, &grid)?.dims(), [1, 2, 2, 3]);
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GridSampler {
    options: GridSampleOptions,
}

impl GridSampler {
    /// A sampler with these options.
    pub fn new(options: GridSampleOptions) -> Self {
        Self { options }
    }

    /// The options.
    pub fn options(&self) -> &GridSampleOptions {
        &self.options
    }

    /// The values of `xs` at the points of `grid`.
    ///
    /// # Errors
    /// Those of [`grid_sample`].
    pub fn forward(&self, xs: &Tensor, grid: &SamplingGrid) -> Result<Tensor> {
        grid_sample(xs, grid, &self.options)
    }
}
