//! What a layout of the channels has to offer: the work on one block of points. The driver does the rest.

use std::ops::Range;

use striate::kernels::level::Level;
use striate::kernels::parts::{Shared, Simd};

use super::block::{BLOCK, Block};
use super::map::Map;
use super::number::Number;
use super::shape::{NeedsGrad, SampleShape};

/// The data of a forward pass.
#[derive(Clone, Copy)]
pub(super) struct Forward<'a, T> {
    pub(super) level: Level,
    pub(super) shape: &'a SampleShape<2>,
    pub(super) map: Map<T>,
    pub(super) x: &'a [T],
    pub(super) grid: &'a [T],
    pub(super) y: Shared<T>,
}

/// The data of a backward pass.
#[derive(Clone, Copy)]
pub(super) struct Backward<'a, T> {
    pub(super) level: Level,
    pub(super) shape: &'a SampleShape<2>,
    pub(super) map: Map<T>,
    pub(super) x: &'a [T],
    pub(super) grid: &'a [T],
    pub(super) dy: &'a [T],
    pub(super) dx: Shared<T>,
    pub(super) dgrid: Shared<T>,
    pub(super) needs: NeedsGrad,
}

/// An image in the layout.
#[derive(Clone, Copy)]
pub(super) struct Source<'a, T> {
    /// The map, and where it lies in `pixels`.
    pub(super) map: &'a Map<T>,
    /// The image itself, or its copy.
    pub(super) pixels: &'a [T],
}

/// The part of one image's gradient that one task adds up: all channels of some rows.
pub(super) struct Band<T> {
    pub(super) rows: Range<usize>,
    /// Whether these are all rows.
    pub(super) whole: bool,
    /// The gradient of the image, from its first pixel on.
    pub(super) dx: *mut T,
}

/// For each neighbor and each point of a block, the sum over the channels of dy times the neighbor's value.
pub(super) type Dots<T> = [[T; BLOCK]; 4];

/// One layout of the channels of an image, with the work on one block of points.
pub(super) trait Layout<T: Number>: Copy + Sync {
    /// Whether an image is copied into the layout; else it is read as it is.
    const COPIES: bool;
    /// Whether the copy has a margin so wide that every position has its four neighbors in it.
    const MARGIN: bool;
    /// What a task keeps from block to block.
    type Buffers;

    fn new(shape: &SampleShape<2>) -> Self;

    /// Where the map lies in the copy.
    fn map(&self, map: Map<T>) -> Map<T> {
        map
    }

    /// Elements of a copy.
    fn copy_len(&self) -> usize {
        0
    }

    /// Buffers for a task that adds up `rows` rows of a gradient of the input; 0 for one that adds up none.
    fn buffers<S: Simd<Elem = T>>(&self, rows: usize) -> Self::Buffers;

    /// Writes what does not depend on the image, before the first copy.
    fn prepare(&self, _copy: &mut [T], _outside: T) {}

    /// Copies some pixels of all channels of an image.
    ///
    /// # Safety
    /// The pixels exist, and no other task copies them; called under `dispatch`.
    unsafe fn copy<S: Simd<Elem = T>>(&self, image: &[T], pixels: Range<usize>, to: Shared<T>);

    /// Stores the values of all channels at the points of `block`.
    ///
    /// # Safety
    /// The block was located on the source's map;
    /// `y` points to the block's first point in the output's first channel, and no other task writes these points;
    /// called under `dispatch`.
    unsafe fn values<S: Simd<Elem = T>>(
        &self,
        source: Source<T>,
        block: &Block<T>,
        buffers: &mut Self::Buffers,
        y: *mut T,
    );

    /// Sets the sums of a band to zero.
    ///
    /// # Safety
    /// The rows of the band belong to this task; called under `dispatch`.
    unsafe fn clear(&self, band: &Band<T>, buffers: &mut Self::Buffers);

    /// Adds to the band what falls on its rows (`INPUT`), and sets the dots of the block's points (`GRID`).
    ///
    /// # Safety
    /// As [`values`](Self::values) for `dy` in place of `y`; the rows of the band belong to this task;
    /// without `GRID` the source may be empty.
    unsafe fn gradients<S: Simd<Elem = T>, const INPUT: bool, const GRID: bool>(
        &self,
        source: Source<T>,
        block: &Block<T>,
        dy: *const T,
        band: &Band<T>,
        buffers: &mut Self::Buffers,
        dots: &mut Dots<T>,
    );

    /// Stores the sums of a band to its gradient, unless they were added up there.
    ///
    /// # Safety
    /// The rows of the band belong to this task; called under `dispatch`.
    unsafe fn store<S: Simd<Elem = T>>(&self, band: &Band<T>, buffers: &mut Self::Buffers);
}
