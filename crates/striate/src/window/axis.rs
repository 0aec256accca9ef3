//! One axis of a window over an input: positions, and the cells that each position sees.

use std::ops::Range;

use candle_core::{Result, bail};

use super::{Rounding, span};

/// Most cells of a framed axis or of a span, so that sums of both fit `isize`.
const MOST: usize = isize::MAX as usize / 4;

/// A window along one axis.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    /// Height or width.
    pub(super) name: &'static str,
    /// Cells of the input.
    pub(super) len: usize,
    pub(super) size: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
    pub(super) dilation: usize,
    pub(super) rounding: Rounding,
}

impl Axis {
    /// Number of positions: see [`Window2d::output_size`](super::Window2d::output_size).
    pub(super) fn positions(&self) -> Result<usize> {
        let Self {
            name,
            len,
            size,
            stride,
            padding,
            dilation,
            rounding,
        } = *self;
        for (what, value) in [("size", size), ("stride", stride), ("dilation", dilation)] {
            if value == 0 {
                bail!("window: {what} along the {name} is 0; use 1 or more");
            }
        }
        let span = span(size, dilation);
        let framed = padding.checked_mul(2).and_then(|p| p.checked_add(len));
        let Some(framed) = framed.filter(|&framed| framed <= MOST) else {
            bail!("window: {name} {len} with padding {padding} on both sides overflows");
        };
        // What rounding up may add to the input.
        let slack = match rounding {
            Rounding::Floor => 0,
            Rounding::Ceil => stride - 1,
        };
        if framed == 0 || framed.saturating_add(slack) < span {
            bail!(
                "window: {name} {len} with padding {padding} on both sides is smaller than the window, \
                 which spans {span} (size {size}, dilation {dilation}); use a smaller window or more padding"
            );
        }
        if span > MOST {
            bail!(
                "window: a span of {span} along the {name} (size {size}, dilation {dilation}) overflows"
            );
        }
        Ok(match rounding {
            Rounding::Floor => (framed - span) / stride + 1,
            Rounding::Ceil => {
                let out = framed.saturating_sub(span).div_ceil(stride) + 1;
                // The position that rounding up adds must start inside the input or the leading padding.
                let last_start = (out - 1).saturating_mul(stride);
                if out > 1 && last_start >= len + padding {
                    out - 1
                } else {
                    out
                }
            }
        })
    }

    /// The first position that sees nothing but padding.
    pub(super) fn position_in_padding(&self) -> Result<Option<usize>> {
        let out = self.positions()?;
        if self.seen(0).is_empty() {
            return Ok(Some(0));
        }
        // Among positions that start in the leading padding, only a step over the whole input can miss it.
        let leading = self.padding.div_ceil(self.stride).min(out);
        let may_miss = self.dilation > self.len && !self.stride.is_multiple_of(self.dilation);
        if may_miss && let Some(at) = (1..leading).find(|&at| self.seen(at).is_empty()) {
            // At most `len` positions in a row see the input, so the search is short.
            return Ok(Some(at));
        }
        let beyond = (self.padding + self.len).div_ceil(self.stride);
        Ok((beyond < out).then_some(beyond))
    }

    /// The cells of the window at a position that lie inside the input.
    pub(crate) fn seen(&self, position: usize) -> Range<usize> {
        self.cells_between(position, self.padding, self.padding + self.len)
    }

    /// The input indices that those cells look at, in order.
    #[inline(always)]
    pub(crate) fn looked_at(&self, position: usize) -> impl Iterator<Item = usize> + Clone + use<> {
        let start = position * self.stride;
        let (padding, dilation) = (self.padding, self.dilation);
        self.seen(position)
            .map(move |cell| start + cell * dilation - padding)
    }

    /// The cells that lie inside the input at any of the first `positions`, in order.
    pub(crate) fn ever_seen(&self, positions: usize) -> Vec<usize> {
        let mut cells = Vec::new();
        let mut next = 0;
        // From the last position to the first, the cells that it sees move on.
        for position in (0..positions).rev() {
            let seen = self.seen(position);
            cells.extend(seen.start.max(next)..seen.end);
            next = next.max(seen.end);
        }
        cells
    }

    /// The cells of the window at a position that lie inside the input or its padding.
    pub(crate) fn seen_framed(&self, position: usize) -> Range<usize> {
        self.cells_between(position, 0, self.len + 2 * self.padding)
    }

    /// The cells of the window at a position that lie at `low..high` of the framed input.
    fn cells_between(&self, position: usize, low: usize, high: usize) -> Range<usize> {
        let start = position * self.stride;
        let to = |bound: usize| bound.saturating_sub(start).div_ceil(self.dilation);
        let end = to(high).min(self.size);
        to(low).min(end)..end
    }
}
