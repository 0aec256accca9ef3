//! One tile of one image: its patch, its sums, and their way to the maps.

use std::ops::Range;

use super::phases::Tap;
use super::plan::{Patch, Plan, Tiling};
use crate::kernels::conv2d::block::{Ahead, Along, Finish, Operands, rows};
use crate::kernels::conv2d::panels::{Panel, scatter_channels};
use crate::kernels::conv2d::patch::{Pixels, Rect, cut, cut_pixels};
use crate::kernels::scratch::Scratch;
use crate::kernels::shared::Shared;
use crate::kernels::simd::{Kernel, Lanes, Simd};

/// Products summed before the next panel's turn: a run of packed weights stays in the first cache.
const RUN: usize = 192;

/// See the module.
pub(super) struct Tile<'a, T> {
    pub(super) plan: &'a Plan<'a, T>,
    pub(super) tiling: &'a Tiling,
    pub(super) offsets: &'a [Vec<u32>],
    pub(super) panels: &'a [Panel],
    pub(super) packed: &'a [T],
    /// Of the group's channels, padded to vectors; null for none.
    pub(super) bias: *const T,
    /// The group's maps of the image.
    pub(super) from: &'a [T],
    pub(super) to: Shared<T>,
    /// Where the group's maps of the image begin in `to`.
    pub(super) to_image: usize,
    /// The tile's first row and column, in steps of `spread`.
    pub(super) row: usize,
    pub(super) column: usize,
}

impl<T: Lanes> Kernel<T> for Tile<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd<Elem = T>>(self) {
        let (plan, t) = (self.plan, self.tiling);
        let (from, to, spread) = (plan.from, plan.to, plan.phases.spread);
        // The tile in steps of `spread`, then its rectangle of the output.
        let size = (
            t.rows.min(t.grid.0 - self.row),
            t.columns.min(t.grid.1 - self.column),
        );
        let (top, left) = (self.row * spread.0, self.column * spread.1);
        let height = (size.0 * spread.0).min(to.h - top);
        let across = (size.1 * spread.1).min(to.w - left);

        // What the windows see: at once, or phase by phase.
        let (mut patch, steps) = match t.patch {
            Patch::Rectangle {
                origin,
                span,
                columns,
                plane,
            } => {
                let mut patch = Scratch::<T>::new(from.count * plane);
                let rect = Rect {
                    row: (self.row * plan.step.0) as isize + origin.0,
                    column: (self.column * plan.step.1) as isize + origin.1,
                    rows: (size.0 - 1) * plan.step.0 + span.0 + 1,
                    columns: (size.1 - 1) * plan.step.1 + span.1 + 1,
                };
                cut(
                    self.from, from.count, from.h, from.w, rect, &mut patch, plane, columns,
                );
                (patch, (plan.step.0 * columns, plan.step.1))
            }
            Patch::ByTap { plane, taps } => {
                (Scratch::<T>::new(from.count * taps * plane), (t.columns, 1))
            }
        };

        // sums[pixel][channel], one phase after the other.
        let mut sums = Scratch::<T>::new(height * across * t.wide);
        let (mut a_rows, mut c_rows) = (Vec::new(), Vec::new());
        let mut packed = self.packed.as_ptr();
        for (phase, offsets) in plan.phases.list.iter().zip(self.offsets) {
            if let Patch::ByTap { plane, .. } = t.patch {
                self.read_taps(&phase.taps, size, plane, &mut patch);
            }
            a_rows.clear();
            c_rows.clear();
            for i in 0..height.saturating_sub(phase.start.0).div_ceil(spread.0) {
                for j in 0..across.saturating_sub(phase.start.1).div_ceil(spread.1) {
                    a_rows.push((i * steps.0 + j * steps.1) as u32);
                    let pixel =
                        (i * spread.0 + phase.start.0) * across + j * spread.1 + phase.start.1;
                    c_rows.push((pixel * t.wide) as u32);
                }
            }
            let runs = offsets.len().div_ceil(RUN).max(1);
            for panel in self.panels {
                for run in 0..runs {
                    let (k, end) = (offsets.len() * run / runs, offsets.len() * (run + 1) / runs);
                    let finish = Finish {
                        bias: if self.bias.is_null() {
                            self.bias
                        } else {
                            self.bias.wrapping_add(panel.start)
                        },
                        relu: plan.relu,
                    };
                    let lanes = panel.vectors * S::LANES;
                    // SAFETY: a row and an offset together stay inside the patch, whose size they were built from;
                    // each panel has one row of `lanes` numbers for each offset; rows of `sums` are `wide` numbers.
                    unsafe {
                        let operands = Operands {
                            a: patch.as_ptr(),
                            along: Along::Offsets(&offsets[k..end]),
                            b: packed.add(panel.start * offsets.len() + k * lanes),
                            b_step: lanes,
                            c: sums.as_mut_ptr().add(panel.start),
                            accumulate: run > 0,
                            finish: (run + 1 == runs).then_some(finish),
                            ahead: Ahead::Nothing,
                        };
                        rows(plan.level, panel.vectors, operands, &a_rows, &c_rows);
                    }
                }
            }
            // SAFETY: the next phase's weights, or the end of the buffer.
            packed = unsafe { packed.add(offsets.len() * t.wide) };
        }

        // To the maps. Whole rows follow each other in a map; a narrower tile goes row by row.
        let (pieces, pixels) = if across == to.w {
            (1, height * across)
        } else {
            (height, across)
        };
        let channels = self.channels::<S>();
        for channel in channels.clone().step_by(S::LANES) {
            for piece in 0..pieces {
                let at = self.to_image + (channel * to.h + top + piece) * to.w + left;
                let channels = channels.end - channel;
                // SAFETY: tiles do not overlap, so no other task writes here; the rectangle is inside each map.
                unsafe {
                    let from = sums.as_ptr().add(piece * pixels * t.wide + channel);
                    scatter_channels::<S>(
                        from,
                        t.wide,
                        channels,
                        pixels,
                        self.to.at(at, pixels),
                        to.h * to.w,
                    );
                }
            }
        }
    }
}

impl<T: Lanes> Tile<'_, T> {
    /// The channels of its panels, which follow each other.
    fn channels<S: Simd<Elem = T>>(&self) -> Range<usize> {
        let start = self.panels.first().map_or(0, |panel| panel.start);
        let end = self.panels.last();
        let end = end.map_or(0, |panel| panel.start + panel.vectors * S::LANES);
        start..end.min(self.plan.to.count)
    }

    /// Fills the patch with what each tap of a phase reads in each map.
    fn read_taps(&self, taps: &[Tap], size: (usize, usize), plane: usize, patch: &mut [T]) {
        let (from, step) = (self.plan.from, self.plan.step);
        for (k, to) in patch.chunks_exact_mut(plane).enumerate() {
            let Some(map) = k.checked_div(taps.len()).filter(|&map| map < from.count) else {
                break;
            };
            let tap = taps[k % taps.len()];
            let pixels = Pixels {
                row: (self.row * step.0) as isize + tap.row,
                column: (self.column * step.1) as isize + tap.column,
                step,
                rows: size.0,
                columns: size.1,
            };
            let map = &self.from[map * from.h * from.w..][..from.h * from.w];
            cut_pixels(map, (from.h, from.w), pixels, to, self.tiling.columns);
        }
    }
}
