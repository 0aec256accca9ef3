//! Direct convolution without a patch matrix: the forward pass and the input gradient.
//!
//! Both are one computation, a sum over taps:
//!
//! ```text
//! to[o][i * spread + start] = sum over c, taps t of  packed[c, t, o] * from[c][i * step + t]        (per axis)
//! ```
//!
//! | pass | from | step | spread | taps t |
//! |:--|:--|:--|:--|:--|
//! | forward | x | stride | 1 | u * dilation - padding |
//! | input gradient | dy | 1 | stride | (start + padding - u * dilation) / stride, where that is whole |
//!
//! The input gradient has one [`Phase`] for each `start` below the stride, each with its own taps,
//! so no product with a zero is ever computed; a phase without taps writes zeros.
//!
//! ```text
//! pack the weights:  [phase][panel of output channels][(c, t)][lanes]
//! for each image, for each tile of the output (in parallel):
//!     patch  = what the tile's windows see, [c][rows][columns], zeros outside the image
//!     for each phase, panel, run of K = (c, t):
//!         register blocks:  sums[pixel][output channel] += patch[pixel + offset(k)] * packed[k]
//!     transpose sums to channel maps (bias and ReLU were applied with the last k)
//! ```
//!
//! Safety: a tile writes its own rectangle of each output map; offsets into the patch are built with its sizes.

use rayon::prelude::*;

use super::ConvShape;
use super::block::{Along, Finish, Operands, rows};
use super::panels::{Panel, pack, padded, panels, scatter_channels};
use super::patch::{Rect, cut, plane_step};
use crate::kernels::level::Level;
use crate::kernels::output::written_by;
use crate::kernels::scratch::{Scratch, Shared};
use crate::kernels::simd::{Kernel, Lanes, Simd, dispatch, width};

/// Output pixels of a tile: enough to use a packed panel well, few enough to stay in the cache.
const TILE: usize = 192;
/// Products summed before the next panel's turn: a run of packed weights stays in the first cache.
const RUN: usize = 192;

/// The output pixels at `start`, `start + spread`, ..., which share their taps.
struct Phase {
    start: (usize, usize),
    taps: Vec<Tap>,
}

/// A kernel cell, u * Kw + v, and where it reads, relative to the window's origin.
#[derive(Clone, Copy)]
struct Tap {
    cell: usize,
    row: isize,
    column: isize,
}

/// One side of the computation: images of `channels` maps, of which the group's are `count` from `first` on.
#[derive(Clone, Copy)]
struct Maps {
    channels: usize,
    first: usize,
    count: usize,
    h: usize,
    w: usize,
}

impl Maps {
    /// Where the group's first map of an image begins.
    fn image(&self, image: usize) -> usize {
        (image * self.channels + self.first) * self.h * self.w
    }
}

/// See [`super::forward`].
pub(super) fn forward<T: Lanes>(
    level: Level,
    s: &ConvShape,
    x: &[T],
    weight: &[T],
    bias: Option<&[T]>,
    relu: bool,
) -> Vec<T> {
    let s = &flattened(s);
    let (c, o, cells) = (s.c_in / s.groups, s.c_out / s.groups, s.kh * s.kw);
    let taps = kernel_cells(s)
        .map(|(u, v)| Tap {
            cell: u * s.kw + v,
            row: (u * s.dilation.0) as isize - s.padding.0 as isize,
            column: (v * s.dilation.1) as isize - s.padding.1 as isize,
        })
        .collect();
    let phases = [Phase {
        start: (0, 0),
        taps,
    }];
    let fill = |y: &mut [T]| {
        for group in 0..s.groups {
            let weight = &weight[group * o * c * cells..][..o * c * cells];
            Plan {
                level,
                from: Maps {
                    channels: s.c_in,
                    first: group * c,
                    count: c,
                    h: s.h,
                    w: s.w,
                },
                to: Maps {
                    channels: s.c_out,
                    first: group * o,
                    count: o,
                    h: s.h_out(),
                    w: s.w_out(),
                },
                step: s.stride,
                spread: (1, 1),
                phases: &phases,
                bias: bias.map(|bias| &bias[group * o..][..o]),
                relu,
            }
            .run(s.n, x, y, |from, to, cell| {
                weight[(to * c + from) * cells + cell]
            });
        }
    };
    // SAFETY: the tiles of all groups together store every output pixel, and load none before.
    unsafe { written_by(s.y_len(), fill) }
}

/// See [`super::backward_input`].
pub(super) fn backward_input<T: Lanes>(
    level: Level,
    s: &ConvShape,
    dy: &[T],
    weight: &[T],
) -> Vec<T> {
    let s = &flattened(s);
    let (c, o, cells) = (s.c_in / s.groups, s.c_out / s.groups, s.kh * s.kw);
    // Where output row i reads x row r = i * stride + u * dilation - padding, x row r is read by i = (r + padding - u * dilation) / stride.
    let reads = |start: usize, u: usize, padding: usize, dilation: usize, stride: usize| {
        let at = (start + padding) as isize - (u * dilation) as isize;
        (at.rem_euclid(stride as isize) == 0).then(|| at.div_euclid(stride as isize))
    };
    let phase = |start: (usize, usize)| Phase {
        start,
        taps: kernel_cells(s)
            .filter_map(|(u, v)| {
                Some(Tap {
                    cell: u * s.kw + v,
                    row: reads(start.0, u, s.padding.0, s.dilation.0, s.stride.0)?,
                    column: reads(start.1, v, s.padding.1, s.dilation.1, s.stride.1)?,
                })
            })
            .collect(),
    };
    let phases: Vec<Phase> = (0..s.stride.0)
        .flat_map(|row| (0..s.stride.1).map(move |column| (row, column)))
        .map(phase)
        .collect();
    let fill = |dx: &mut [T]| {
        for group in 0..s.groups {
            let weight = &weight[group * o * c * cells..][..o * c * cells];
            Plan {
                level,
                from: Maps {
                    channels: s.c_out,
                    first: group * o,
                    count: o,
                    h: s.h_out(),
                    w: s.w_out(),
                },
                to: Maps {
                    channels: s.c_in,
                    first: group * c,
                    count: c,
                    h: s.h,
                    w: s.w,
                },
                step: (1, 1),
                spread: s.stride,
                phases: &phases,
                bias: None,
                relu: false,
            }
            .run(s.n, dy, dx, |from, to, cell| {
                weight[(from * c + to) * cells + cell]
            });
        }
    };
    // SAFETY: the phases of all tiles of all groups together store every pixel, and load none before.
    unsafe { written_by(s.x_len(), fill) }
}

/// A 1x1 convolution does not care where a row ends: one long row makes even tiles.
pub(super) fn flattened(s: &ConvShape) -> ConvShape {
    if (s.kh, s.kw, s.stride, s.padding) == (1, 1, (1, 1), (0, 0)) {
        ConvShape {
            h: 1,
            w: s.h * s.w,
            ..*s
        }
    } else {
        *s
    }
}

fn kernel_cells(s: &ConvShape) -> impl Iterator<Item = (usize, usize)> + use<> {
    let (kh, kw) = (s.kh, s.kw);
    (0..kh).flat_map(move |u| (0..kw).map(move |v| (u, v)))
}

/// What all tiles of a group share.
struct Plan<'a, T> {
    level: Level,
    from: Maps,
    to: Maps,
    step: (usize, usize),
    spread: (usize, usize),
    phases: &'a [Phase],
    bias: Option<&'a [T]>,
    relu: bool,
}

impl<T: Lanes> Plan<'_, T> {
    /// Computes `to` from `from`; `weight(from channel, to channel, cell)`.
    fn run(
        &self,
        n: usize,
        from: &[T],
        to: &mut [T],
        weight: impl Fn(usize, usize, usize) -> T + Sync,
    ) {
        let width = width::<T>(self.level);
        let panels = panels(width, self.to.count);
        let wide = padded(self.to.count, width.lanes);
        let taps = || self.phases.iter().flat_map(|phase| &phase.taps);
        let mut packed = Scratch::<T>::new(taps().count() * self.from.count * wide);
        let mut rest = &mut *packed;
        for Phase { taps, .. } in self.phases {
            let (part, behind) = rest.split_at_mut(taps.len() * self.from.count * wide);
            rest = behind;
            pack(
                width,
                &panels,
                self.to.count,
                taps.len() * self.from.count,
                part,
                |k, channel| weight(k / taps.len(), channel, taps[k % taps.len()].cell),
            );
        }
        let mut bias = Scratch::<T>::new(wide);
        if let Some(values) = self.bias {
            bias.fill(T::ZERO);
            bias[..values.len()].copy_from_slice(values);
        }

        let grid = (
            self.to.h.div_ceil(self.spread.0),
            self.to.w.div_ceil(self.spread.1),
        );
        let pixels = self.spread.0 * self.spread.1;
        let columns = grid.1.div_ceil((grid.1 * pixels).div_ceil(TILE + TILE / 3));
        let rows = (TILE / (columns * pixels)).clamp(1, grid.0);
        let least = |at: fn(&Tap) -> isize| taps().map(at).min().unwrap_or(0);
        let most = |at: fn(&Tap) -> isize| taps().map(at).max().unwrap_or(0);
        let origin = (least(|tap| tap.row), least(|tap| tap.column));
        let span = (
            most(|tap| tap.row) - origin.0,
            most(|tap| tap.column) - origin.1,
        );
        let patch = (
            (rows - 1) * self.step.0 + span.0 as usize + 1,
            (columns - 1) * self.step.1 + span.1 as usize + 1,
        );
        let plane = plane_step(patch.0 * patch.1);
        let offset = |c: usize, tap: &Tap| {
            c * plane + (tap.row - origin.0) as usize * patch.1 + (tap.column - origin.1) as usize
        };
        let offsets: Vec<Vec<u32>> = self
            .phases
            .iter()
            .map(|phase| {
                (0..self.from.count)
                    .flat_map(|c| phase.taps.iter().map(move |tap| offset(c, tap) as u32))
                    .collect()
            })
            .collect();

        let tiling = Tiling {
            rows,
            columns,
            grid,
            origin,
            span,
            patch,
            plane,
            wide,
        };
        let tiles = (grid.0.div_ceil(rows), grid.1.div_ceil(columns));
        let to = Shared::new(to);
        (0..n * tiles.0 * tiles.1).into_par_iter().for_each(|task| {
            let (image, tile) = (task / (tiles.0 * tiles.1), task % (tiles.0 * tiles.1));
            let work = Tile {
                plan: self,
                tiling: &tiling,
                offsets: &offsets,
                panels: &panels,
                packed: &packed,
                bias: self.bias.map_or(std::ptr::null(), |_| bias.as_ptr()),
                from: &from[self.from.image(image)..],
                to,
                to_image: self.to.image(image),
                row: tile / tiles.1 * rows,
                column: tile % tiles.1 * columns,
            };
            dispatch(self.level, work);
        });
    }
}

/// Sizes that all tiles of a plan share; pairs are (rows, columns).
struct Tiling {
    /// Of a tile, in steps of `spread`.
    rows: usize,
    columns: usize,
    /// Of the output, in steps of `spread`.
    grid: (usize, usize),
    /// The tap that reads first, and how far the last one is from it.
    origin: (isize, isize),
    span: (isize, isize),
    /// Of a whole tile's patch, and the distance of its maps.
    patch: (usize, usize),
    plane: usize,
    /// Output channels rounded up to vectors.
    wide: usize,
}

/// One tile of one image.
struct Tile<'a, T> {
    plan: &'a Plan<'a, T>,
    tiling: &'a Tiling,
    offsets: &'a [Vec<u32>],
    panels: &'a [Panel],
    packed: &'a [T],
    bias: *const T,
    from: &'a [T],
    to: Shared<T>,
    to_image: usize,
    row: usize,
    column: usize,
}

impl<T: Lanes> Kernel<T> for Tile<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd<Elem = T>>(self) {
        let (plan, t) = (self.plan, self.tiling);
        let (from, to, spread) = (plan.from, plan.to, plan.spread);
        let size = (
            t.rows.min(t.grid.0 - self.row),
            t.columns.min(t.grid.1 - self.column),
        );
        // The output rectangle.
        let top = self.row * spread.0;
        let left = self.column * spread.1;
        let height = (size.0 * spread.0).min(to.h - top);
        let across = (size.1 * spread.1).min(to.w - left);

        let mut patch = Scratch::<T>::new(from.count * t.plane);
        let rect = Rect {
            row: (self.row * plan.step.0) as isize + t.origin.0,
            column: (self.column * plan.step.1) as isize + t.origin.1,
            rows: (size.0 - 1) * plan.step.0 + t.span.0 as usize + 1,
            columns: (size.1 - 1) * plan.step.1 + t.span.1 as usize + 1,
        };
        cut(
            self.from, from.count, from.h, from.w, rect, &mut patch, t.plane, t.patch.1,
        );

        let mut sums = Scratch::<T>::new(height * across * t.wide);
        let (mut a_rows, mut c_rows) = (Vec::new(), Vec::new());
        let mut packed = self.packed.as_ptr();
        for (phase, offsets) in plan.phases.iter().zip(self.offsets) {
            a_rows.clear();
            c_rows.clear();
            for i in 0..height.saturating_sub(phase.start.0).div_ceil(spread.0) {
                for j in 0..across.saturating_sub(phase.start.1).div_ceil(spread.1) {
                    a_rows.push((i * plan.step.0 * t.patch.1 + j * plan.step.1) as u32);
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
                        };
                        rows(plan.level, panel.vectors, operands, &a_rows, &c_rows);
                    }
                }
            }
            // SAFETY: the next phase's weights, or the end of the buffer.
            packed = unsafe { packed.add(offsets.len() * t.wide) };
        }

        // Whole rows lie one behind the other in the map; a narrower tile goes row by row.
        let (pieces, pixels) = if across == to.w {
            (1, height * across)
        } else {
            (height, across)
        };
        for channel in (0..to.count).step_by(S::LANES) {
            for piece in 0..pieces {
                let at = self.to_image + (channel * to.h + top + piece) * to.w + left;
                let channels = to.count - channel;
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
