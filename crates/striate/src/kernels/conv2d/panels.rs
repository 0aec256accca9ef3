//! Channels in vectors, vectors in panels: the layouts that the register block reads and writes.
//!
//! `channels` are padded to whole vectors and cut into panels of 1 to 4 vectors.
//! A packed operand is `[panel][k][vectors * LANES]`; the padding holds zeros.

use crate::kernels::real::Real;
use crate::kernels::simd::{Simd, Width};

/// A run of vectors of one register block's width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Panel {
    /// First channel.
    pub(super) start: usize,
    /// Width in vectors.
    pub(super) vectors: usize,
}

/// `channels` rounded up to whole vectors.
pub(super) fn padded(channels: usize, lanes: usize) -> usize {
    channels.next_multiple_of(lanes)
}

/// Cuts the channels into panels: three vectors wide if the registers allow and it divides, else what leaves no thin rest.
pub(super) fn panels(width: Width, channels: usize) -> Vec<Panel> {
    let mut left = channels.div_ceil(width.lanes);
    let mut panels = Vec::new();
    let mut start = 0;
    while left > 0 {
        let vectors = match (width.registers >= 32, left) {
            (_, 1) => 1,
            (false, _) | (true, 2) => 2,
            (true, 4) => 4,
            (true, left) if left % 3 != 0 && left % 4 == 0 => 4,
            (true, _) => 3,
        };
        panels.push(Panel { start, vectors });
        start += vectors * width.lanes;
        left -= vectors;
    }
    panels
}

/// The same channels in `count` panels or more, if vectors suffice: the widest are halved until there are as many.
pub(super) fn narrower(mut panels: Vec<Panel>, lanes: usize, count: usize) -> Vec<Panel> {
    while panels.len() < count {
        let widest = (0..panels.len()).max_by_key(|&at| panels[at].vectors);
        let Some(at) = widest.filter(|&at| panels[at].vectors > 1) else {
            break;
        };
        let Panel { start, vectors } = panels[at];
        let left = vectors / 2;
        panels[at].vectors = left;
        panels.insert(
            at + 1,
            Panel {
                start: start + left * lanes,
                vectors: vectors - left,
            },
        );
    }
    panels
}

/// Copies the cells of up to LANES filters, `plane` apart, into vectors over the filters: `to[cell * LANES ..]`.
/// `from` begins with the first filter and may go on behind the last.
///
/// Whole squares are transposed even where they reach into the next filter: `to` has LANES vectors at least.
///
/// # Safety
/// Called under `dispatch`; `from` has the filters, `to` has `cells` vectors, and LANES.
#[inline(always)]
pub(super) unsafe fn gather_cells<S: Simd>(
    from: &[S::Elem],
    plane: usize,
    filters: usize,
    cells: usize,
    to: &mut [S::Elem],
) {
    let rows = cells.max(S::LANES);
    let inside = (S::LANES - 1) * plane + rows <= from.len();
    let (from, to) = (from.as_ptr(), to.as_mut_ptr());
    // SAFETY: the squares are inside `from`, or only the filters are read.
    unsafe {
        if cells == 1 && plane == 1 {
            S::store(to, S::load_first(from, filters));
            return;
        }
        if filters < S::LANES || !inside {
            gather_channels::<S>(from, plane, filters, cells, to, S::LANES);
            return;
        }
        let mut cell = 0;
        while cell < cells {
            // The last square overlaps the one before.
            let at = cell.min(rows - S::LANES);
            S::transpose(from.add(at), plane, to.add(at * S::LANES), S::LANES);
            cell += S::LANES;
        }
    }
}

/// Copies pixels of channel maps, `plane` apart, into vectors over channels: `to[pixel * to_step ..]`, `LANES` wide.
/// Channels from `channels` on read as zero.
///
/// # Safety
/// `from` has `channels` planes with `pixels` numbers, `to` has `pixels` rows of LANES numbers.
#[inline(always)]
pub unsafe fn gather_channels<S: Simd>(
    from: *const S::Elem,
    plane: usize,
    channels: usize,
    pixels: usize,
    to: *mut S::Elem,
    to_step: usize,
) {
    let mut square = [S::Elem::ZERO; 256];
    // SAFETY: whole squares stay inside both sides; the rest goes through `square`, LANES x LANES at most.
    unsafe {
        let mut pixel = 0;
        while pixel < pixels {
            let count = (pixels - pixel).min(S::LANES);
            if channels >= S::LANES && count == S::LANES {
                S::transpose(from.add(pixel), plane, to.add(pixel * to_step), to_step);
            } else {
                for channel in 0..S::LANES {
                    let row = if channel < channels {
                        S::load_first(from.add(channel * plane + pixel), count)
                    } else {
                        S::zero()
                    };
                    S::store(square.as_mut_ptr().add(channel * S::LANES), row);
                }
                let mut transposed = [S::Elem::ZERO; 256];
                S::transpose(square.as_ptr(), S::LANES, transposed.as_mut_ptr(), S::LANES);
                for i in 0..count {
                    S::store(
                        to.add((pixel + i) * to_step),
                        S::load(transposed.as_ptr().add(i * S::LANES)),
                    );
                }
            }
            pixel += count;
        }
    }
}

/// The reverse of [`gather_channels`]: vectors over channels back to maps; only `channels` maps are written.
///
/// # Safety
/// As [`gather_channels`], the other way round.
#[inline(always)]
pub unsafe fn scatter_channels<S: Simd>(
    from: *const S::Elem,
    from_step: usize,
    channels: usize,
    pixels: usize,
    to: *mut S::Elem,
    plane: usize,
) {
    let mut square = [S::Elem::ZERO; 256];
    // SAFETY: as in `gather_channels`.
    unsafe {
        let mut pixel = 0;
        while pixel < pixels {
            let count = (pixels - pixel).min(S::LANES);
            if channels >= S::LANES && count == S::LANES {
                S::transpose(from.add(pixel * from_step), from_step, to.add(pixel), plane);
            } else {
                for i in 0..count {
                    S::store(
                        square.as_mut_ptr().add(i * S::LANES),
                        S::load(from.add((pixel + i) * from_step)),
                    );
                }
                let mut transposed = [S::Elem::ZERO; 256];
                S::transpose(square.as_ptr(), S::LANES, transposed.as_mut_ptr(), S::LANES);
                for channel in 0..channels.min(S::LANES) {
                    let row = S::load(transposed.as_ptr().add(channel * S::LANES));
                    S::store_first(to.add(channel * plane + pixel), row, count);
                }
            }
            pixel += count;
        }
    }
}
