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
//! The loop over j is the inner one, so one short body serves every window and is vectorised for strides 1 and 2.
//! A strict comparison in row-major order makes the first maximum win; NaN wins over everything.
//! The planes of a task stay in the first-level cache from the first cell of a window to the last.

use super::output::{positions_written_by, written_by};
use super::planes::{Columns, PoolShape, planes_a_task, split, split2};
use super::real::Real;
use super::vectorize::vectorize;
use crate::window::Window2d;
use rayon::prelude::*;

/// The maxima of `x`.
///
/// # Panics
/// If `x` does not have the length that `s` says.
pub fn forward<T: Real>(s: &PoolShape, x: &[T]) -> Vec<T> {
    assert_eq!(x.len(), s.input_len());
    let taps = Taps::new(s);
    let fill = |y: &mut [T]| {
        split((x, s.h * s.w), (y, s.ho * s.wo), |x, y| {
            vectorize!({
                let planes = x
                    .chunks_exact(s.h * s.w)
                    .zip(y.chunks_exact_mut(s.ho * s.wo));
                planes.for_each(|(x, y)| plane::<T, Values>(s, &taps, x, y, &mut []));
            });
        });
    };
    // SAFETY: `plane` starts every output row with a fill.
    unsafe { written_by(s.output_len(), fill) }
}

/// The maxima of `x` and their positions `row * w + column` in their planes.
///
/// # Panics
/// If `x` does not have the length that `s` says.
pub fn forward_with_positions<T: Real>(s: &PoolShape, x: &[T]) -> (Vec<T>, Vec<u32>) {
    assert_eq!(x.len(), s.input_len());
    let taps = Taps::new(s);
    let (from, to) = (s.h * s.w, s.ho * s.wo);
    let run = planes_a_task(from);
    let fill = |y: &mut [T], at: &mut [u32]| {
        x.par_chunks(run * from)
            .zip(y.par_chunks_mut(run * to))
            .zip(at.par_chunks_mut(run * to))
            .for_each(|((x, y), at)| {
                vectorize!({
                    let outputs = y.chunks_exact_mut(to).zip(at.chunks_exact_mut(to));
                    for (x, (y, at)) in x.chunks_exact(from).zip(outputs) {
                        plane::<T, Positions>(s, &taps, x, y, at);
                    }
                });
            });
    };
    let mut at = Vec::new();
    // SAFETY: `plane` starts every row of both outputs with a fill.
    let y = unsafe {
        written_by(s.output_len(), |y| {
            at = positions_written_by(s.output_len(), |at| fill(y, at));
        })
    };
    (y, at)
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
pub fn backward_from_input<T: Real>(s: &PoolShape, x: &[T], dy: &[T]) -> Vec<T> {
    assert_eq!((x.len(), dy.len()), (s.input_len(), s.output_len()));
    let taps = Taps::new(s);
    let (from, to) = (s.h * s.w, s.ho * s.wo);
    let fill = |dx: &mut [T]| {
        split2((x, from), (dy, to), (dx, from), |_, x, dy, dx| {
            let (mut y, mut at) = (vec![T::ZERO; to], vec![0; to]);
            let inputs = x.chunks_exact(from).zip(dy.chunks_exact(to));
            for ((x, dy), dx) in inputs.zip(dx.chunks_exact_mut(from)) {
                vectorize!({
                    plane::<T, Positions>(s, &taps, x, &mut y, &mut at);
                    spread(s, &at, dy, dx);
                });
            }
        });
    };
    // SAFETY: `spread` stores to every cell of its plane before it loads one.
    unsafe { written_by(s.input_len(), fill) }
}

/// What depends on the column of a window's cell only.
struct Taps {
    /// For each window column: where it lies inside the input.
    columns: Vec<Columns>,
    /// For each output column: the first input column that its window sees.
    starts: Vec<u32>,
}

impl Taps {
    fn new(s: &PoolShape) -> Self {
        let columns: Vec<Columns> = (0..s.window.size.1).map(|v| s.columns(v)).collect();
        let mut starts = vec![0; s.wo];
        for tap in columns.iter().rev() {
            for (step, start) in starts[tap.first..tap.end].iter_mut().enumerate() {
                *start = (tap.input + step * s.window.stride.1) as u32;
            }
        }
        Self { columns, starts }
    }
}

/// Whether the positions of the maxima are wanted.
trait Wanted {
    const POSITIONS: bool;
}

struct Values;

impl Wanted for Values {
    const POSITIONS: bool = false;
}

struct Positions;

impl Wanted for Positions {
    const POSITIONS: bool = true;
}

#[inline(always)]
fn plane<T: Real, W: Wanted>(s: &PoolShape, taps: &Taps, x: &[T], y: &mut [T], at: &mut [u32]) {
    let halves = s.window == Window2d::square(2).stride(2) && (s.h, s.w) == (2 * s.ho, 2 * s.wo);
    if halves {
        return quarters::<T, W>(s, x, y, at);
    }
    for (i, best) in y.chunks_exact_mut(s.wo).enumerate() {
        best.fill(T::NEG_INFINITY);
        let mut rows = (0..s.window.size.0).filter_map(|u| s.row(i, u)).peekable();
        let at: &mut [u32] = if W::POSITIONS {
            let at = &mut at[i * s.wo..][..s.wo];
            // A window without a valid row cannot occur where the caller has refused windows of padding only.
            let start = rows.peek().map_or(0, |row| row * s.w) as u32;
            at.iter_mut()
                .zip(&taps.starts)
                .for_each(|(at, column)| *at = start + column);
            at
        } else {
            &mut []
        };
        for row in rows {
            let line = &x[row * s.w..][..s.w];
            for tap in &taps.columns {
                let range = tap.first..tap.end;
                if range.is_empty() {
                    continue;
                }
                let best = &mut best[range.clone()];
                let at = if W::POSITIONS {
                    &mut at[range]
                } else {
                    &mut at[..]
                };
                let (line, position) = (&line[tap.input..], (row * s.w + tap.input) as u32);
                match s.window.stride.1 {
                    1 => compare::<T, W>(line, 1, position, best, at),
                    2 => compare::<T, W>(line, 2, position, best, at),
                    stride => compare::<T, W>(line, stride, position, best, at),
                }
            }
        }
    }
}

/// As [`plane`] for windows of 2x2 cells that tile the plane: all four cells of a window at once.
#[inline(always)]
fn quarters<T: Real, W: Wanted>(s: &PoolShape, x: &[T], y: &mut [T], at: &mut [u32]) {
    let w = s.w as u32;
    let rows = x.chunks_exact(2 * s.w).zip(y.chunks_exact_mut(s.wo));
    for (i, (lines, y)) in rows.enumerate() {
        let (upper, lower) = lines.split_at(s.w);
        let cells = upper.chunks_exact(2).zip(lower.chunks_exact(2)).zip(y);
        if W::POSITIONS {
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
fn compare<T: Real, W: Wanted>(
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
    if W::POSITIONS {
        let (at_head, at_tail) = at.split_at_mut(whole);
        // Counted beside the loop: an index times the stride would keep the loop from being vectorised.
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
    // Not `||`: without a branch the loops around it are vectorised.
    (value > best) | (value != value)
}

/// The gradient of one plane.
#[inline(always)]
fn spread<T: Real>(s: &PoolShape, at: &[u32], dy: &[T], dx: &mut [T]) {
    if s.window == Window2d::square(2).stride(2) || s.window == Window2d::square(2).stride(2).ceil()
    {
        spread_pairs(s, at, dy, dx);
    } else {
        scatter(at, dy, dx);
    }
}

/// As [`scatter`] for windows of 2x2 cells side by side: every cell asks its only window, and all cells of a row at once.
#[inline(always)]
fn spread_pairs<T: Real>(s: &PoolShape, at: &[u32], dy: &[T], dx: &mut [T]) {
    for (row, line) in dx.chunks_exact_mut(s.w).enumerate() {
        let window = row / 2 * s.wo;
        let (Some(at), Some(dy)) = (at.get(window..window + s.wo), dy.get(window..window + s.wo))
        else {
            // An odd last row that no window sees.
            line.fill(T::ZERO);
            continue;
        };
        let (pairs, rest) = line.as_chunks_mut::<2>();
        let mut here = (row * s.w) as u32;
        for ((pair, &at), &dy) in pairs.iter_mut().zip(at).zip(dy) {
            pair[0] = if at == here { dy } else { T::ZERO };
            pair[1] = if at == here.wrapping_add(1) {
                dy
            } else {
                T::ZERO
            };
            here = here.wrapping_add(2);
        }
        // An odd last column: seen by a window that the edge cuts, or by none.
        for cell in rest {
            let last = s.w / 2;
            let own = at.get(last).is_some_and(|&at| at == here);
            *cell = if own { dy[last] } else { T::ZERO };
        }
    }
}

#[inline(always)]
fn scatter<T: Real>(at: &[u32], dy: &[T], dx: &mut [T]) {
    dx.fill(T::ZERO);
    for (&at, &dy) in at.iter().zip(dy) {
        if let Some(cell) = dx.get_mut(at as usize) {
            *cell += dy;
        }
    }
}
