//! Positions and weights of a block of points, computed in vectors.
//!
//! What all channels share is computed once for 64 points: the upper left neighbor, the four weights,
//! and the derivatives of the position.
//! The loops have a fixed length and no branches, so the compiler vectorizes them for the level in use.

use std::ops::Range;

use striate::kernels::level::Level;
use striate::kernels::parts::{Kernel, Simd, dispatch};

use super::axis::{Padding, with_padding};
use super::map::Map;
use super::number::Number;

/// Points of a block.
pub(super) const BLOCK: usize = 64;

/// The widest vector has this many lanes, and a block whole vectors.
pub(super) const MOST_LANES: usize = 16;

/// The pixel index of a point with a coordinate that is NaN.
const NAN_INDEX: i32 = i32::MIN;

/// The positions of the points of a block.
pub(super) struct Block<T> {
    /// Points in use.
    pub(super) len: usize,
    x0: [i32; BLOCK],
    y0: [i32; BLOCK],
    /// The upper left neighbor, where all four neighbors are on the map; else -1.
    /// In a map with a margin: always that neighbor, and 0 for a coordinate that is NaN.
    pub(super) base: [i32; BLOCK],
    /// Whether a coordinate is NaN.
    pub(super) any_nan: bool,
    fx: [T; BLOCK],
    fy: [T; BLOCK],
    /// Derivative of the position in pixels with respect to the coordinates.
    slope_x: [T; BLOCK],
    slope_y: [T; BLOCK],
    /// Weights of the neighbors: upper left, upper right, lower left, lower right.
    weight: [[T; BLOCK]; 4],
}

/// The blocks of a run of points.
#[inline(always)]
pub(super) fn blocks(points: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = points.end;
    points
        .step_by(BLOCK)
        .map(move |start| start..(start + BLOCK).min(end))
}

/// The coordinates of a block that is not full, followed by zeros.
#[cold]
fn filled_up<T: Number>(coords: &[T]) -> [T; 2 * BLOCK] {
    let mut filled = [T::ZERO; 2 * BLOCK];
    filled[..coords.len()].copy_from_slice(coords);
    filled
}

struct Locate<'a, T, const MARGIN: bool, const SLOPES: bool> {
    block: &'a mut Block<T>,
    map: &'a Map<T>,
    coords: &'a [T],
}

impl<T: Number, const MARGIN: bool, const SLOPES: bool> Kernel<T>
    for Locate<'_, T, MARGIN, SLOPES>
{
    type Output = ();
    #[inline(always)]
    unsafe fn run<S: Simd<Elem = T>>(self) {
        let Self { block, map, coords } = self;
        with_padding!(map.padding, P => block.locate_by::<P, MARGIN, SLOPES>(map, coords));
    }
}

/// The four neighbors of a point, in the order of the weights; -1 for the value outside.
#[derive(Clone, Copy)]
pub(super) struct Neighbors {
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
            any_nan: false,
            fx: [T::ZERO; BLOCK],
            fy: [T::ZERO; BLOCK],
            slope_x: [T::ZERO; BLOCK],
            slope_y: [T::ZERO; BLOCK],
            weight: [[T::ZERO; BLOCK]; 4],
        }
    }

    /// Locates the points whose (x, y) are interleaved in `coords`, at most [`BLOCK`] of them.
    ///
    /// `MARGIN` says that the map has a margin so wide that every position has its four neighbors in it.
    /// `SLOPES` says that [`coordinate_gradient`](Self::coordinate_gradient) will be asked for.
    /// Dispatched again, so that the kernels share one copy for each level.
    #[inline(always)]
    pub(super) fn locate<const MARGIN: bool, const SLOPES: bool>(
        &mut self,
        level: Level,
        map: &Map<T>,
        coords: &[T],
    ) {
        let block = self;
        dispatch(level, Locate::<T, MARGIN, SLOPES> { block, map, coords });
    }

    #[inline(always)]
    fn locate_by<P: Padding, const MARGIN: bool, const SLOPES: bool>(
        &mut self,
        map: &Map<T>,
        coords: &[T],
    ) {
        // A copy: what only some points need of the map is gathered from memory, lane by lane, if it is not in registers.
        let map = *map;
        self.len = coords.len() / 2;
        let filled;
        let coords = match <&[T; 2 * BLOCK]>::try_from(coords) {
            Ok(coords) => coords,
            Err(_) => {
                filled = filled_up(coords);
                &filled
            }
        };
        // One loop for each axis and one for both: a loop that alternates between the axes is not vectorized.
        let (mut x, mut y) = ([T::ZERO; BLOCK], [T::ZERO; BLOCK]);
        for t in 0..BLOCK {
            (x[t], y[t]) = (coords[2 * t], coords[2 * t + 1]);
        }
        for t in 0..BLOCK {
            let (position, slope) = P::position(&map.x, map.x.unnormalize(x[t]));
            x[t] = position;
            if SLOPES {
                self.slope_x[t] = slope * map.x.scale;
            }
        }
        for t in 0..BLOCK {
            let (position, slope) = P::position(&map.y, map.y.unnormalize(y[t]));
            y[t] = position;
            if SLOPES {
                self.slope_y[t] = slope * map.y.scale;
            }
        }
        let (columns, rows) = (map.x.len, map.y.len);
        let mut any_nan = 0;
        for t in 0..BLOCK {
            let nan = x[t].is_nan() | y[t].is_nan();
            any_nan |= i32::from(nan);
            let x = if nan { T::ZERO } else { x[t] };
            let y = if nan { T::ZERO } else { y[t] };
            let (left, above) = (x.floor(), y.floor());
            let (fx, fy) = (x - left, y - above);
            // SAFETY: a padding mode gives NaN, replaced by 0 above, or a position at most two pixels off the map,
            // whose sides are far below the range of i32.
            let (x0, y0) = unsafe { (left.to_i32_unchecked(), above.to_i32_unchecked()) };
            let base = y0
                .wrapping_mul(map.stride)
                .wrapping_add(x0)
                .wrapping_add(map.first);
            if MARGIN {
                self.base[t] = if nan { 0 } else { base };
            } else {
                let inside = (x0 >= 0) & (x0 < columns - 1) & (y0 >= 0) & (y0 < rows - 1) & !nan;
                self.base[t] = if inside { base } else { -1 };
                self.y0[t] = if nan { NAN_INDEX } else { y0 };
            }
            self.x0[t] = if nan { NAN_INDEX } else { x0 };
            if SLOPES {
                (self.fx[t], self.fy[t]) = (fx, fy);
            }
            let (gx, gy) = (T::ONE - fx, T::ONE - fy);
            self.weight[0][t] = gx * gy;
            self.weight[1][t] = fx * gy;
            self.weight[2][t] = gx * fy;
            self.weight[3][t] = fx * fy;
        }
        self.any_nan = any_nan != 0;
    }

    /// The weights of point `t`.
    #[inline(always)]
    pub(super) fn weights(&self, t: usize) -> [T; 4] {
        std::array::from_fn(|k| self.weight[k][t])
    }

    /// The weights of the points from `first` on, in vectors.
    ///
    /// # Safety
    /// Called under `dispatch`; `first` is a multiple of `LANES` below [`BLOCK`].
    #[inline(always)]
    pub(super) unsafe fn weight_vectors<S: Simd<Elem = T>>(&self, first: usize) -> [S::V; 4] {
        // SAFETY: a block has whole vectors.
        std::array::from_fn(|k| unsafe { S::load(self.weight[k].as_ptr().add(first)) })
    }

    /// Whether the points from `first` on, `lanes` of them, have their bases in `bases`.
    #[inline(always)]
    pub(super) fn all_within(&self, first: usize, lanes: usize, bases: &Range<i32>) -> bool {
        let within = |base: i32| (base >= bases.start) & (base < bases.end);
        let points = &self.base[first..first + lanes];
        points.iter().fold(true, |all, &base| all & within(base))
    }

    /// Whether a coordinate of point `t` is NaN.
    #[inline(always)]
    pub(super) fn is_nan(&self, t: usize) -> bool {
        self.x0[t] == NAN_INDEX
    }

    /// The four neighbors of point `t`, whose coordinates are not NaN.
    #[inline(always)]
    pub(super) fn neighbors(&self, map: &Map<T>, t: usize) -> Neighbors {
        let columns = [
            map.pixel(self.x0[t], map.x.len),
            map.pixel(self.x0[t] + 1, map.x.len),
        ];
        let rows = [
            map.pixel(self.y0[t], map.y.len),
            map.pixel(self.y0[t] + 1, map.y.len),
        ];
        let (mut row, mut offset) = ([-1; 4], [-1; 4]);
        for k in 0..4 {
            let (r, c) = (rows[k >> 1], columns[k & 1]);
            if r >= 0 && c >= 0 {
                (row[k], offset[k]) = (r, r * map.x.len + c);
            }
        }
        Neighbors { row, offset }
    }

    /// The row whose band stores the gradient of point `t`: that of the upper neighbors, or the nearest on the map.
    #[inline(always)]
    pub(super) fn owner(&self, map: &Map<T>, t: usize) -> i32 {
        self.y0[t].clamp(0, map.y.len - 1)
    }

    /// The first and the last row that the points read.
    #[inline(always)]
    pub(super) fn rows(&self, map: &Map<T>) -> (i32, i32) {
        let (mut first, mut last) = (i32::MAX, 0);
        for t in 0..self.len {
            let row = self.owner(map, t);
            let next = map.pixel(row + 1, map.y.len);
            let next = if next < 0 { row } else { next };
            first = first.min(row).min(next);
            last = last.max(row).max(next);
        }
        (first, last)
    }

    /// The gradient with respect to the coordinates, interleaved, from `dots`:
    /// for each of the four neighbors, the sum over the channels of dy times its value.
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
