//! Bilinear sampling in the plane: the choice of the layout, and the two passes.
//!
//! ```text
//! for each image, for each block of 64 points:               (driver)
//!     positions and weights of the points, in vectors        (block)
//!     for each point, for each channel:                      (planar, padded, squares, channels_last)
//!         y = w00 x[above, left] + w01 x[above, right] + w10 x[below, left] + w11 x[below, right]
//! ```
//!
//! Backward, in the same pass: the four neighbors in dx get their weights times dy,
//! and the sums over the channels of dy times the four neighbors make the gradient of the coordinates.
//! dx of a single large image is divided into bands of rows; each band goes through the blocks that touch it
//! and adds what falls on its own rows, in the order of the points.

use candle_core::{Result, bail};
use striate::kernels::level::Level;
use striate::kernels::parts::{Shared, written_by};

use super::channels_last::ChannelsLast;
use super::driver;
use super::layout::{Backward, Forward};
use super::map::Map;
use super::number::Number;
use super::padded::Padded;
use super::planar::Planar;
use super::shape::{Gradients, NeedsGrad, SampleShape};

/// How the channels of an image are laid out while it is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelLayout {
    /// Channel by channel, as in the tensor.
    Planar,
    /// Channel by channel, copied into a margin of the value outside: many small maps of few channels.
    Padded,
    /// Copied to all channels of a pixel side by side.
    ChannelsLast,
}

/// From this many channels on, the copy to channels last pays off; measured.
const CHANNELS_LAST_FROM: usize = 5;

impl ChannelLayout {
    /// The fastest one for `shape`.
    pub fn best(shape: &SampleShape<2>) -> Self {
        match shape.c {
            CHANNELS_LAST_FROM.. => Self::ChannelsLast,
            _ if Padded::serves(shape) => Self::Padded,
            _ => Self::Planar,
        }
    }

    /// Those that serve `shape`.
    pub fn all(shape: &SampleShape<2>) -> Vec<Self> {
        let padded = Padded::serves(shape).then_some(Self::Padded);
        [Self::Planar, Self::ChannelsLast]
            .into_iter()
            .chain(padded)
            .collect()
    }
}

/// The values of `x`, (n, c, h, w), at the points of `grid`, (n, points, 2): (n, c, points).
///
/// # Errors
/// A slice whose length is not that of the shape, a layout that does not serve the shape, a level that this CPU lacks.
pub fn forward<T: Number>(
    level: Level,
    layout: ChannelLayout,
    shape: &SampleShape<2>,
    x: &[T],
    grid: &[T],
) -> Result<Vec<T>> {
    check(level, layout, shape)?;
    shape.check(&[
        ("the input", x.len(), shape.input_len()),
        ("the grid", grid.len(), shape.grid_len()),
    ])?;
    if shape.is_empty() {
        return Ok(Vec::new());
    }
    let fill = |y: &mut [T]| {
        let pass = Forward {
            level,
            shape,
            map: Map::new(shape),
            x,
            grid,
            y: Shared::new(y),
        };
        match layout {
            ChannelLayout::Planar => driver::forward::<T, Planar>(&pass),
            ChannelLayout::Padded => driver::forward::<T, Padded>(&pass),
            ChannelLayout::ChannelsLast => driver::forward::<T, ChannelsLast>(&pass),
        }
    };
    // SAFETY: the tasks cover all points of all images, and every layout stores all channels of a point and reads none.
    Ok(unsafe { written_by(shape.output_len(), fill) })
}

/// The gradients with respect to `x` and `grid`, from `dy`, that with respect to the output.
///
/// # Errors
/// As [`forward`].
pub fn backward<T: Number>(
    level: Level,
    layout: ChannelLayout,
    shape: &SampleShape<2>,
    [x, grid, dy]: [&[T]; 3],
    needs: NeedsGrad,
) -> Result<Gradients<T>> {
    check(level, layout, shape)?;
    shape.check(&[
        ("the input", x.len(), shape.input_len()),
        ("the grid", grid.len(), shape.grid_len()),
        ("the gradient of the output", dy.len(), shape.output_len()),
    ])?;
    if shape.is_empty() || !(needs.input || needs.grid) {
        return Ok(Gradients::zeros(shape, needs));
    }
    let mut dgrid = Vec::new();
    let fill = |dx: &mut [T]| {
        let fill = |dgrid: &mut [T]| {
            let pass = Backward {
                level,
                shape,
                map: Map::new(shape),
                x,
                grid,
                dy,
                dx: Shared::new(dx),
                dgrid: Shared::new(dgrid),
                needs,
            };
            match layout {
                ChannelLayout::Planar => driver::backward::<T, Planar>(&pass),
                ChannelLayout::Padded => driver::backward::<T, Padded>(&pass),
                ChannelLayout::ChannelsLast => driver::backward::<T, ChannelsLast>(&pass),
            }
        };
        let len = if needs.grid { shape.grid_len() } else { 0 };
        // SAFETY: the gradient of every point is stored by the one task that it falls to, and read by none.
        dgrid = unsafe { written_by(len, fill) };
    };
    let len = if needs.input { shape.input_len() } else { 0 };
    // SAFETY: the bands cover all rows of all images; each sets its rows to zero first, or stores them at its end.
    let input = unsafe { written_by(len, fill) };
    Ok(Gradients { input, grid: dgrid })
}

fn check(level: Level, layout: ChannelLayout, shape: &SampleShape<2>) -> Result<()> {
    if !level.available() {
        bail!("sampling: this CPU has no {level} instructions");
    }
    if layout == ChannelLayout::Padded && !Padded::serves(shape) {
        bail!("sampling: the layout {layout:?} does not serve {shape:?}");
    }
    Ok(())
}
