//! Max pooling: values, positions of the maxima, and the way back.
//!
//! ```text
//! for each plane, for each output row i:
//!     best[j] = -inf,  at[j] = first cell of window (i, j)          for all j
//!     for each cell (u, v) of the window, in row-major order:
//!         for all j at once:  x = input[i*s + u*d - p, j*s + v*d - p]
//!                             if x > best[j] or x is NaN:  best[j] = x,  at[j] = position of x
//! ```
//!
//! | file | what it holds |
//! |:--|:--|
//! | `maxima` | the loop above |
//! | `sight` | which numbers the windows of a row see |
//! | `gradient` | gradients back to the positions of the maxima |
//!
//! The loop over j is the inner one: j runs over the lanes of vectors, whatever the window.
//! A strict comparison in row-major order makes the first maximum win; NaN wins over everything.
//! The planes of a task stay in the first-level cache from the first cell of a window to the last.

use std::marker::PhantomData;

use rayon::prelude::*;

use super::level::Level;
use super::output::{positions_written_by, written_by};
use super::planes::{planes_a_task, split, split2};
use super::pool_shape::PoolShape;
use super::real::Real;
use super::simd::{Lanes, dispatch};
use super::vectorize::vectorize;
use gradient::spread;
use maxima::{Maxima, Results, ValuesAndPositions, ValuesOnly};
use sight::Sight;

mod gradient;
mod maxima;
mod sight;
#[cfg(test)]
mod tests;

/// The maxima of `x`.
///
/// # Panics
/// If `x` does not have the length that `s` says.
pub fn forward<T: Lanes>(s: &PoolShape, x: &[T]) -> Vec<T> {
    assert_eq!(x.len(), s.input_len());
    if s.is_empty() {
        return Vec::new();
    }
    let sight = Sight::new(s);
    let fill = |y: &mut [T]| {
        split((x, s.h * s.w), (y, s.ho * s.wo), |x, y| {
            pool::<T, ValuesOnly>(s, sight.as_ref(), x, y, &mut []);
        });
    };
    // SAFETY: every window's maximum is stored.
    unsafe { written_by(s.output_len(), fill) }
}

/// The maxima of `x` and their positions `row * w + column` in their planes.
///
/// # Panics
/// If `x` does not have the length that `s` says.
pub fn forward_with_positions<T: Lanes>(s: &PoolShape, x: &[T]) -> (Vec<T>, Vec<u32>) {
    assert_eq!(x.len(), s.input_len());
    if s.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let sight = Sight::new(s);
    let (from, to) = (s.h * s.w, s.ho * s.wo);
    let run = planes_a_task(from);
    let fill = |y: &mut [T], at: &mut [u32]| {
        x.par_chunks(run * from)
            .zip(y.par_chunks_mut(run * to))
            .zip(at.par_chunks_mut(run * to))
            .for_each(|((x, y), at)| {
                pool::<T, ValuesAndPositions>(s, sight.as_ref(), x, y, at);
            });
    };
    let mut at = Vec::new();
    // SAFETY: every window's maximum and position are stored.
    let y = unsafe {
        written_by(s.output_len(), |y| {
            at = positions_written_by(s.output_len(), |at| fill(y, at));
        })
    };
    (y, at)
}

/// Pools planes, with the vectors of the level in force.
fn pool<T: Lanes, R: Results>(
    s: &PoolShape,
    sight: Option<&Sight<T>>,
    x: &[T],
    y: &mut [T],
    at: &mut [u32],
) {
    let maxima = Maxima::<T, R> {
        shape: s,
        sight,
        x,
        y,
        at,
        results: PhantomData,
    };
    // A level that this CPU lacks counts as plain here, as in `vectorize!`.
    dispatch(Level::current().unwrap_or(Level::Plain), maxima);
}

/// The gradient with respect to the input: every `dy` goes to the position of its maximum; what meets there is added.
///
/// Positions are those of [`forward_with_positions`]; one that its window does not hold may be ignored.
///
/// # Panics
/// If `at` or `dy` do not have the length that `s` says.
pub fn backward<T: Real>(s: &PoolShape, at: &[u32], dy: &[T]) -> Vec<T> {
    assert_eq!((at.len(), dy.len()), (s.output_len(), s.output_len()));
    let (from, to) = (s.h * s.w, s.ho * s.wo);
    let fill = |dx: &mut [T]| {
        split2((at, to), (dy, to), (dx, from), |_, at, dy, dx| {
            let inputs = at.chunks_exact(to).zip(dy.chunks_exact(to));
            for ((at, dy), dx) in inputs.zip(dx.chunks_exact_mut(from)) {
                vectorize!(spread(s, at, dy, dx));
            }
        });
    };
    // SAFETY: `spread` stores to every cell of its plane before it loads one.
    unsafe { written_by(s.input_len(), fill) }
}

/// As [`backward`], finding the maxima of `x` again instead of reading their positions.
///
/// # Panics
/// If `x` or `dy` do not have the length that `s` says.
pub fn backward_from_input<T: Lanes>(s: &PoolShape, x: &[T], dy: &[T]) -> Vec<T> {
    /// Cells that are pooled before their gradients are spread.
    const CELLS: usize = 1 << 12;
    assert_eq!((x.len(), dy.len()), (s.input_len(), s.output_len()));
    if s.is_empty() {
        return Vec::new();
    }
    let sight = Sight::new(s);
    let (from, to) = (s.h * s.w, s.ho * s.wo);
    let planes = (CELLS / from.max(to)).max(1);
    let fill = |dx: &mut [T]| {
        split2((x, from), (dy, to), (dx, from), |_, x, dy, dx| {
            let (mut y, mut at) = (vec![T::ZERO; planes * to], vec![0; planes * to]);
            let inputs = x.chunks(planes * from).zip(dy.chunks(planes * to));
            for ((x, dy), dx) in inputs.zip(dx.chunks_mut(planes * from)) {
                let (y, at) = (&mut y[..dy.len()], &mut at[..dy.len()]);
                pool::<T, ValuesAndPositions>(s, sight.as_ref(), x, y, at);
                let gradients = at.chunks_exact(to).zip(dy.chunks_exact(to));
                for ((at, dy), dx) in gradients.zip(dx.chunks_exact_mut(from)) {
                    vectorize!(spread(s, at, dy, dx));
                }
            }
        });
    };
    // SAFETY: `spread` stores to every cell of its plane before it loads one.
    unsafe { written_by(s.input_len(), fill) }
}
