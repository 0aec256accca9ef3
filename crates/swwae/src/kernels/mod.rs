//! Fast CPU kernels of soft pooling and unpooling: slices and sizes in, vectors out.
//!
//! Work is split over threads by whole planes and every sum has a fixed order,
//! so the bits of a result do not depend on the number of threads.

mod exp;
pub(crate) mod soft_pool;
pub(crate) mod soft_unpool;

pub(crate) use exp::Exp;

/// Sizes of a soft pooling: `planes` maps of `h` x `w`, windows of `k` x `k` side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SoftShape {
    /// Images times channels.
    pub(crate) planes: usize,
    /// Height of a map.
    pub(crate) h: usize,
    /// Width of a map.
    pub(crate) w: usize,
    /// Windows in a column.
    pub(crate) ho: usize,
    /// Windows in a row.
    pub(crate) wo: usize,
    /// Side of a window.
    pub(crate) k: usize,
}

impl SoftShape {
    /// Cells of a map.
    pub(crate) fn cells(&self) -> usize {
        self.h * self.w
    }

    /// Windows of a map.
    pub(crate) fn windows(&self) -> usize {
        self.ho * self.wo
    }

    /// The coordinate in [-1, 1] of row or column `u` of a window; the center for windows of one cell.
    pub(crate) fn coordinate(&self, u: usize) -> f64 {
        match self.k {
            1 => 0.0,
            k => 2.0 * u as f64 / (k - 1) as f64 - 1.0,
        }
    }

    /// Rows of the map that windows in row `i` see: fewer than `k` where the last window hangs over the edge.
    fn rows(&self, i: usize) -> std::ops::Range<usize> {
        i * self.k..((i + 1) * self.k).min(self.h)
    }

    /// Columns of the map that any window sees.
    fn covered_columns(&self) -> usize {
        (self.wo * self.k).min(self.w)
    }
}
