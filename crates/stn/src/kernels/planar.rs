//! Channel by channel, read from the maps and added to their gradient as they are: for few channels.
//!
//! Points whose neighbors are all on the map go through `squares`, `LANES` of them at once; for the others each neighbor is looked up.

use std::ops::Range;
use std::slice::from_raw_parts_mut;

use striate::kernels::parts::{Shared, Simd};

use super::block::{BLOCK, Block};
use super::layout::{Band, Dots, Layout, Source};
use super::map::Map;
use super::number::Number;
use super::shape::SampleShape;
use super::squares;

/// The layout of the tensor: channel by channel, row by row.
#[derive(Clone, Copy)]
pub(super) struct Planar {
    channels: usize,
    h: usize,
    w: usize,
    points: usize,
}

impl<T: Number> Layout<T> for Planar {
    const COPIES: bool = false;
    const MARGIN: bool = false;
    type Buffers = ();

    fn new(shape: &SampleShape<2>) -> Self {
        Self {
            channels: shape.c,
            h: shape.h(),
            w: shape.w(),
            points: shape.points,
        }
    }

    fn buffers<S: Simd<Elem = T>>(&self, _rows: usize) {}

    unsafe fn copy<S: Simd<Elem = T>>(&self, _image: &[T], _pixels: Range<usize>, _to: Shared<T>) {}

    #[inline(always)]
    unsafe fn values<S: Simd<Elem = T>>(
        &self,
        source: Source<T>,
        block: &Block<T>,
        _buffers: &mut (),
        y: *mut T,
    ) {
        for channel in 0..self.channels {
            // SAFETY: the channel exists.
            let (x, y) = unsafe {
                let x = source.pixels.as_ptr().add(channel * self.h * self.w);
                (x, y.add(channel * self.points))
            };
            for first in (0..block.len).step_by(S::LANES) {
                let points = first..(first + S::LANES).min(block.len);
                // SAFETY: the caller's promise is passed on; a base is a pixel with neighbors right and below.
                unsafe {
                    if block.all_within(first, S::LANES, &(0..i32::MAX)) {
                        squares::values::<S>(x, self.w, block, first, y);
                    } else {
                        self.values_one_by_one(x, source.map, block, points, y);
                    }
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn clear(&self, band: &Band<T>, _buffers: &mut ()) {
        let (cells, len) = (self.h * self.w, band.rows.len() * self.w);
        for channel in 0..self.channels {
            let start = channel * cells + band.rows.start * self.w;
            // SAFETY: these rows belong to this task.
            unsafe { from_raw_parts_mut(band.dx.add(start), len) }.fill(T::ZERO);
        }
    }

    #[inline(always)]
    unsafe fn gradients<S: Simd<Elem = T>, const INPUT: bool, const GRID: bool>(
        &self,
        source: Source<T>,
        block: &Block<T>,
        dy: *const T,
        band: &Band<T>,
        _buffers: &mut (),
        dots: &mut Dots<T>,
    ) {
        *dots = [[T::ZERO; BLOCK]; 4];
        let rows = band.rows.start as i32..band.rows.end as i32;
        // The bases with both rows in the band.
        let bases = match band.whole {
            true => 0..i32::MAX,
            false => rows.start * self.w as i32..(rows.end - 1) * self.w as i32,
        };
        for channel in 0..self.channels {
            let at = channel * self.h * self.w;
            // Without `INPUT` there is no gradient, and nothing is added to it.
            let dx = band.dx.wrapping_add(at);
            // SAFETY: the channel exists.
            let (x, dy) = unsafe {
                let x = source.pixels.as_ptr().add(at);
                (x, dy.add(channel * self.points))
            };
            for first in (0..block.len).step_by(S::LANES) {
                let points = first..(first + S::LANES).min(block.len);
                // SAFETY: the caller's promise is passed on; the gradient is only touched in the band's rows.
                unsafe {
                    if block.all_within(first, S::LANES, &bases) {
                        squares::gradients::<S, INPUT, GRID>(x, dx, self.w, block, first, dy, dots);
                    } else {
                        self.gradients_one_by_one::<T, INPUT, GRID>(
                            (x, dx),
                            source.map,
                            &rows,
                            block,
                            points,
                            dy,
                            dots,
                        );
                    }
                }
            }
        }
    }

    unsafe fn store<S: Simd<Elem = T>>(&self, _band: &Band<T>, _buffers: &mut ()) {}
}

impl Planar {
    /// The values of one channel at some points, of which a neighbor may be off the map.
    ///
    /// # Safety
    /// As [`Layout::values`] for a channel `x` and `y` in it.
    #[inline(always)]
    unsafe fn values_one_by_one<T: Number>(
        &self,
        x: *const T,
        map: &Map<T>,
        block: &Block<T>,
        points: Range<usize>,
        y: *mut T,
    ) {
        let map = *map;
        for t in points {
            let value = if block.is_nan(t) {
                T::NAN
            } else {
                let (weight, neighbors) = (block.weights(t), block.neighbors(&map, t));
                let value = |k: usize| match neighbors.offset[k] {
                    ..0 => map.outside,
                    // SAFETY: an offset that is not negative is that of a pixel.
                    at => unsafe { *x.add(at as usize) },
                };
                let upper = weight[0] * value(0) + weight[1] * value(1);
                let lower = weight[2] * value(2) + weight[3] * value(3);
                upper + lower
            };
            // SAFETY: the point exists.
            unsafe { y.add(t).write(value) };
        }
    }

    /// What some points add to `rows` of one channel's gradient, and to the dots.
    ///
    /// # Safety
    /// As [`Layout::gradients`] for the maps of a channel, its values and its gradient, and `dy` in it.
    #[inline(always)]
    #[expect(
        clippy::too_many_arguments,
        reason = "a channel, its gradient, and the points"
    )]
    unsafe fn gradients_one_by_one<T: Number, const INPUT: bool, const GRID: bool>(
        &self,
        (x, dx): (*const T, *mut T),
        map: &Map<T>,
        rows: &Range<i32>,
        block: &Block<T>,
        points: Range<usize>,
        dy: *const T,
        dots: &mut Dots<T>,
    ) {
        let map = *map;
        for t in points.filter(|&t| !block.is_nan(t)) {
            let (weight, neighbors) = (block.weights(t), block.neighbors(&map, t));
            // SAFETY: the point exists; an offset that is not negative is that of a pixel; the gradient is only touched in these rows.
            unsafe {
                let g = *dy.add(t);
                for k in 0..4 {
                    match neighbors.offset[k] {
                        ..0 => dots[k][t] += g * map.outside,
                        at => {
                            if GRID {
                                dots[k][t] += g * *x.add(at as usize);
                            }
                            if INPUT && rows.contains(&neighbors.row[k]) {
                                *dx.add(at as usize) += g * weight[k];
                            }
                        }
                    }
                }
            }
        }
    }
}
