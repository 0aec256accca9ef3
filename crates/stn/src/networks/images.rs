//! The size of the images that a network takes.

use candle_core::{Result, Tensor, bail};

/// Refuses images that are not (N, channels, height, width) of the network called `name`.
pub(super) fn check_images(name: &str, xs: &Tensor, [c, h, w]: [usize; 3]) -> Result<()> {
    match *xs.dims() {
        [_, channels, height, width] if [channels, height, width] == [c, h, w] => Ok(()),
        _ => bail!(
            "{name}: the images have shape {:?}, the network takes (N, {c}, {h}, {w})",
            xs.dims()
        ),
    }
}
