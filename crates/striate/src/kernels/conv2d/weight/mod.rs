//! The weight gradient: dw[o,c,u,v] = sum over n, i, j of  x[n, c, i*s + u*d - p, j*s + v*d - p] * dy[n,o,i,j].
//!
//! The same register block as the forward pass with other roles: its rows are the (c, u, v) of a patch of x,
//! k runs over output pixels, and the lanes are output channels.
//!
//! ```text
//! cut the output pixels of all images into blocks (a few rows, or several small images)
//! for each part, a fixed share of the blocks (in parallel):
//!     for each block:
//!         patch = what its windows see, [image][c][rows][columns]
//!         dy_panels = dy of the block as [panel][pixel][lanes]
//!         for each panel, rows (c, u, v):  sums[(c,u,v)][o] += patch[(c,u,v) + offset(pixel)] * dy_panels[pixel]
//! dw = the parts' sums in order, transposed to [o][(c, u, v)]
//! ```
//!
//! The number of parts depends on the sizes alone, so the bits do not depend on the number of threads.
//!
//! | file | what it holds |
//! |:--|:--|
//! | [`blocks`] | the cut into blocks, and where a block's patch lies |
//! | [`part`] | the sums of one part |
//!
//! Safety: a part writes its own sums; offsets into the patch are built with its sizes.

use super::ConvShape;
use super::direct::flattened;
use super::panels::{Panel, narrower, padded, panels, scatter_channels};
use crate::kernels::level::Level;
use crate::kernels::output::written_by;
use crate::kernels::scratch::Scratch;
use crate::kernels::shared::Shared;
use crate::kernels::simd::{Kernel, Lanes, Simd, dispatch, width};
use crate::kernels::tasks::run_tasks;
use blocks::Blocks;
use part::Part;

mod blocks;
mod part;

/// Parts with sums of their own.
const PARTS: usize = 4;

/// See [`super::backward_weight`]; there is at least one image and one weight.
pub(super) fn backward_weight<T: Lanes>(level: Level, s: &ConvShape, x: &[T], dy: &[T]) -> Vec<T> {
    let s = &flattened(s);
    let width = width::<T>(level);
    let (c, o, cells) = (s.c_in / s.groups, s.c_out / s.groups, s.kh * s.kw);
    let (taps, wide) = (c * cells, padded(o, width.lanes));
    let blocks = Blocks::of(s);
    let Cut {
        parts,
        panels,
        shares,
    } = Cut::of::<T>(level, s, &blocks);
    let mut sums = Scratch::<T>::new(parts * taps * wide);
    let fill = |dw: &mut [T]| {
        for group in 0..s.groups {
            let shared = Shared::new(&mut sums);
            run_tasks(parts * shares, &|task| {
                let (part, share) = (task / shares, task % shares);
                let share = panels.len() * share / shares..panels.len() * (share + 1) / shares;
                let part = Part {
                    level,
                    s,
                    group,
                    blocks: &blocks,
                    panels: &panels[share],
                    x,
                    dy,
                    sums: shared,
                    part,
                    parts,
                };
                dispatch(level, part);
            });
            let dw = Shared::new(&mut dw[group * o * taps..][..o * taps]);
            // Pieces of 16 rows (c, u, v), so that every vector width divides them.
            run_tasks(taps.div_ceil(16), &|piece| {
                let (row, count) = (piece * 16, (taps - piece * 16).min(16));
                dispatch(
                    level,
                    Total {
                        sums: shared,
                        dw,
                        parts,
                        row,
                        count,
                        taps,
                        o,
                        wide,
                    },
                );
            });
        }
    };
    // SAFETY: the totals of all groups together store every weight, and load none.
    unsafe { written_by(s.weight_len(), fill) }
}

/// Parts, and how threads share the panels of a part where there are more threads than parts.
struct Cut {
    parts: usize,
    panels: Vec<Panel>,
    shares: usize,
}

impl Cut {
    fn of<T: Lanes>(level: Level, s: &ConvShape, blocks: &Blocks) -> Self {
        let width = width::<T>(level);
        let parts = PARTS.min(blocks.count(s));
        let wanted = rayon::current_num_threads().div_ceil(parts.max(1));
        let panels = panels(width, s.c_out / s.groups);
        let panels = narrower(panels, width.lanes, wanted);
        Self {
            parts,
            shares: wanted.min(panels.len()).max(1),
            panels,
        }
    }
}

/// Independent parts of the weight gradient of a group.
pub(super) fn independent<T: Lanes>(level: Level, s: &ConvShape) -> usize {
    let s = &flattened(s);
    let cut = Cut::of::<T>(level, s, &Blocks::of(s));
    cut.parts * cut.shares
}

/// Adds the parts of a few rows (c, u, v) and transposes them to [o][(c, u, v)].
struct Total<T> {
    sums: Shared<T>,
    dw: Shared<T>,
    parts: usize,
    row: usize,
    count: usize,
    taps: usize,
    o: usize,
    wide: usize,
}

impl<T: Lanes> Kernel<T> for Total<T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd<Elem = T>>(self) {
        let mut total = [T::ZERO; 256];
        for channel in (0..self.o).step_by(S::LANES) {
            // SAFETY: reads stay inside the parts' sums, which nobody writes any more;
            // each task writes its own columns of dw; `total` holds 16 rows of a vector.
            unsafe {
                for row in 0..self.count {
                    let at =
                        |part: usize| (part * self.taps + self.row + row) * self.wide + channel;
                    let mut sum = S::load(self.sums.at(at(0), S::LANES));
                    for part in 1..self.parts {
                        sum = S::add(sum, S::load(self.sums.at(at(part), S::LANES)));
                    }
                    S::store(total.as_mut_ptr().add(row * S::LANES), sum);
                }
                let to = self.dw.at(channel * self.taps + self.row, self.count);
                scatter_channels::<S>(
                    total.as_ptr(),
                    S::LANES,
                    self.o - channel,
                    self.count,
                    to,
                    self.taps,
                );
            }
        }
    }
}
