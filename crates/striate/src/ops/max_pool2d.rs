//! Max pooling, with the position of each maximum if wanted.

use candle_core::{Result, Tensor, bail};

use crate::window::Window2d;

/// Where the maxima of a pooling came from.
#[doc(alias = "where")]
#[doc(alias = "argmax")]
#[doc(alias = "indices")]
#[derive(Clone, Debug)]
pub struct Switches {
    /// u32 (N, C, Ho, Wo): position h * W + w of each maximum in its map, padding not counted.
    pub indices: Tensor,
    /// Height and width of the pooled maps.
    pub source: (usize, usize),
}

/// The maximum of each window, (N, C, H, W) to (N, C, Ho, Wo).
pub fn max_pool2d(xs: &Tensor, window: &Window2d) -> Result<Tensor> {
    let _ = window;
    bail!("max_pool2d: not available yet for {:?}", xs.shape())
}

/// The maximum of each window and where it was.
pub fn max_pool2d_with_switches(xs: &Tensor, window: &Window2d) -> Result<(Tensor, Switches)> {
    let _ = window;
    bail!(
        "max_pool2d_with_switches: not available yet for {:?}",
        xs.shape()
    )
}
