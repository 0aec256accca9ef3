//! Channels in vector lanes (channels last): for many channels.
//!
//! ```text
//! copy the image to [pixel][channel], channels padded to whole vectors
//! for each point, for each vector of channels:
//!     tile[point] = w00 image[above, left] + .. + w11 image[below, right]
//! for each LANES points:  transpose the tile into the channels of the output
//! ```
//!
//! Backward, LANES points at a time, in the stages that `gradients` names:
//! ```text
//! 1. transpose dy of the points into the tile
//! 2. for each point:  add weight * dy to the sums of its neighbors, a gradient in the same layout,
//!                     and keep dy * neighbor, summed over the vectors, as one partial dot in each lane
//! 3. add up the partial dots over the lanes: transposed, LANES points are one sum of vectors
//! ```
//! At the end of a band, `store` transposes its sums into the channels of the gradient.

use std::ops::Range;

use striate::kernels::parts::{Scratch, Shared, Simd, gather_channels, scatter_channels};

use super::block::{BLOCK, Block, MOST_LANES};
use super::layout::{Band, Dots, Layout, Source};
use super::number::Number;
use super::shape::SampleShape;

mod point;

/// All channels of a pixel side by side.
#[derive(Clone, Copy)]
pub(super) struct ChannelsLast {
    channels: usize,
    /// Channels padded to whole vectors of any level: from a pixel to the next.
    width: usize,
    h: usize,
    w: usize,
    points: usize,
}

/// What a task keeps from block to block.
pub(super) struct Buffers<T> {
    /// LANES points of all channels.
    tile: Scratch<T>,
    /// The gradient of the band's rows; empty if it is not needed.
    sums: Scratch<T>,
    /// For each neighbor of LANES points, a vector of partial dots.
    partial: Scratch<T>,
    /// The partial dots of one neighbor, transposed.
    transposed: Scratch<T>,
}

impl ChannelsLast {
    /// Channels `0..` in runs of one vector: the first channel, and how many are left from there.
    #[inline(always)]
    fn vectors(&self, lanes: usize) -> impl Iterator<Item = (usize, usize)> {
        let channels = self.channels;
        (0..channels)
            .step_by(lanes)
            .map(move |first| (first, channels - first))
    }

    /// Copies `count` neighboring pixels of maps `plane` apart to rows of `width` elements.
    ///
    /// # Safety
    /// All channels have these pixels, and `to` has the rows.
    #[inline(always)]
    unsafe fn gather<S: Simd>(
        &self,
        from: *const S::Elem,
        plane: usize,
        count: usize,
        to: *mut S::Elem,
    ) {
        for (first, left) in self.vectors(S::LANES) {
            // SAFETY: the caller's promise; a row holds whole vectors.
            unsafe {
                let (from, to) = (from.add(first * plane), to.add(first));
                gather_channels::<S>(from, plane, left, count, to, self.width);
            }
        }
    }

    /// The reverse of [`gather`](Self::gather).
    ///
    /// # Safety
    /// As there, the other way round.
    #[inline(always)]
    unsafe fn scatter<S: Simd>(
        &self,
        from: *const S::Elem,
        count: usize,
        to: *mut S::Elem,
        plane: usize,
    ) {
        for (first, left) in self.vectors(S::LANES) {
            // SAFETY: the caller's promise; a row holds whole vectors.
            unsafe {
                let (from, to) = (from.add(first), to.add(first * plane));
                scatter_channels::<S>(from, self.width, left, count, to, plane);
            }
        }
    }

    /// The first and the number of each run of at most `step` of `count` elements.
    #[inline(always)]
    fn runs(count: usize, step: usize) -> impl Iterator<Item = (usize, usize)> {
        (0..count)
            .step_by(step)
            .map(move |first| (first, step.min(count - first)))
    }
}

impl<T: Number> Layout<T> for ChannelsLast {
    const COPIES: bool = true;
    const MARGIN: bool = false;
    type Buffers = Buffers<T>;

    fn new(shape: &SampleShape<2>) -> Self {
        Self {
            channels: shape.c,
            width: shape.c.next_multiple_of(MOST_LANES),
            h: shape.h(),
            w: shape.w(),
            points: shape.points,
        }
    }

    fn copy_len(&self) -> usize {
        self.h * self.w * self.width
    }

    #[inline(always)]
    fn buffers<S: Simd<Elem = T>>(&self, rows: usize) -> Buffers<T> {
        Buffers {
            tile: Scratch::new(S::LANES * self.width),
            sums: Scratch::new(rows * self.w * self.width),
            partial: Scratch::new(4 * S::LANES * S::LANES),
            transposed: Scratch::new(S::LANES * S::LANES),
        }
    }

    #[inline(always)]
    unsafe fn copy<S: Simd<Elem = T>>(&self, image: &[T], pixels: Range<usize>, to: Shared<T>) {
        for (start, count) in Self::runs(pixels.len(), BLOCK) {
            let first = pixels.start + start;
            // SAFETY: the pixels exist, and no other task copies them.
            unsafe {
                let to = to.at(first * self.width, count * self.width);
                self.gather::<S>(image.as_ptr().add(first), self.h * self.w, count, to);
            }
        }
    }

    #[inline(always)]
    unsafe fn values<S: Simd<Elem = T>>(
        &self,
        source: Source<T>,
        block: &Block<T>,
        buffers: &mut Buffers<T>,
        y: *mut T,
    ) {
        let tile = buffers.tile.as_mut_ptr();
        for (first, count) in Self::runs(block.len, S::LANES) {
            // SAFETY: the tile has LANES rows; the points exist in all channels.
            unsafe {
                for t in 0..count {
                    self.value::<S>(source, block, first + t, tile.add(t * self.width));
                }
                self.scatter::<S>(tile, count, y.add(first), self.points);
            }
        }
    }

    #[inline(always)]
    unsafe fn clear(&self, _band: &Band<T>, buffers: &mut Buffers<T>) {
        buffers.sums.fill(T::ZERO);
    }

    #[inline(always)]
    unsafe fn gradients<S: Simd<Elem = T>, const INPUT: bool, const GRID: bool>(
        &self,
        source: Source<T>,
        block: &Block<T>,
        dy: *const T,
        band: &Band<T>,
        buffers: &mut Buffers<T>,
        dots: &mut Dots<T>,
    ) {
        let (tile, sums) = (buffers.tile.as_mut_ptr(), buffers.sums.as_mut_ptr());
        let partial = buffers.partial.as_mut_ptr();
        let transposed = buffers.transposed.as_mut_ptr();
        for (first, count) in Self::runs(block.len, S::LANES) {
            // SAFETY: the points exist in all channels; tile and partial dots have a row for each of them.
            unsafe {
                // Stage 1: dy of these points, channels in lanes.
                self.gather::<S>(dy.add(first), self.points, count, tile);
                // Stage 2: the gradients of the neighbors, and the partial dots.
                for t in 0..count {
                    let (g, partial) = (tile.add(t * self.width), partial.add(t * S::LANES));
                    self.gradient::<S, INPUT, GRID>(
                        source,
                        block,
                        first + t,
                        g,
                        band,
                        sums,
                        partial,
                    );
                }
                // Stage 3: for each neighbor, the partial dots added up over the lanes.
                if GRID {
                    for (k, dots) in dots.iter_mut().enumerate() {
                        let rows = partial.add(k * S::LANES * S::LANES);
                        S::transpose(rows, S::LANES, transposed, S::LANES);
                        let mut sum = S::load(transposed);
                        for lane in 1..S::LANES {
                            sum = S::add(sum, S::load(transposed.add(lane * S::LANES)));
                        }
                        S::store_first(dots.as_mut_ptr().add(first), sum, count);
                    }
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn store<S: Simd<Elem = T>>(&self, band: &Band<T>, buffers: &mut Buffers<T>) {
        let (cells, start) = (self.h * self.w, band.rows.start * self.w);
        for (first, count) in Self::runs(band.rows.len() * self.w, BLOCK) {
            // SAFETY: these rows of all channels belong to this task.
            unsafe {
                let from = buffers.sums.as_ptr().add(first * self.width);
                self.scatter::<S>(from, count, band.dx.add(start + first), cells);
            }
        }
    }
}
