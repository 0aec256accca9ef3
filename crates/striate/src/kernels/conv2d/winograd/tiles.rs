//! Maps to tiles and back.
//!
//! ```text
//! maps [channel][row][column]  ->  pixels [row][column][LANES]  ->  tiles [cell][tile][channel]
//! ```
//!
//! Tiles beyond the right or lower edge are filled with zeros on the way in and dropped on the way out.

use std::ops::Range;

use super::form::{Form, Tile};
use super::strips::{Run, TileLayout};
use crate::kernels::conv2d::panels::{gather_channels, scatter_channels};
use crate::kernels::scratch::Scratch;
use crate::kernels::shared::Shared;
use crate::kernels::simd::Simd;

/// The maps of all images on one side of the convolution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Maps {
    pub(super) channels: usize,
    pub(super) h: usize,
    pub(super) w: usize,
}

/// Transforms the tiles of a run for all channels; the map is read from `padding` on, (rows, columns).
///
/// # Safety
/// Called under `dispatch`; `to` holds a block with this layout, and the run is a part of it,
/// whose tiles nobody else touches.
#[inline(always)]
pub(super) unsafe fn transform<S: Simd<Elem = f32>, T: Tile>(
    maps: Maps,
    from: &[f32],
    run: Run,
    padding: (usize, usize),
    to: Shared<f32>,
    layout: TileLayout,
) {
    let (step, overlap) = (T::STEP, T::READ - T::STEP);
    let (rows, columns) = (run.strips * step + overlap, run.tiles * step + overlap);
    let mut pixels = Scratch::<f32>::new(rows * columns * S::LANES);
    let top = (run.row * step) as isize - padding.0 as isize;
    let left = (run.column * step) as isize - padding.1 as isize;
    for channel in (0..maps.channels).step_by(S::LANES) {
        let image = (run.image * maps.channels + channel) * maps.h * maps.w;
        let window = Window {
            top,
            left,
            rows,
            columns,
        };
        // Pixels of all tiles of the run, then their transforms, tile by tile.
        // SAFETY: the slice holds the remaining maps of the image; `pixels` has rows x columns vectors;
        // the block holds tile `first * tiles + ...` of each of its planes.
        unsafe {
            window.load::<S>(maps, &from[image..], channel, &mut pixels);
            for strip in 0..run.strips {
                for tile in 0..run.tiles {
                    let at = (strip * step * columns + tile * step) * S::LANES;
                    let index = (run.first + strip) * run.tiles + tile;
                    let to = to.at(index * layout.step + channel, S::LANES);
                    let from = pixels.as_ptr().add(at);
                    T::transform::<S>(from, columns * S::LANES, to, layout.plane);
                }
            }
        }
    }
}

/// A rectangle of a map; what lies outside the map is zero.
struct Window {
    top: isize,
    left: isize,
    rows: usize,
    columns: usize,
}

impl Window {
    /// Copies the pixels of up to LANES channels, from `channel` on, to `[row][column][LANES]`.
    ///
    /// # Safety
    /// Called under `dispatch`; `from` begins with the map of `channel`; `to` has rows * columns vectors.
    #[inline(always)]
    unsafe fn load<S: Simd<Elem = f32>>(
        &self,
        maps: Maps,
        from: &[f32],
        channel: usize,
        to: &mut [f32],
    ) {
        let (h, w) = (maps.h, maps.w);
        let channels = (maps.channels - channel).min(S::LANES);
        let inside = |start: isize, count: usize, len: usize| {
            let from = start.clamp(0, len as isize) as usize;
            let to = (start + count as isize).clamp(0, len as isize) as usize;
            (from, to)
        };
        let (top, bottom) = inside(self.top, self.rows, h);
        let (left, right) = inside(self.left, self.columns, w);
        let width = right - left;
        let row_step = self.columns * S::LANES;
        if bottom == top || width == 0 {
            to.fill(0.0);
            return;
        }
        // Zeros above and below the map.
        let above = (top as isize - self.top) as usize;
        let before = (left as isize - self.left) as usize * S::LANES;
        to[..above * row_step].fill(0.0);
        to[(above + bottom - top) * row_step..self.rows * row_step].fill(0.0);
        // Rows that are no whole number of vectors are gathered as one long run and then put in place.
        let at_once = width == w && w % S::LANES != 0;
        let mut one_run = Scratch::<f32>::new(if at_once {
            (bottom - top) * w * S::LANES
        } else {
            0
        });
        // SAFETY: rows top..bottom and columns left..right are inside each of `channels` maps.
        unsafe {
            if at_once {
                // All rows to channel vectors.
                let count = (bottom - top) * w;
                let from = from.as_ptr().add(top * w);
                gather_channels::<S>(from, h * w, channels, count, one_run.as_mut_ptr(), S::LANES);
            }
            // Row by row: zeros left and right of the map, its pixels between.
            for row in 0..bottom - top {
                let to = &mut to[(above + row) * row_step..][..row_step];
                to[..before].fill(0.0);
                to[before + width * S::LANES..].fill(0.0);
                let to = &mut to[before..][..width * S::LANES];
                if at_once {
                    to.copy_from_slice(&one_run[row * to.len()..][..to.len()]);
                } else {
                    let from = from.as_ptr().add((top + row) * w + left);
                    gather_channels::<S>(from, h * w, channels, width, to.as_mut_ptr(), S::LANES);
                }
            }
        }
    }
}

/// Transforms products back and stores the outputs of a run in `channels`, with bias and ReLU.
///
/// # Safety
/// Called under `dispatch`; `from` holds a block of these channels with this layout, and the run is a part of it;
/// `channels` begin with a vector and end with one or with the last map;
/// `bias` has the channels rounded up to vectors; no other task stores to the run's outputs.
#[expect(
    clippy::too_many_arguments,
    reason = "where from, where to, and what is done between"
)]
#[inline(always)]
pub(super) unsafe fn outputs<S: Simd<Elem = f32>, F: Form>(
    maps: Maps,
    channels: Range<usize>,
    from: &[f32],
    layout: TileLayout,
    run: Run,
    bias: &[f32],
    relu: bool,
    to: Shared<f32>,
) {
    let side = F::RESULTS;
    let left = run.column * side;
    let columns = (run.tiles * side).min(maps.w - left);
    let mut pixels = Scratch::<f32>::new(side * columns * S::LANES);
    for channel in channels.clone().step_by(S::LANES) {
        for strip in 0..run.strips {
            let top = (run.row + strip) * side;
            let rows = side.min(maps.h - top);
            // SAFETY: tiles are inside the block; pixels inside `rows` x `columns`, which are inside the maps.
            unsafe {
                // Tile by tile: back from the products, bias, ReLU.
                let bias = S::load(bias.as_ptr().add(channel));
                for tile in 0..columns.div_ceil(side) {
                    let index = (run.first + strip) * run.tiles + tile;
                    let from = from
                        .as_ptr()
                        .add(index * layout.step + channel - channels.start);
                    let kept = side.min(columns - tile * side);
                    let to = pixels.as_mut_ptr().add(tile * side * S::LANES);
                    F::output_tile::<S>(from, layout.plane, |i, j, output| {
                        if i < rows && j < kept {
                            let output = S::add(output, bias);
                            let output = if relu { S::relu(output) } else { output };
                            S::store(to.add((i * columns + j) * S::LANES), output);
                        }
                    });
                }
                // To the maps: whole rows follow each other there; narrower strips go row by row.
                let (pieces, count) = if columns == maps.w {
                    (1, rows * columns)
                } else {
                    (rows, columns)
                };
                let maps_here = (channels.end - channel).min(S::LANES);
                let map = run.image * maps.channels + channel;
                for piece in 0..pieces {
                    let at = (map * maps.h + top + piece) * maps.w + left;
                    scatter_channels::<S>(
                        pixels.as_ptr().add(piece * count * S::LANES),
                        S::LANES,
                        maps_here,
                        count,
                        to.at(at, count),
                        maps.h * maps.w,
                    );
                }
            }
        }
    }
}
