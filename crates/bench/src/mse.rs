//! The mean squared difference, composed of Candle's ops.

use anyhow::Result;
use candle_core::Tensor;

/// mean((a - b)^2).
pub(crate) fn mse(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    Ok((a - b)?.sqr()?.mean_all()?)
}
