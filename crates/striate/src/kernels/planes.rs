//! Geometry of pooled planes, and the split of planes over threads.

use candle_core::Result;
use rayon::prelude::*;

use crate::window::Window2d;

/// Sizes of a pooling: `planes` maps of `h` x `w` become maps of `ho` x `wo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolShape {
    /// Images times channels.
    pub planes: usize,
    /// Input height.
    pub h: usize,
    /// Input width.
    pub w: usize,
    /// Output height.
    pub ho: usize,
    /// Output width.
    pub wo: usize,
    /// The window.
    pub window: Window2d,
}

impl PoolShape {
    /// The sizes for `planes` maps of `h` x `w`.
    ///
    /// # Errors
    /// Those of [`Window2d::output_size`].
    pub fn new(planes: usize, h: usize, w: usize, window: Window2d) -> Result<Self> {
        let (ho, wo) = window.output_size(h, w)?;
        Ok(Self {
            planes,
            h,
            w,
            ho,
            wo,
            window,
        })
    }

    /// Cells in all input maps.
    pub fn input_len(&self) -> usize {
        self.planes * self.h * self.w
    }

    /// Cells in all output maps.
    pub fn output_len(&self) -> usize {
        self.planes * self.ho * self.wo
    }

    /// The input row that cell `u` of the windows in output row `i` looks at, unless it is padding.
    #[inline(always)]
    pub fn row(&self, i: usize, u: usize) -> Option<usize> {
        let at = i * self.window.stride.0 + u * self.window.dilation.0;
        at.checked_sub(self.window.padding.0)
            .filter(|&row| row < self.h)
    }

    /// The input column that cell `v` of the windows in output column `j` looks at, unless it is padding.
    #[inline(always)]
    pub fn column(&self, j: usize, v: usize) -> Option<usize> {
        let at = j * self.window.stride.1 + v * self.window.dilation.1;
        at.checked_sub(self.window.padding.1)
            .filter(|&column| column < self.w)
    }

    /// For cell `v` of the windows: the output columns where it lies inside the input, and its input column at the first of them.
    pub(super) fn columns(&self, v: usize) -> Columns {
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

/// See [`PoolShape::columns`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns {
    pub(super) first: usize,
    pub(super) end: usize,
    pub(super) input: usize,
}

/// Cells that a task should at least work on, so that its start is not noticed.
const CELLS_A_TASK: usize = 1 << 15;

/// How many consecutive planes of `cells` cells make a task.
pub(super) fn planes_a_task(cells: usize) -> usize {
    (CELLS_A_TASK / cells.max(1)).max(1)
}

/// Calls `work(planes of a, planes of b)` for runs of whole planes, spread over the threads of the pool.
///
/// `a` is cut into planes of `a_plane` cells and `b` into planes of `b_plane`; both have the same number of planes.
///
/// # Panics
/// If a plane has no cells or the numbers of planes differ: no output may stay unwritten.
pub fn split<A: Sync, B: Send>(
    (a, a_plane): (&[A], usize),
    (b, b_plane): (&mut [B], usize),
    work: impl Fn(&[A], &mut [B]) + Sync,
) {
    assert_eq!(a.len().div_ceil(a_plane), b.len().div_ceil(b_plane));
    let run = planes_a_task(a_plane.max(b_plane));
    if b.len() <= run * b_plane {
        return work(a, b);
    }
    a.par_chunks(run * a_plane)
        .zip(b.par_chunks_mut(run * b_plane))
        .for_each(|(a, b)| work(a, b));
}

/// As [`split`] with two inputs; `work` is also told the index of its first plane.
pub fn split2<A: Sync, B: Sync, C: Send>(
    (a, a_plane): (&[A], usize),
    (b, b_plane): (&[B], usize),
    (c, c_plane): (&mut [C], usize),
    work: impl Fn(usize, &[A], &[B], &mut [C]) + Sync,
) {
    assert_eq!(a.len().div_ceil(a_plane), c.len().div_ceil(c_plane));
    assert_eq!(b.len().div_ceil(b_plane), c.len().div_ceil(c_plane));
    let run = planes_a_task(a_plane.max(b_plane).max(c_plane));
    if c.len() <= run * c_plane {
        return work(0, a, b, c);
    }
    a.par_chunks(run * a_plane)
        .zip(b.par_chunks(run * b_plane))
        .zip(c.par_chunks_mut(run * c_plane))
        .enumerate()
        .for_each(|(task, ((a, b), c))| work(task * run, a, b, c));
}
