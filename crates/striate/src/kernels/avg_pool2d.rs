//! Average pooling over windows and over whole planes.
//!
//! ```text
//! y[i,j] = (sum over the window's cells (u, v) inside the input of x[i*s + u*d - p, j*s + v*d - p]) / (rows[i] * columns[j])
//! ```
//!
//! The divisor is a product, because both the input and its padded frame are rectangles:
//! `rows[i]` counts the u, and `columns[j]` the v, whose cell counts.
//! As in max pooling the loop over j is the inner one.

use super::output::written_by;
use super::planes::split;
use super::pool_shape::{Columns, PoolShape};
use super::real::Real;
use super::vectorize::vectorize;
use crate::window::Axis;

/// Which cells count in the divisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Those inside the input or its padding.
    Frame,
    /// Those inside the input.
    Input,
}

impl Counted {
    /// How many rows count in the windows of each output row, and how many columns in those of each output column.
    pub fn cells(self, s: &PoolShape) -> (Vec<usize>, Vec<usize>) {
        let count = |axis: Axis, out| -> Vec<usize> {
            let cells = |i| match self {
                Self::Frame => axis.seen_framed(i),
                Self::Input => axis.seen(i),
            };
            (0..out).map(|i| cells(i).len()).collect()
        };
        (
            count(s.window.rows(s.h), s.ho),
            count(s.window.columns(s.w), s.wo),
        )
    }
}

/// The averages of `x`.
///
/// # Panics
/// If `x` does not have the length that `s` says.
pub fn forward<T: Real>(s: &PoolShape, counted: Counted, x: &[T]) -> Vec<T> {
    assert_eq!(x.len(), s.input_len());
    if s.is_empty() {
        return Vec::new();
    }
    let columns = WindowColumns::<T>::new(s, counted);
    let (from, to) = (s.h * s.w, s.ho * s.wo);
    let fill = |y: &mut [T]| {
        split((x, from), (y, to), |x, y| {
            vectorize!({
                for (x, y) in x.chunks_exact(from).zip(y.chunks_exact_mut(to)) {
                    average(s, &columns, x, y);
                }
            });
        });
    };
    // SAFETY: `average` starts every output row with a fill.
    unsafe { written_by(s.output_len(), fill) }
}

/// The gradient with respect to the input.
///
/// # Panics
/// If `dy` does not have the length that `s` says.
pub fn backward<T: Real>(s: &PoolShape, counted: Counted, dy: &[T]) -> Vec<T> {
    assert_eq!(dy.len(), s.output_len());
    if s.is_empty() {
        return Vec::new();
    }
    let columns = WindowColumns::<T>::new(s, counted);
    let (from, to) = (s.h * s.w, s.ho * s.wo);
    let fill = |dx: &mut [T]| {
        split((dy, to), (dx, from), |dy, dx| {
            let mut shares = vec![T::ZERO; s.wo];
            vectorize!({
                for (dy, dx) in dy.chunks_exact(to).zip(dx.chunks_exact_mut(from)) {
                    spread(s, &columns, dy, &mut shares, dx);
                }
            });
        });
    };
    // SAFETY: `spread` starts with a fill of its plane.
    unsafe { written_by(s.input_len(), fill) }
}

/// The mean of each plane of `plane` cells.
///
/// # Panics
/// If `plane` is 0 or does not divide the length of `x`.
pub fn global<T: Real>(plane: usize, x: &[T]) -> Vec<T> {
    assert!(plane > 0, "a plane without cells has no mean");
    let count = x.len() / plane;
    assert_eq!(count * plane, x.len());
    let factor = T::from_f64(1.0 / plane as f64);
    let fill = |y: &mut [T]| {
        split((x, plane), (y, 1), |x, y| {
            vectorize!({
                for (x, y) in x.chunks_exact(plane).zip(y) {
                    *y = sum(x) * factor;
                }
            });
        });
    };
    // SAFETY: the loop stores to every element.
    unsafe { written_by(count, fill) }
}

/// The gradient of [`global`] with respect to its input.
///
/// # Panics
/// If `plane` is 0 or the gradient has more numbers than memory can address.
pub fn global_backward<T: Real>(plane: usize, dy: &[T]) -> Vec<T> {
    assert!(plane > 0, "a plane without cells has no mean");
    let len = dy.len().checked_mul(plane);
    let len = len.expect("as many numbers as memory can address");
    let factor = T::from_f64(1.0 / plane as f64);
    let fill = |dx: &mut [T]| {
        split((dy, 1), (dx, plane), |dy, dx| {
            for (dy, dx) in dy.iter().zip(dx.chunks_exact_mut(plane)) {
                dx.fill(*dy * factor);
            }
        });
    };
    // SAFETY: every plane is filled.
    unsafe { written_by(len, fill) }
}

/// Sixteen running sums, added up at the end: vectorized, and the same order on every CPU.
#[inline(always)]
fn sum<T: Real>(x: &[T]) -> T {
    let mut sums = [T::ZERO; 16];
    let chunks = x.chunks_exact(16);
    for (k, &x) in chunks.remainder().iter().enumerate() {
        sums[k] += x;
    }
    for chunk in chunks {
        for (sum, &x) in sums.iter_mut().zip(chunk) {
            *sum += x;
        }
    }
    sums.iter().fold(T::ZERO, |total, &part| total + part)
}

/// What depends on the window's columns, and the divisors; the same for every plane.
struct WindowColumns<T> {
    /// The columns of the window that see the input.
    seen: Vec<Columns>,
    /// For each output row: how many rows of its window count.
    counted_rows: Vec<T>,
    /// For each output column: how many columns of its window count.
    counted_columns: Vec<T>,
}

impl<T: Real> WindowColumns<T> {
    fn new(s: &PoolShape, counted: Counted) -> Self {
        let (rows, columns) = counted.cells(s);
        let reals = |cells: Vec<usize>| cells.iter().map(|&n| T::from_f64(n as f64)).collect();
        Self {
            seen: s.columns(),
            counted_rows: reals(rows),
            counted_columns: reals(columns),
        }
    }
}

#[inline(always)]
fn average<T: Real>(s: &PoolShape, columns: &WindowColumns<T>, x: &[T], y: &mut [T]) {
    for (i, sums) in y.chunks_exact_mut(s.wo).enumerate() {
        sums.fill(T::ZERO);
        for row in s.rows(i) {
            let line = &x[row * s.w..][..s.w];
            for column in &columns.seen {
                let sums = &mut sums[column.first..column.end];
                match s.window.stride.1 {
                    1 => add(&line[column.input..], 1, sums),
                    2 => add(&line[column.input..], 2, sums),
                    stride => add(&line[column.input..], stride, sums),
                }
            }
        }
        for (sum, &counted) in sums.iter_mut().zip(&columns.counted_columns) {
            *sum = *sum / (columns.counted_rows[i] * counted);
        }
    }
}

/// `sums[j] += line[j * stride]`.
#[inline(always)]
fn add<T: Real>(line: &[T], stride: usize, sums: &mut [T]) {
    // The last run of `line` may be shorter than the stride, and then only its first cell exists.
    for (cells, sum) in line.chunks(stride).zip(sums) {
        *sum += cells[0];
    }
}

#[inline(always)]
fn spread<T: Real>(
    s: &PoolShape,
    columns: &WindowColumns<T>,
    dy: &[T],
    shares: &mut [T],
    dx: &mut [T],
) {
    dx.fill(T::ZERO);
    for (i, dy) in dy.chunks_exact(s.wo).enumerate() {
        for ((share, &dy), &counted) in shares.iter_mut().zip(dy).zip(&columns.counted_columns) {
            *share = dy / (columns.counted_rows[i] * counted);
        }
        for row in s.rows(i) {
            let line = &mut dx[row * s.w..][..s.w];
            for column in &columns.seen {
                let cells = line[column.input..].chunks_mut(s.window.stride.1);
                for (cells, &share) in cells.zip(&shares[column.first..column.end]) {
                    cells[0] += share;
                }
            }
        }
    }
}
