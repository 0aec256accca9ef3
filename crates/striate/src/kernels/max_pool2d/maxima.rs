//! The maxima of one plane, with their positions if wanted.

use crate::kernels::pool_shape::{Columns, PoolShape};
use crate::kernels::real::Real;
use crate::window::Window2d;

/// The columns of a window that see the input; the same for every row and plane.
pub(super) struct SeenColumns {
    columns: Vec<Columns>,
    /// For each output column: the first input column that its window sees.
    starts: Vec<u32>,
}

impl SeenColumns {
    pub(super) fn new(s: &PoolShape) -> Self {
        let columns = s.columns();
        let mut starts = vec![0; s.wo];
        for column in columns.iter().rev() {
            for (step, start) in starts[column.first..column.end].iter_mut().enumerate() {
                *start = (column.input + step * s.window.stride.1) as u32;
            }
        }
        Self { columns, starts }
    }
}

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

/// Pools one plane; `at` is only touched where `R` has positions.
#[inline(always)]
pub(super) fn plane<T: Real, R: Results>(
    s: &PoolShape,
    columns: &SeenColumns,
    x: &[T],
    y: &mut [T],
    at: &mut [u32],
) {
    let halves = s.window == Window2d::square(2).stride(2) && (s.h, s.w) == (2 * s.ho, 2 * s.wo);
    if halves {
        return quarters::<T, R>(s, x, y, at);
    }
    for (i, best) in y.chunks_exact_mut(s.wo).enumerate() {
        best.fill(T::NEG_INFINITY);
        let mut rows = s.rows(i).peekable();
        let at: &mut [u32] = if R::POSITIONS {
            let at = &mut at[i * s.wo..][..s.wo];
            // Every window sees a row: `PoolShape` refuses windows that lie in the padding alone.
            let start = rows.peek().map_or(0, |row| row * s.w) as u32;
            at.iter_mut()
                .zip(&columns.starts)
                .for_each(|(at, column)| *at = start + column);
            at
        } else {
            &mut []
        };
        for row in rows {
            let line = &x[row * s.w..][..s.w];
            for column in &columns.columns {
                let range = column.first..column.end;
                let best = &mut best[range.clone()];
                let at = if R::POSITIONS {
                    &mut at[range]
                } else {
                    &mut at[..]
                };
                let (line, position) = (&line[column.input..], (row * s.w + column.input) as u32);
                match s.window.stride.1 {
                    1 => compare::<T, R>(line, 1, position, best, at),
                    2 => compare::<T, R>(line, 2, position, best, at),
                    stride => compare::<T, R>(line, stride, position, best, at),
                }
            }
        }
    }
}

/// As [`plane`] for windows of 2x2 cells that tile the plane: all four cells of a window at once.
#[inline(always)]
fn quarters<T: Real, R: Results>(s: &PoolShape, x: &[T], y: &mut [T], at: &mut [u32]) {
    let w = s.w as u32;
    let rows = x.chunks_exact(2 * s.w).zip(y.chunks_exact_mut(s.wo));
    for (i, (lines, y)) in rows.enumerate() {
        let (upper, lower) = lines.split_at(s.w);
        let cells = upper.chunks_exact(2).zip(lower.chunks_exact(2)).zip(y);
        if R::POSITIONS {
            let mut here = (2 * i * s.w) as u32;
            let at = &mut at[i * s.wo..][..s.wo];
            for (((a, b), y), at) in cells.zip(at) {
                let (top, from_top) = later(a[0], here, a[1], here + 1);
                let (bottom, from_bottom) = later(b[0], here + w, b[1], here + w + 1);
                (*y, *at) = later(top, from_top, bottom, from_bottom);
                here = here.wrapping_add(2);
            }
        } else {
            for ((a, b), y) in cells {
                let (top, _) = later(a[0], 0, a[1], 0);
                let (bottom, _) = later(b[0], 0, b[1], 0);
                (*y, _) = later(top, 0, bottom, 0);
            }
        }
    }
}

/// The winner of two cells, of which the second comes later in row-major order.
#[inline(always)]
fn later<T: Real>(first: T, at: u32, second: T, second_at: u32) -> (T, u32) {
    match beats(second, first) {
        true => (second, second_at),
        false => (first, at),
    }
}

/// One cell of the window for a run of windows: `line[j * stride]` against `best[j]`.
#[inline(always)]
fn compare<T: Real, R: Results>(
    line: &[T],
    stride: usize,
    position: u32,
    best: &mut [T],
    at: &mut [u32],
) {
    // The last run of `line` may be shorter than the stride, and then only its first cell exists.
    let whole = (line.len() / stride).min(best.len());
    let (head, tail) = best.split_at_mut(whole);
    let cells = line.chunks_exact(stride).zip(head);
    if R::POSITIONS {
        let (at_head, at_tail) = at.split_at_mut(whole);
        // Counted beside the loop: an index times the stride would keep the loop from being vectorized.
        let mut here = position;
        for ((cells, best), at) in cells.zip(at_head) {
            let wins = beats(cells[0], *best);
            *best = if wins { cells[0] } else { *best };
            *at = if wins { here } else { *at };
            here = here.wrapping_add(stride as u32);
        }
        for (best, at) in tail.iter_mut().zip(at_tail) {
            let wins = beats(line[whole * stride], *best);
            *best = if wins { line[whole * stride] } else { *best };
            *at = if wins { here } else { *at };
        }
    } else {
        for (cells, best) in cells {
            *best = if beats(cells[0], *best) {
                cells[0]
            } else {
                *best
            };
        }
        for best in tail {
            let value = line[whole * stride];
            *best = if beats(value, *best) { value } else { *best };
        }
    }
}

/// Whether `value` takes the place of `best`: by a strict comparison, and NaN always.
#[inline(always)]
#[expect(clippy::eq_op, reason = "NaN is the value that differs from itself")]
fn beats<T: Real>(value: T, best: T) -> bool {
    // Not `||`: without a branch the loops around it are vectorized.
    (value > best) | (value != value)
}
