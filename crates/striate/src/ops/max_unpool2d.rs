//! Unpooling: values back to where their maxima were.

use candle_core::{Result, Tensor, bail};

use super::Switches;

/// Puts each value of `xs`, (N, C, H, W), where its switch points; values that share a position are added.
pub fn max_unpool2d(
    xs: &Tensor,
    switches: &Switches,
    output_size: (usize, usize),
) -> Result<Tensor> {
    let _ = (switches, output_size);
    bail!("max_unpool2d: not available yet for {:?}", xs.shape())
}
