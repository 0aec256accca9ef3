//! Places and weights of a block of points, computed in vectors.
//!
//! What is the same for all channels is computed once for 64 points: the pixel left above, the four weights,
//! and the derivatives of the position.
//! The loops have a fixed length and no branches, so the compiler vectorises them for the level at hand.

use striate::kernels::level::Level;
use striate::kernels::parts::{Kernel, Simd, dispatch};

use super::number::Number;
use super::place::{Axis, Outside, with_outside};
use crate::options::{AlignCorners, PaddingMode};

/// Points of a block.
pub(super) const BLOCK: usize = 64;

/// The place of a point whose coordinate is NaN.
const MISSING: i32 = i32::MIN;

/// Both axes of a map and what lies outside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Map<T> {
    pub(super) x: Axis<T>,
    pub(super) y: Axis<T>,
    padding: PaddingMode,
    /// The value outside, where it has one.
    pub(super) outside: T,
    /// From a row to the next where the map lies, and its first pixel.
    stride: i32,
    first: i32,
}

impl<T: Number> Map<T> {
    pub(super) fn new(
        h: usize,
        w: usize,
        align_corners: AlignCorners,
        padding: PaddingMode,
    ) -> Self {
        let outside = match padding {
            PaddingMode::Constant(value) => T::from_f64(value),
            _ => T::ZERO,
        };
        Self {
            x: Axis::new(w, align_corners),
            y: Axis::new(h, align_corners),
            padding,
            outside,
            stride: w as i32,
            first: 0,
        }
    }

    /// The same map as a part of a larger one, whose rows are `stride` apart and whose pixel `first` is the first of this one.
    pub(super) fn inside(self, stride: usize, first: usize) -> Self {
        Self {
            stride: stride as i32,
            first: first as i32,
            ..self
        }
    }

    /// The pixel on an axis of `n` that a tap of a place reaches; -1 for the value outside.
    #[inline(always)]
    fn tap(&self, i: i32, n: i32) -> i32 {
        match self.padding {
            PaddingMode::Wrap if i == n => 0,
            _ if i >= 0 && i < n => i,
            _ => -1,
        }
    }
}

/// Where the points of a block are read.
pub(super) struct Block<T> {
    /// Points in use.
    pub(super) len: usize,
    x0: [i32; BLOCK],
    y0: [i32; BLOCK],
    /// The pixel left above, where all four lie on the map; else -1.
    /// In a frame: always that pixel, and 0 for a coordinate that is NaN.
    pub(super) base: [i32; BLOCK],
    /// Whether a coordinate is NaN.
    pub(super) any_missing: bool,
    fx: [T; BLOCK],
    fy: [T; BLOCK],
    /// Derivative of the position in pixels with respect to the coordinates.
    slope_x: [T; BLOCK],
    slope_y: [T; BLOCK],
    /// Weights of the pixels left above, right above, left below, right below.
    pub(super) weight: [[T; BLOCK]; 4],
}

struct Place<'a, T, const FRAMED: bool> {
    block: &'a mut Block<T>,
    map: &'a Map<T>,
    coords: &'a [T],
}

impl<T: Number, const FRAMED: bool> Kernel<T> for Place<'_, T, FRAMED> {
    type Output = ();
    #[inline(always)]
    unsafe fn run<S: Simd<Elem = T>>(self) {
        with_outside!(self.map.padding, O => self.block.place_by::<O, FRAMED>(self.map, self.coords));
    }
}

/// The four pixels of a point, in the order of the weights; -1 for the value outside.
#[derive(Clone, Copy)]
pub(super) struct Taps {
    pub(super) row: [i32; 4],
    pub(super) offset: [i32; 4],
}

impl<T: Number> Block<T> {
    pub(super) fn new() -> Self {
        Self {
            len: 0,
            x0: [0; BLOCK],
            y0: [0; BLOCK],
            base: [-1; BLOCK],
            any_missing: false,
            fx: [T::ZERO; BLOCK],
            fy: [T::ZERO; BLOCK],
            slope_x: [T::ZERO; BLOCK],
            slope_y: [T::ZERO; BLOCK],
            weight: [[T::ZERO; BLOCK]; 4],
        }
    }

    /// Places the points whose (x, y) are interleaved in `coords`, at most [`BLOCK`] of them.
    ///
    /// Not inlined into the kernels: one copy a level is enough.
    #[inline(always)]
    pub(super) fn place(&mut self, level: Level, map: &Map<T>, coords: &[T]) {
        self.dispatched::<false>(level, map, coords);
    }

    /// The same for a map in a frame so wide that every place has its four pixels in it.
    #[inline(always)]
    pub(super) fn place_framed(&mut self, level: Level, map: &Map<T>, coords: &[T]) {
        self.dispatched::<true>(level, map, coords);
    }

    #[inline(always)]
    fn dispatched<const FRAMED: bool>(&mut self, level: Level, map: &Map<T>, coords: &[T]) {
        let block = self;
        dispatch(level, Place::<T, FRAMED> { block, map, coords });
    }

    #[inline(always)]
    fn place_by<O: Outside, const FRAMED: bool>(&mut self, map: &Map<T>, coords: &[T]) {
        self.len = coords.len() / 2;
        let mut padded = [T::ZERO; 2 * BLOCK];
        let coords = match <&[T; 2 * BLOCK]>::try_from(coords) {
            Ok(coords) => coords,
            Err(_) => {
                padded[..coords.len()].copy_from_slice(coords);
                &padded
            }
        };
        // One loop an axis and one for both: a loop that takes turns with the axes is not vectorised.
        let (mut x, mut y) = ([T::ZERO; BLOCK], [T::ZERO; BLOCK]);
        for t in 0..BLOCK {
            (x[t], y[t]) = (coords[2 * t], coords[2 * t + 1]);
        }
        for t in 0..BLOCK {
            let (place, slope) = O::place(&map.x, map.x.pixel(x[t]));
            (x[t], self.slope_x[t]) = (place, slope * map.x.scale);
        }
        for t in 0..BLOCK {
            let (place, slope) = O::place(&map.y, map.y.pixel(y[t]));
            (y[t], self.slope_y[t]) = (place, slope * map.y.scale);
        }
        let (columns, rows) = (map.x.len, map.y.len);
        let mut missing = 0;
        for t in 0..BLOCK {
            let lost = x[t].missing() | y[t].missing();
            missing |= i32::from(lost);
            let x = if lost { T::ZERO } else { x[t] };
            let y = if lost { T::ZERO } else { y[t] };
            let (left, above) = (x.floor(), y.floor());
            let (fx, fy) = (x - left, y - above);
            // SAFETY: a rule for the outside gives NaN, which is 0 by now, or a place at most two pixels off the map,
            // whose size is far below that of i32.
            let (x0, y0) = unsafe { (left.to_i32_unchecked(), above.to_i32_unchecked()) };
            let base = y0
                .wrapping_mul(map.stride)
                .wrapping_add(x0)
                .wrapping_add(map.first);
            if FRAMED {
                self.base[t] = if lost { 0 } else { base };
            } else {
                let inside = (x0 >= 0) & (x0 < columns - 1) & (y0 >= 0) & (y0 < rows - 1) & !lost;
                self.base[t] = if inside { base } else { -1 };
                self.y0[t] = if lost { MISSING } else { y0 };
            }
            self.x0[t] = if lost { MISSING } else { x0 };
            (self.fx[t], self.fy[t]) = (fx, fy);
            let (gx, gy) = (T::ONE - fx, T::ONE - fy);
            self.weight[0][t] = gx * gy;
            self.weight[1][t] = fx * gy;
            self.weight[2][t] = gx * fy;
            self.weight[3][t] = fx * fy;
        }
        self.any_missing = missing != 0;
    }

    /// The weights of point `t`.
    #[inline(always)]
    pub(super) fn weights(&self, t: usize) -> [T; 4] {
        [
            self.weight[0][t],
            self.weight[1][t],
            self.weight[2][t],
            self.weight[3][t],
        ]
    }

    /// Whether a coordinate of point `t` is NaN.
    #[inline(always)]
    pub(super) fn missing(&self, t: usize) -> bool {
        self.x0[t] == MISSING
    }

    /// The four pixels of point `t`, which is not missing.
    #[inline(always)]
    pub(super) fn taps(&self, map: &Map<T>, t: usize) -> Taps {
        let columns = [
            map.tap(self.x0[t], map.x.len),
            map.tap(self.x0[t] + 1, map.x.len),
        ];
        let rows = [
            map.tap(self.y0[t], map.y.len),
            map.tap(self.y0[t] + 1, map.y.len),
        ];
        let (mut row, mut offset) = ([-1; 4], [-1; 4]);
        for k in 0..4 {
            let (r, c) = (rows[k >> 1], columns[k & 1]);
            if r >= 0 && c >= 0 {
                (row[k], offset[k]) = (r, r * map.x.len + c);
            }
        }
        Taps { row, offset }
    }

    /// The row of the map that stands for point `t` where rows are divided: the upper one, or the nearest to it.
    #[inline(always)]
    pub(super) fn owner(&self, map: &Map<T>, t: usize) -> i32 {
        self.y0[t].clamp(0, map.y.len - 1)
    }

    /// The first and the last row that the points touch.
    #[inline(always)]
    pub(super) fn rows(&self, map: &Map<T>) -> (i32, i32) {
        let (mut first, mut last) = (i32::MAX, 0);
        for t in 0..self.len {
            let row = self.owner(map, t);
            let next = map.tap(row + 1, map.y.len);
            let next = if next < 0 { row } else { next };
            first = first.min(row).min(next);
            last = last.max(row).max(next);
        }
        (first, last)
    }

    /// The gradient with respect to the coordinates, interleaved, from `dots`:
    /// for each of the four pixels the sum over the channels of dy times its value.
    #[inline(always)]
    pub(super) fn coordinate_gradient(&self, dots: &[[T; BLOCK]; 4], to: &mut [T; 2 * BLOCK]) {
        for t in 0..BLOCK {
            let (fx, fy) = (self.fx[t], self.fy[t]);
            let along_x =
                (dots[1][t] - dots[0][t]) * (T::ONE - fy) + (dots[3][t] - dots[2][t]) * fy;
            let along_y =
                (dots[2][t] - dots[0][t]) * (T::ONE - fx) + (dots[3][t] - dots[1][t]) * fx;
            to[2 * t] = along_x * self.slope_x[t];
            to[2 * t + 1] = along_y * self.slope_y[t];
        }
    }
}
