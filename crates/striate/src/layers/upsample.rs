//! Nearest-neighbor upsampling layer.

use candle_core::{Result, Tensor};
use candle_nn::Module;

use crate::ops;

/// Repeats each cell a whole number of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpsampleNearest2d {
    factor: (usize, usize),
}

impl UpsampleNearest2d {
    /// A layer that repeats each cell `factor.0` times down and `factor.1` times across.
    pub fn new(factor: (usize, usize)) -> Self {
        Self { factor }
    }
}

impl Module for UpsampleNearest2d {
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        ops::upsample_nearest2d(xs, self.factor)
    }
}
