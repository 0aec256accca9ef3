//! Channels in vectors, vectors in panels: the layouts that the register block reads and writes.
//!
//! `channels` are padded to whole vectors and cut into panels of 1 to 4 vectors.
//! A packed operand is `[panel][k][vectors * LANES]`; the padding holds zeros.

use rayon::prelude::*;

use crate::kernels::real::Real;
use crate::kernels::shared::Shared;
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

/// Packs `value(k, channel)` for k below `count` as `[panel][k][vectors * LANES]`.
pub(super) fn pack<T: Real>(
    width: Width,
    panels: &[Panel],
    channels: usize,
    count: usize,
    to: &mut [T],
    value: impl Fn(usize, usize) -> T + Sync,
) {
    let to = Shared::new(to);
    // Small enough pieces that two threads share one panel.
    const RUN: usize = 64;
    let runs = count.div_ceil(RUN);
    (0..panels.len() * runs).into_par_iter().for_each(|task| {
        let panel = panels[task / runs];
        let wide = panel.vectors * width.lanes;
        for k in task % runs * RUN..((task % runs + 1) * RUN).min(count) {
            for lane in 0..wide {
                let channel = panel.start + lane;
                let packed = if channel < channels {
                    value(k, channel)
                } else {
                    T::ZERO
                };
                // SAFETY: the panel starts at `start * count`, and each task writes its own rows of it.
                unsafe {
                    to.at(panel.start * count + k * wide + lane, 1)
                        .write(packed)
                };
            }
        }
    });
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
