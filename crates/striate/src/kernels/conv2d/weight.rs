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
//!         turned = dy of the block as [panel][pixel][lanes]
//!         for each panel, rows (c, u, v):  sums[(c,u,v)][o] += patch[(c,u,v) + offset(pixel)] * turned[pixel]
//! dw = the parts' sums in order, transposed to [o][(c, u, v)]
//! ```
//!
//! The number of parts depends on the sizes alone, so the bits do not depend on the number of threads.
//!
//! Safety: a part writes its own sums; offsets into the patch are built with its sizes.

use rayon::prelude::*;

use super::ConvShape;
use super::block::{Along, Operands, rows};
use super::direct::flattened;
use super::panels::{Panel, gather_channels, padded, panels, scatter_channels};
use super::patch::{Rect, cut, plane_step};
use crate::kernels::level::Level;
use crate::kernels::output::written_by;
use crate::kernels::scratch::{Scratch, Shared};
use crate::kernels::simd::{Kernel, Lanes, Simd, dispatch, width};

/// Output pixels of a block.
const BLOCK: usize = 512;
/// Parts with sums of their own.
const PARTS: usize = 4;

/// See [`super::backward_weight`].
pub(super) fn backward_weight<T: Lanes>(level: Level, s: &ConvShape, x: &[T], dy: &[T]) -> Vec<T> {
    if s.n == 0 {
        return vec![T::ZERO; s.weight_len()];
    }
    let s = &flattened(s);
    let width = width::<T>(level);
    let (c, o, cells) = (s.c_in / s.groups, s.c_out / s.groups, s.kh * s.kw);
    let (taps, wide) = (c * cells, padded(o, width.lanes));
    let panels = panels(width, o);
    let blocks = Blocks::of(s);
    let parts = PARTS.min(blocks.count(s));
    let mut sums = Scratch::<T>::new(parts * taps * wide);
    let fill = |dw: &mut [T]| {
        for group in 0..s.groups {
            let shared = Shared::new(&mut sums);
            (0..parts).into_par_iter().for_each(|part| {
                let part = Part {
                    level,
                    s,
                    group,
                    blocks: &blocks,
                    panels: &panels,
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
            (0..taps.div_ceil(16)).into_par_iter().for_each(|piece| {
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

/// How the output pixels are cut into blocks.
struct Blocks {
    images: usize,
    rows: usize,
    columns: usize,
    /// Rows and columns of the patch that a whole block sees, and the distance of its maps.
    patch: (usize, usize),
    plane: usize,
}

impl Blocks {
    fn of(s: &ConvShape) -> Self {
        let (ho, wo) = (s.h_out(), s.w_out());
        let columns = wo.div_ceil(wo.div_ceil(BLOCK));
        let rows = (BLOCK / columns).clamp(1, ho);
        let images = if rows == ho && columns == wo {
            (BLOCK / (ho * wo)).clamp(1, s.n)
        } else {
            1
        };
        let patch = (
            (rows - 1) * s.stride.0 + (s.kh - 1) * s.dilation.0 + 1,
            (columns - 1) * s.stride.1 + (s.kw - 1) * s.dilation.1 + 1,
        );
        Self {
            images,
            rows,
            columns,
            patch,
            plane: plane_step(patch.0 * patch.1),
        }
    }

    /// Blocks in (image, row, column) directions.
    fn grid(&self, s: &ConvShape) -> (usize, usize, usize) {
        (
            s.n.div_ceil(self.images),
            s.h_out().div_ceil(self.rows),
            s.w_out().div_ceil(self.columns),
        )
    }

    fn count(&self, s: &ConvShape) -> usize {
        let (images, rows, columns) = self.grid(s);
        images * rows * columns
    }
}

/// A fixed share of the blocks, with its own sums.
struct Part<'a, T> {
    level: Level,
    s: &'a ConvShape,
    group: usize,
    blocks: &'a Blocks,
    panels: &'a [Panel],
    x: &'a [T],
    dy: &'a [T],
    sums: Shared<T>,
    part: usize,
    parts: usize,
}

impl<T: Lanes> Kernel<T> for Part<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd<Elem = T>>(self) {
        let (s, b) = (self.s, self.blocks);
        let (ho, wo) = (s.h_out(), s.w_out());
        let (c, o, cells) = (s.c_in / s.groups, s.c_out / s.groups, s.kh * s.kw);
        let (taps, wide) = (c * cells, padded(o, S::LANES));
        let mut patch = Scratch::<T>::new(b.images * c * b.plane);
        let most = b.images * b.rows * b.columns;
        let mut turned = Scratch::<T>::new(most * wide);
        let a_rows: Vec<u32> = (0..taps)
            .map(|row| {
                let (channel, u, v) = (row / cells, row % cells / s.kw, row % s.kw);
                (channel * b.plane + u * s.dilation.0 * b.patch.1 + v * s.dilation.1) as u32
            })
            .collect();
        let c_rows: Vec<u32> = (0..taps).map(|row| (row * wide) as u32).collect();
        let mut offsets = Vec::with_capacity(most);
        // SAFETY: each part has its own sums.
        let sums = unsafe { self.sums.at(self.part * taps * wide, taps * wide) };

        let (grid, count) = (b.grid(s), b.count(s));
        let first = count * self.part / self.parts;
        for block in first..count * (self.part + 1) / self.parts {
            let image = block / (grid.1 * grid.2) * b.images;
            let row = block / grid.2 % grid.1 * b.rows;
            let column = block % grid.2 * b.columns;
            let images = b.images.min(s.n - image);
            let size = (b.rows.min(ho - row), b.columns.min(wo - column));
            let rect = Rect {
                row: (row * s.stride.0) as isize - s.padding.0 as isize,
                column: (column * s.stride.1) as isize - s.padding.1 as isize,
                rows: (size.0 - 1) * s.stride.0 + (s.kh - 1) * s.dilation.0 + 1,
                columns: (size.1 - 1) * s.stride.1 + (s.kw - 1) * s.dilation.1 + 1,
            };
            offsets.clear();
            for i in 0..images {
                let x = &self.x[((image + i) * s.c_in + self.group * c) * s.h * s.w..];
                cut(
                    x,
                    c,
                    s.h,
                    s.w,
                    rect,
                    &mut patch[i * c * b.plane..],
                    b.plane,
                    b.patch.1,
                );
                for row in 0..size.0 {
                    let at = i * c * b.plane + row * s.stride.0 * b.patch.1;
                    offsets.extend((0..size.1).map(|column| (at + column * s.stride.1) as u32));
                }
            }
            let pixels = offsets.len();
            for panel in self.panels {
                let lanes = panel.vectors * S::LANES;
                let to = panel.start * pixels;
                // SAFETY: pieces of dy are inside the group's maps; `turned` has `wide` numbers for each pixel,
                // of which a panel takes `lanes`; offsets and rows stay inside the patch that they were built from.
                unsafe {
                    for vector in 0..panel.vectors {
                        let channel = panel.start + vector * S::LANES;
                        let channels = o.saturating_sub(channel);
                        // Whole rows lie one behind the other in the map.
                        let (pieces, run) = if size.1 == wo {
                            (1, size.0 * wo)
                        } else {
                            (size.0, size.1)
                        };
                        for piece in 0..images * pieces {
                            let (i, piece) = (piece / pieces, piece % pieces);
                            let map = (image + i) * s.c_out + self.group * o + channel;
                            let from = (map * ho + row + piece) * wo + column;
                            let pixel = i * size.0 * size.1 + piece * run;
                            gather_channels::<S>(
                                self.dy.as_ptr().add(from),
                                ho * wo,
                                channels,
                                run,
                                turned
                                    .as_mut_ptr()
                                    .add(to + pixel * lanes + vector * S::LANES),
                                lanes,
                            );
                        }
                    }
                    let operands = Operands {
                        a: patch.as_ptr(),
                        along: Along::Offsets(&offsets),
                        b: turned.as_ptr().add(to),
                        b_step: lanes,
                        c: sums.add(panel.start),
                        accumulate: block > first,
                        finish: None,
                    };
                    rows(self.level, panel.vectors, operands, &a_rows, &c_rows);
                }
            }
        }
    }
}

/// Adds the parts of a few rows (c, u, v) and turns them to [o][(c, u, v)].
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
