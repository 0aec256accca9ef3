//! The maxima of planes, with their positions if wanted.

use std::marker::PhantomData;

use super::sight::{Sight, WIDEST, sort};
use crate::kernels::pool_shape::PoolShape;
use crate::kernels::real::Real;
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::{Kernel, Lanes, Simd};
use crate::window::Window2d;

/// Which results a pooling computes.
pub(super) trait Results {
    const POSITIONS: bool;
}

/// The maxima.
pub(super) struct ValuesOnly;

impl Results for ValuesOnly {
    const POSITIONS: bool = false;
}

/// The maxima and where they are.
pub(super) struct ValuesAndPositions;

impl Results for ValuesAndPositions {
    const POSITIONS: bool = true;
}

/// Pools planes; `at` has no cell where `R` has no positions.
pub(super) struct Maxima<'a, T, R> {
    pub(super) shape: &'a PoolShape,
    pub(super) sight: Option<&'a Sight<T>>,
    pub(super) x: &'a [T],
    pub(super) y: &'a mut [T],
    pub(super) at: &'a mut [u32],
    pub(super) results: PhantomData<R>,
}

impl<T: Lanes, R: Results> Kernel<T> for Maxima<'_, T, R> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd<Elem = T>>(self) {
        let (s, sight) = (self.shape, self.sight);
        let (from, to) = (s.h * s.w, s.ho * s.wo);
        let planes = self.x.chunks_exact(from).zip(self.y.chunks_exact_mut(to));
        let Some(sight) = sight else {
            for (plane, (x, y)) in planes.enumerate() {
                let at = self.at.get_mut(plane * to..).unwrap_or_default();
                one_by_one(s, x, y, at);
            }
            return;
        };
        let tiled = s.window == Window2d::square(2).stride(2) && (s.h, s.w) == (2 * s.ho, 2 * s.wo);
        let scratch = match tiled {
            true => 0,
            false => sight.rows * s.window.stride.1 * sight.line,
        };
        let mut lines = Scratch::<T>::new(scratch);
        // What is beyond the edges stays so.
        lines.fill(T::NEG_INFINITY);
        for (plane, (x, y)) in planes.enumerate() {
            let at: &mut [u32] = match R::POSITIONS {
                true => &mut self.at[plane * to..][..to],
                false => &mut [],
            };
            // SAFETY: called under `dispatch`; the lines are those of the sight.
            unsafe {
                match tiled {
                    true => tiles::<S, R>(s, &sight.along, x, y, at),
                    false => pool::<S, R>(s, sight, &mut lines, x, y, at),
                }
            }
        }
    }
}

/// One plane.
///
/// # Safety
/// Called under `dispatch`, with lines as [`Maxima::run`] makes them.
#[inline(always)]
unsafe fn pool<S: Simd, R: Results>(
    s: &PoolShape,
    sight: &Sight<S::Elem>,
    lines: &mut [S::Elem],
    x: &[S::Elem],
    y: &mut [S::Elem],
    at: &mut [u32],
) {
    let row_len = s.window.stride.1 * sight.line;
    let mut kept = 0..0;
    for i in 0..s.ho {
        let rows = s.rows(i);
        // Every window sees a row: `PoolShape` refuses windows that lie in the padding alone.
        let first = rows.clone().next().unwrap_or(0);
        let end = rows.clone().last().map_or(0, |last| last + 1);
        // Rows that the windows above saw are there, unless these windows reach further up, where those saw padding.
        let missing = match kept.contains(&first) {
            true => kept.end.min(end)..end,
            false => first..end,
        };
        kept = first..missing.start.max(end);
        for row in missing {
            let line = &mut lines[row % sight.rows * row_len..][..row_len];
            // SAFETY: passed on.
            unsafe { sort::<S>(&x[row * s.w..][..s.w], s.window.stride.1, sight, line) };
        }
        let mut column = 0;
        while column < s.wo {
            // The last vector overlaps the one before.
            let j = column.min(s.wo.saturating_sub(S::LANES));
            // SAFETY: `start + j` and the LANES numbers from there are inside a line, and those from j on inside
            // `starts` and `along`, which have as many as the columns, or WIDEST.
            unsafe {
                let mut best = S::splat(S::Elem::NEG_INFINITY);
                let mut place = S::load(sight.starts.as_ptr().add(j));
                let along = S::load(sight.along.as_ptr().add(j));
                for row in rows.clone() {
                    let line = lines.as_ptr().add(row % sight.rows * row_len + j);
                    let below = S::Elem::from_f64(((row - first) * s.w) as f64);
                    for cell in &sight.cells {
                        let value = S::load(line.add(cell.start));
                        let here = if R::POSITIONS {
                            S::add(along, S::splat(below + cell.column))
                        } else {
                            place
                        };
                        (best, place) = S::later(best, place, value, here);
                    }
                }
                put::<S, R>(s.wo, i * s.wo + j, y, at, best, place, (first * s.w) as u32);
            }
            column += S::LANES;
        }
    }
}

/// One plane of windows of 2x2 cells that tile it.
///
/// # Safety
/// Called under `dispatch`; `x`, `y` and `at` are those of one plane.
#[inline(always)]
unsafe fn tiles<S: Simd, R: Results>(
    s: &PoolShape,
    along: &[S::Elem],
    x: &[S::Elem],
    y: &mut [S::Elem],
    at: &mut [u32],
) {
    let number = |n: usize| S::Elem::from_f64(n as f64);
    let (right, below) = (number(1), number(s.w));
    for i in 0..s.ho {
        let mut column = 0;
        while column < s.wo {
            // The last vector overlaps the one before.
            let j = column.min(s.wo.saturating_sub(S::LANES));
            // SAFETY: `along` has as many numbers as the columns, or WIDEST; passed on.
            unsafe {
                let (a, b) = pairs::<S>(&x[2 * i * s.w + 2 * j..]);
                let (c, d) = pairs::<S>(&x[(2 * i + 1) * s.w + 2 * j..]);
                let first = S::load(along.as_ptr().add(j));
                let second = S::add(first, S::splat(right));
                let low = S::splat(below);
                let (upper, above) = S::later(a, first, b, second);
                let (lower, place) = S::later(c, S::add(first, low), d, S::add(second, low));
                let (best, place) = S::later(upper, above, lower, place);
                put::<S, R>(s.wo, i * s.wo + j, y, at, best, place, (2 * i * s.w) as u32);
            }
            column += S::LANES;
        }
    }
}

/// The even and the odd ones of the next numbers of a plane; what is beyond its end has no meaning.
///
/// # Safety
/// Called under `dispatch`.
#[inline(always)]
unsafe fn pairs<S: Simd>(x: &[S::Elem]) -> (S::V, S::V) {
    // SAFETY: 2 * LANES numbers are there, or in the copy.
    unsafe {
        if x.len() >= 2 * S::LANES {
            return S::load_pairs(x.as_ptr());
        }
        let mut copy = [S::Elem::ZERO; 2 * WIDEST];
        copy[..x.len()].copy_from_slice(x);
        S::load_pairs(copy.as_ptr())
    }
}

/// Stores a vector of results from cell `to` of a plane on.
/// Of rows that are shorter than a vector, the rows below get the rest, and their own results later.
///
/// # Safety
/// Called under `dispatch`; `wo` columns are LANES or more, or the vector begins a row.
#[inline(always)]
unsafe fn put<S: Simd, R: Results>(
    wo: usize,
    to: usize,
    y: &mut [S::Elem],
    at: &mut [u32],
    best: S::V,
    place: S::V,
    offset: u32,
) {
    // SAFETY: LANES cells are there, or the vectors go through buffers that hold them.
    unsafe {
        if y.len() - to >= S::LANES {
            S::store(y[to..].as_mut_ptr(), best);
            if R::POSITIONS {
                S::store_integers(at[to..].as_mut_ptr(), place, offset);
            }
            return;
        }
        let (mut values, mut places) = ([S::Elem::ZERO; WIDEST], [0; WIDEST]);
        S::store(values.as_mut_ptr(), best);
        let count = wo.min(y.len() - to);
        y[to..][..count].copy_from_slice(&values[..count]);
        if R::POSITIONS {
            S::store_integers(places.as_mut_ptr(), place, offset);
            at[to..][..count].copy_from_slice(&places[..count]);
        }
    }
}

/// One plane, window by window, where there is no [`Sight`].
pub(super) fn one_by_one<T: Real>(s: &PoolShape, x: &[T], y: &mut [T], at: &mut [u32]) {
    for (k, best) in y.iter_mut().enumerate() {
        let (i, j) = (k / s.wo, k % s.wo);
        let mut place = None;
        *best = T::NEG_INFINITY;
        for row in s.rows(i) {
            for column in s.columns_of(j) {
                let position = row * s.w + column;
                let value = x[position];
                let nan = value.partial_cmp(&value).is_none();
                if value > *best || nan || place.is_none() {
                    (*best, place) = (value, Some(position as u32));
                }
            }
        }
        if let (Some(at), Some(place)) = (at.get_mut(k), place) {
            *at = place;
        }
    }
}
