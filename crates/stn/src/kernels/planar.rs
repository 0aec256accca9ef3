//! Channel by channel, read from the maps and added to their gradient as they are: for few channels.
//!
//! Three channels share the offsets and weights of a point while these are in registers.
//! A point with all four neighbors on the map needs one offset and no test; for the others each neighbor is looked up.

use std::ops::Range;
use std::slice::from_raw_parts_mut;

use striate::kernels::parts::{Shared, Simd};

use super::block::{BLOCK, Block};
use super::layout::{Band, Dots, Layout, Source};
use super::number::Number;
use super::shape::SampleShape;

/// Channels that are handled together; the rest goes one by one.
const GROUP: usize = 3;

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
        let mut channel = 0;
        while channel < self.channels {
            // SAFETY: the caller's promise is passed on; the channels exist.
            unsafe {
                let y = y.add(channel * self.points);
                channel += match self.channels - channel {
                    GROUP.. => self.values_of::<T, GROUP>(source, channel, block, y),
                    _ => self.values_of::<T, 1>(source, channel, block, y),
                };
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
        let mut channel = 0;
        while channel < self.channels {
            // SAFETY: the caller's promise is passed on; the channels exist.
            unsafe {
                let dy = dy.add(channel * self.points);
                channel += match self.channels - channel {
                    GROUP.. => self.gradients_of::<T, INPUT, GRID, GROUP>(
                        source, channel, block, dy, band, dots,
                    ),
                    _ => self
                        .gradients_of::<T, INPUT, GRID, 1>(source, channel, block, dy, band, dots),
                };
            }
        }
    }

    unsafe fn store<S: Simd<Elem = T>>(&self, _band: &Band<T>, _buffers: &mut ()) {}
}

impl Planar {
    /// The values of C channels from `channel` on; returns C.
    ///
    /// # Safety
    /// As [`Layout::values`] for `y` in the first of these channels, which exist.
    #[inline(always)]
    unsafe fn values_of<T: Number, const C: usize>(
        &self,
        source: Source<T>,
        channel: usize,
        block: &Block<T>,
        y: *mut T,
    ) -> usize {
        let (cells, w, points) = (self.h * self.w, self.w, self.points);
        let map = *source.map;
        // SAFETY: channels and points exist; a base is a pixel with neighbors right and below,
        // and the offsets of neighbors are those of pixels or negative.
        unsafe {
            let x = source.pixels.as_ptr().add(channel * cells);
            for t in 0..block.len {
                let weight = block.weights(t);
                if block.base[t] >= 0 {
                    let x = x.add(block.base[t] as usize);
                    for c in 0..C {
                        let above = x.add(c * cells);
                        let below = above.add(w);
                        let upper = weight[0] * *above + weight[1] * *above.add(1);
                        let lower = weight[2] * *below + weight[3] * *below.add(1);
                        y.add(c * points + t).write(upper + lower);
                    }
                } else if block.is_nan(t) {
                    for c in 0..C {
                        y.add(c * points + t).write(T::NAN);
                    }
                } else {
                    let neighbors = block.neighbors(&map, t);
                    for c in 0..C {
                        let value = |k: usize| match neighbors.offset[k] {
                            ..0 => map.outside,
                            at => *x.add(c * cells + at as usize),
                        };
                        let upper = weight[0] * value(0) + weight[1] * value(1);
                        let lower = weight[2] * value(2) + weight[3] * value(3);
                        y.add(c * points + t).write(upper + lower);
                    }
                }
            }
        }
        C
    }

    /// What C channels from `channel` on add to the band and to the dots; returns C.
    ///
    /// # Safety
    /// As [`Layout::gradients`] for `dy` in the first of these channels, which exist.
    #[inline(always)]
    unsafe fn gradients_of<T: Number, const INPUT: bool, const GRID: bool, const C: usize>(
        &self,
        source: Source<T>,
        channel: usize,
        block: &Block<T>,
        dy: *const T,
        band: &Band<T>,
        dots: &mut Dots<T>,
    ) -> usize {
        let (cells, w, points) = (self.h * self.w, self.w, self.points);
        let (map, whole) = (*source.map, band.whole);
        let rows = band.rows.start as i32..band.rows.end as i32;
        // The bases with both rows in the band.
        let bases = rows.start * w as i32..(rows.end - 1) * w as i32;
        // SAFETY: as in `values_of`; the gradient is only touched in the band's rows.
        unsafe {
            let x = source.pixels.as_ptr().add(channel * cells);
            let dx = match INPUT {
                true => band.dx.add(channel * cells),
                false => band.dx,
            };
            for t in 0..block.len {
                let weight = block.weights(t);
                let base = block.base[t];
                if base >= 0 && (whole || bases.contains(&base)) {
                    let mut dot = [T::ZERO; 4];
                    for c in 0..C {
                        let g = *dy.add(c * points + t);
                        let at = c * cells + base as usize;
                        let offset = [at, at + 1, at + w, at + w + 1];
                        for k in 0..4 {
                            if GRID {
                                dot[k] += g * *x.add(offset[k]);
                            }
                            if INPUT {
                                *dx.add(offset[k]) += g * weight[k];
                            }
                        }
                    }
                    for k in 0..4 {
                        dots[k][t] += dot[k];
                    }
                } else if !block.is_nan(t) {
                    let neighbors = block.neighbors(&map, t);
                    for c in 0..C {
                        let g = *dy.add(c * points + t);
                        for k in 0..4 {
                            match neighbors.offset[k] {
                                ..0 => dots[k][t] += g * map.outside,
                                at => {
                                    let at = c * cells + at as usize;
                                    if GRID {
                                        dots[k][t] += g * *x.add(at);
                                    }
                                    if INPUT && rows.contains(&neighbors.row[k]) {
                                        *dx.add(at) += g * weight[k];
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        C
    }
}
