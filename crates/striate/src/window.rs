//! Window geometry: the one place where output sizes are computed.
//!
//! A window of `size` cells, spread by `dilation`, slides by `stride` over an input that is framed by `padding` on all four sides.
//! Along one axis of length `L` the number of positions is
//!
//! ```text
//! span = dilation * (size - 1) + 1
//! out  = round((L + 2 * padding - span) / stride) + 1
//! ```
//!
//! where `round` is floor or ceil, and `out` must be at least 1.
//! A position that [`Rounding::Ceil`] adds must start inside the input or its leading padding.
//! So under [`Rounding::Ceil`] an input that is smaller than the window by less than a stride still has one position.
//! This is PyTorch's rule.

use candle_core::Result;
use serde::{Deserialize, Serialize};

mod axis;

pub(crate) use axis::Axis;

/// What happens to a last window that does not fit into the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rounding {
    /// The window is dropped.
    #[default]
    Floor,
    /// The window is kept and sees only the cells that exist (PyTorch's `ceil_mode`).
    Ceil,
}

/// A two-dimensional sliding window; every pair is (height, width).
///
/// ```
/// use striate::window::Window2d;
/// let pool = Window2d::square(3).stride(2);
/// assert_eq!(pool.output_size(32, 32)?, (15, 15));
/// assert_eq!(pool.ceil().output_size(32, 32)?, (16, 16));
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window2d {
    /// Cells in the window.
    pub size: (usize, usize),
    /// Step from one window to the next; 1 unless set.
    #[serde(default = "one")]
    pub stride: (usize, usize),
    /// Cells added on each side of the input; 0 unless set.
    #[serde(default)]
    pub padding: (usize, usize),
    /// Distance between the cells of a window; 1 unless set.
    #[serde(default = "one")]
    pub dilation: (usize, usize),
    /// What happens to a last window that does not fit; floor unless set.
    #[serde(default)]
    pub rounding: Rounding,
}

fn one() -> (usize, usize) {
    (1, 1)
}

impl Window2d {
    /// A window of `size` (height, width) that moves by one cell.
    pub fn new(size: (usize, usize)) -> Self {
        Self {
            size,
            stride: (1, 1),
            padding: (0, 0),
            dilation: (1, 1),
            rounding: Rounding::Floor,
        }
    }

    /// A `k` x `k` window that moves by one cell.
    pub fn square(k: usize) -> Self {
        Self::new((k, k))
    }

    /// Sets the same stride along both axes.
    pub fn stride(self, stride: usize) -> Self {
        self.strides((stride, stride))
    }

    /// Sets the stride as (height, width).
    pub fn strides(self, stride: (usize, usize)) -> Self {
        Self { stride, ..self }
    }

    /// Sets the same padding along both axes.
    pub fn padding(self, padding: usize) -> Self {
        self.paddings((padding, padding))
    }

    /// Sets the padding as (height, width).
    pub fn paddings(self, padding: (usize, usize)) -> Self {
        Self { padding, ..self }
    }

    /// Sets the same dilation along both axes.
    pub fn dilation(self, dilation: usize) -> Self {
        self.dilations((dilation, dilation))
    }

    /// Sets the dilation as (height, width).
    pub fn dilations(self, dilation: (usize, usize)) -> Self {
        Self { dilation, ..self }
    }

    /// Keeps a last window that does not fit ([`Rounding::Ceil`]).
    pub fn ceil(self) -> Self {
        Self {
            rounding: Rounding::Ceil,
            ..self
        }
    }

    /// Number of window positions (height, width) over an input of `h` x `w` cells.
    ///
    /// # Errors
    /// A size, stride or dilation of zero; an input, framed by its padding, that is too small for one position;
    /// sizes too large to be added up.
    pub fn output_size(&self, h: usize, w: usize) -> Result<(usize, usize)> {
        Ok((self.rows(h).positions()?, self.columns(w).positions()?))
    }

    /// Cells from the first to the last of one window (height, width): `dilation * (size - 1) + 1`.
    ///
    /// A window of size zero spans zero cells; a span too large for `usize` is reported as `usize::MAX`.
    pub fn span(&self) -> (usize, usize) {
        (
            span(self.size.0, self.dilation.0),
            span(self.size.1, self.dilation.1),
        )
    }

    /// The first window, as (axis, position), that lies in the padding alone over an input of `h` x `w` cells.
    ///
    /// # Errors
    /// Those of [`Window2d::output_size`].
    pub fn position_in_padding(&self, h: usize, w: usize) -> Result<Option<(&'static str, usize)>> {
        let (rows, columns) = (self.rows(h), self.columns(w));
        let (in_rows, in_columns) = (rows.position_in_padding()?, columns.position_in_padding()?);
        let row = in_rows.map(|row| ("height", row));
        Ok(row.or(in_columns.map(|column| ("width", column))))
    }

    /// The window's rows over an input of `len` rows.
    pub(crate) fn rows(&self, len: usize) -> Axis {
        Axis {
            name: "height",
            len,
            size: self.size.0,
            stride: self.stride.0,
            padding: self.padding.0,
            dilation: self.dilation.0,
            rounding: self.rounding,
        }
    }

    /// The window's columns over an input of `len` columns.
    pub(crate) fn columns(&self, len: usize) -> Axis {
        Axis {
            name: "width",
            len,
            size: self.size.1,
            stride: self.stride.1,
            padding: self.padding.1,
            dilation: self.dilation.1,
            rounding: self.rounding,
        }
    }
}

fn span(size: usize, dilation: usize) -> usize {
    match size {
        0 => 0,
        n => dilation.saturating_mul(n - 1).saturating_add(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() -> Result<()> {
        // (window, input, output); the ceil cases were checked with torch.nn.functional.max_pool2d.
        let cases = [
            (Window2d::square(2).stride(2), (8, 7), (4, 3)),
            (Window2d::square(2).stride(2).ceil(), (8, 7), (4, 4)),
            (Window2d::square(3).stride(2), (32, 32), (15, 15)),
            (Window2d::square(3).stride(2).padding(1), (32, 32), (16, 16)),
            (
                Window2d::square(2).stride(3).padding(1).ceil(),
                (5, 4),
                (2, 2),
            ),
            (Window2d::square(1).stride(3).ceil(), (4, 5), (2, 2)),
            (Window2d::square(3).dilation(2), (5, 9), (1, 5)),
            // Maps that are smaller than their window by less than a stride.
            (Window2d::square(3).stride(2).ceil(), (2, 2), (1, 1)),
            (Window2d::square(2).stride(2).ceil(), (1, 1), (1, 1)),
            (Window2d::square(4).stride(3).ceil(), (2, 2), (1, 1)),
            (Window2d::square(3).stride(3).ceil(), (1, 1), (1, 1)),
            (
                Window2d::new((3, 2)).strides((2, 1)).paddings((1, 0)),
                (7, 6),
                (4, 5),
            ),
        ];
        for (window, (h, w), expected) in cases {
            assert_eq!(window.output_size(h, w)?, expected, "{window:?} on {h}x{w}");
        }
        Ok(())
    }

    #[test]
    fn errors() {
        let message = |window: Window2d| match window.output_size(4, 4) {
            Ok(size) => panic!("{window:?} accepted with output {size:?}"),
            Err(error) => error.to_string(),
        };
        assert!(message(Window2d::square(0)).contains("size along the height is 0"));
        assert!(message(Window2d::square(2).stride(0)).contains("stride"));
        assert!(message(Window2d::square(2).dilation(0)).contains("dilation"));
        assert!(message(Window2d::new((2, 5))).contains("width 4"));
        assert!(message(Window2d::square(2).padding(usize::MAX)).contains("overflows"));
        assert!(message(Window2d::square(usize::MAX).dilation(3)).contains("smaller"));
        assert!(message(Window2d::square(7).stride(3).ceil()).contains("smaller"));
        assert!(
            Window2d::square(6)
                .stride(3)
                .ceil()
                .output_size(4, 4)
                .is_ok()
        );
    }

    /// The answer of a walk over all cells of all windows.
    fn walked(window: &Window2d, h: usize, w: usize) -> Result<Option<(&'static str, usize)>> {
        let (out_h, out_w) = window.output_size(h, w)?;
        let first = |out, len, pick: fn((usize, usize)) -> usize| {
            let (size, stride) = (pick(window.size), pick(window.stride));
            let (padding, dilation) = (pick(window.padding), pick(window.dilation));
            (0..out).find(|position| {
                let mut cells = (0..size).map(|u| position * stride + u * dilation);
                !cells.any(|at| (padding..padding + len).contains(&at))
            })
        };
        let (row, column) = (first(out_h, h, |p| p.0), first(out_w, w, |p| p.1));
        let row = row.map(|row| ("height", row));
        Ok(row.or(column.map(|column| ("width", column))))
    }

    #[test]
    fn the_position_in_padding_is_that_of_a_walk() -> Result<()> {
        for len in 1..6 {
            for (size, stride) in (1..5).flat_map(|size| (1..6).map(move |stride| (size, stride))) {
                for (padding, dilation) in (0..8).flat_map(|p| (1..6).map(move |d| (p, d))) {
                    let floor = Window2d::new((size, 1))
                        .strides((stride, 1))
                        .paddings((padding, 0))
                        .dilations((dilation, 1));
                    for window in [floor, floor.ceil()] {
                        if window.output_size(len, 1).is_err() {
                            continue;
                        }
                        let got = window.position_in_padding(len, 1)?;
                        assert_eq!(got, walked(&window, len, 1)?, "{window:?} on {len}");
                    }
                }
            }
        }
        Ok(())
    }

    #[test]
    fn huge_windows_are_answered_at_once() -> Result<()> {
        let huge = 1 << 60;
        let around = Window2d::square(huge).padding(huge - 1);
        assert_eq!(around.output_size(1, 1)?, (huge, huge));
        assert_eq!(around.position_in_padding(1, 1)?, None);
        let gaps = Window2d::square(2).dilation(huge / 2).padding(huge / 2);
        assert_eq!(gaps.position_in_padding(1, 1)?, Some(("height", 1)));
        Ok(())
    }
}
