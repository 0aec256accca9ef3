//! Sizes of a pooling, checked once.

use candle_core::{Result, bail};

use super::sizes::product;
use crate::window::Window2d;

/// Sizes of a pooling: `planes` maps of `h` x `w` become maps of `ho` x `wo`.
///
/// Every window sees at least one cell of its map, and every position in a map fits 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolShape {
    /// Images times channels.
    pub(super) planes: usize,
    /// Input height.
    pub(crate) h: usize,
    /// Input width.
    pub(crate) w: usize,
    /// Output height.
    pub(crate) ho: usize,
    /// Output width.
    pub(crate) wo: usize,
    /// The window.
    pub(crate) window: Window2d,
}

impl PoolShape {
    /// The sizes for `planes` maps of `h` x `w`.
    ///
    /// # Errors
    /// Those of [`Window2d::output_size`]; a window that lies in the padding alone; sizes that are too large.
    pub fn new(planes: usize, h: usize, w: usize, window: Window2d) -> Result<Self> {
        let (ho, wo) = window.output_size(h, w)?;
        if u32::try_from(product("maps", &[h, w])?).is_err() {
            bail!("maps of {h} x {w} cells are too large; positions must fit 32 bits");
        }
        product("the input", &[planes, h, w])?;
        product("the output", &[planes, ho, wo])?;
        if let Some((axis, at)) = window.position_in_padding(h, w)? {
            bail!(
                "window {at} along the {axis} lies in the padding alone ({window:?} on maps of {h} x {w}); use less padding"
            );
        }
        Ok(Self {
            planes,
            h,
            w,
            ho,
            wo,
            window,
        })
    }

    /// Height and width of the output maps.
    pub fn output_size(&self) -> (usize, usize) {
        (self.ho, self.wo)
    }

    /// Cells in all input maps.
    pub fn input_len(&self) -> usize {
        self.planes * self.h * self.w
    }

    /// Cells in all output maps.
    pub fn output_len(&self) -> usize {
        self.planes * self.ho * self.wo
    }

    /// Whether there are no maps, and then no numbers.
    pub(super) fn is_empty(&self) -> bool {
        self.planes == 0
    }

    /// The input row that cell `u` of the windows in output row `i` looks at, unless it is padding.
    pub(crate) fn row(&self, i: usize, u: usize) -> Option<usize> {
        let at = i * self.window.stride.0 + u * self.window.dilation.0;
        at.checked_sub(self.window.padding.0)
            .filter(|&row| row < self.h)
    }

    /// The input column that cell `v` of the windows in output column `j` looks at, unless it is padding.
    pub(crate) fn column(&self, j: usize, v: usize) -> Option<usize> {
        let at = j * self.window.stride.1 + v * self.window.dilation.1;
        at.checked_sub(self.window.padding.1)
            .filter(|&column| column < self.w)
    }

    /// The input rows that the windows in output row `i` see, from top to bottom.
    #[inline(always)]
    pub(super) fn rows(&self, i: usize) -> impl Iterator<Item = usize> + Clone + use<> {
        self.window.rows(self.h).looked_at(i)
    }

    /// The input columns that the windows in output column `j` see, from left to right.
    #[inline(always)]
    pub(super) fn columns_of(&self, j: usize) -> impl Iterator<Item = usize> + use<> {
        self.window.columns(self.w).looked_at(j)
    }

    /// The columns of the window that see any input, from left to right.
    ///
    /// Without planes no output bounds their number, and a kernel has nothing to do: see [`PoolShape::is_empty`].
    pub(super) fn columns(&self) -> Vec<Columns> {
        let cells = self.window.columns(self.w).ever_seen(self.wo);
        cells.into_iter().map(|v| self.column_range(v)).collect()
    }

    /// For cell `v` of the windows: the output columns where it lies inside the input, and its input column at the first of them.
    fn column_range(&self, v: usize) -> Columns {
        let (stride, padding) = (self.window.stride.1, self.window.padding.1);
        let offset = v * self.window.dilation.1;
        let first = padding.saturating_sub(offset).div_ceil(stride).min(self.wo);
        let end = (self.w + padding).saturating_sub(offset).div_ceil(stride);
        let end = end.clamp(first, self.wo);
        Columns {
            first,
            end,
            // Only meaningful where the range is not empty.
            input: (first * stride + offset).saturating_sub(padding),
        }
    }
}

/// A column of the window: the output columns `first..end` where it sees the input, the first of them at column `input`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns {
    pub(super) first: usize,
    pub(super) end: usize,
    pub(super) input: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{avg_pool2d, max_pool2d};

    /// A window of 2^40 columns, in as many places, on maps that there are none of.
    #[test]
    fn without_planes_a_window_takes_no_memory() -> Result<()> {
        let wide = Window2d::new((1, 1 << 40)).paddings((0, (1 << 40) - 1));
        let s = PoolShape::new(0, 1, 8, wide)?;
        assert_eq!(s.output_size(), (1, (1 << 40) + 7));
        for counted in [avg_pool2d::Counted::Frame, avg_pool2d::Counted::Input] {
            assert!(avg_pool2d::forward::<f32>(&s, counted, &[]).is_empty());
            assert!(avg_pool2d::backward::<f32>(&s, counted, &[]).is_empty());
        }
        assert!(max_pool2d::forward::<f32>(&s, &[]).is_empty());
        assert!(
            max_pool2d::forward_with_positions::<f32>(&s, &[])
                .0
                .is_empty()
        );
        assert!(max_pool2d::backward::<f32>(&s, &[], &[]).is_empty());
        assert!(max_pool2d::backward_from_input::<f32>(&s, &[], &[]).is_empty());
        Ok(())
    }
}
