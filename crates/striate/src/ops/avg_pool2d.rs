//! Average pooling over windows and over whole maps.

use candle_core::{Result, Tensor, bail};
use serde::{Deserialize, Serialize};

use crate::window::Window2d;

/// Whether cells of the padding count in the average.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// They count as zeros (PyTorch's default).
    #[default]
    Counted,
    /// The average is over the cells inside the input.
    Ignored,
}

/// The mean of each window, (N, C, H, W) to (N, C, Ho, Wo).
pub fn avg_pool2d(xs: &Tensor, window: &Window2d, padding: Padding) -> Result<Tensor> {
    let _ = (window, padding);
    bail!("avg_pool2d: not available yet for {:?}", xs.shape())
}

/// The mean of each map, (N, C, H, W) to (N, C).
pub fn global_avg_pool(xs: &Tensor) -> Result<Tensor> {
    bail!("global_avg_pool: not available yet for {:?}", xs.shape())
}
