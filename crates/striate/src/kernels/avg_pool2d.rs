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
use super::planes::{Columns, PoolShape, split};
use super::real::Real;
use super::vectorize::vectorize;

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
        let window = &s.window;
        let count = |out, size, stride, dilation, padding, len| -> Vec<usize> {
            let (low, high) = match self {
                Self::Frame => (0, len + 2 * padding),
                Self::Input => (padding, len + padding),
            };
            let cells = |i| (0..size).map(move |u| i * stride + u * dilation);
            let inside = |i| cells(i).filter(|at| (low..high).contains(at)).count();
            (0..out).map(inside).collect()
        };
        let (size, stride, dilation) = (window.size, window.stride, window.dilation);
        let padding = window.padding;
        (
            count(s.ho, size.0, stride.0, dilation.0, padding.0, s.h),
            count(s.wo, size.1, stride.1, dilation.1, padding.1, s.w),
        )
    }
}

/// The averages of `x`.
///
/// # Panics
/// If `x` does not have the length that `s` says.
pub fn forward<T: Real>(s: &PoolShape, counted: Counted, x: &[T]) -> Vec<T> {
    assert_eq!(x.len(), s.input_len());
    let taps = Taps::<T>::new(s, counted);
    let (from, to) = (s.h * s.w, s.ho * s.wo);
    let fill = |y: &mut [T]| {
        split((x, from), (y, to), |x, y| {
            vectorize!({
                for (x, y) in x.chunks_exact(from).zip(y.chunks_exact_mut(to)) {
                    average(s, &taps, x, y);
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
    let taps = Taps::<T>::new(s, counted);
    let (from, to) = (s.h * s.w, s.ho * s.wo);
    let fill = |dx: &mut [T]| {
        split((dy, to), (dx, from), |dy, dx| {
            let mut shares = vec![T::ZERO; s.wo];
            vectorize!({
                for (dy, dx) in dy.chunks_exact(to).zip(dx.chunks_exact_mut(from)) {
                    spread(s, &taps, dy, &mut shares, dx);
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
/// If `plane` is 0.
pub fn global_backward<T: Real>(plane: usize, dy: &[T]) -> Vec<T> {
    let factor = T::from_f64(1.0 / plane as f64);
    let fill = |dx: &mut [T]| {
        split((dy, 1), (dx, plane), |dy, dx| {
            for (dy, dx) in dy.iter().zip(dx.chunks_exact_mut(plane)) {
                dx.fill(*dy * factor);
            }
        });
    };
    // SAFETY: every plane is filled.
    unsafe { written_by(dy.len() * plane, fill) }
}

/// Sixteen running sums, added up at the end: vectorised, and the same order on every CPU.
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

struct Taps<T> {
    /// For each window column: where it lies inside the input.
    columns: Vec<Columns>,
    /// For each output row: how many rows of its window count.
    counted_rows: Vec<T>,
    /// For each output column: how many columns of its window count.
    counted_columns: Vec<T>,
}

impl<T: Real> Taps<T> {
    fn new(s: &PoolShape, counted: Counted) -> Self {
        let (rows, columns) = counted.cells(s);
        let reals = |cells: Vec<usize>| cells.iter().map(|&n| T::from_f64(n as f64)).collect();
        Self {
            columns: (0..s.window.size.1).map(|v| s.columns(v)).collect(),
            counted_rows: reals(rows),
            counted_columns: reals(columns),
        }
    }
}

#[inline(always)]
fn average<T: Real>(s: &PoolShape, taps: &Taps<T>, x: &[T], y: &mut [T]) {
    for (i, sums) in y.chunks_exact_mut(s.wo).enumerate() {
        sums.fill(T::ZERO);
        for row in (0..s.window.size.0).filter_map(|u| s.row(i, u)) {
            let line = &x[row * s.w..][..s.w];
            for tap in taps.columns.iter().filter(|tap| tap.first < tap.end) {
                let sums = &mut sums[tap.first..tap.end];
                match s.window.stride.1 {
                    1 => add(&line[tap.input..], 1, sums),
                    2 => add(&line[tap.input..], 2, sums),
                    stride => add(&line[tap.input..], stride, sums),
                }
            }
        }
        for (sum, &columns) in sums.iter_mut().zip(&taps.counted_columns) {
            *sum = *sum / (taps.counted_rows[i] * columns);
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
fn spread<T: Real>(s: &PoolShape, taps: &Taps<T>, dy: &[T], shares: &mut [T], dx: &mut [T]) {
    dx.fill(T::ZERO);
    for (i, dy) in dy.chunks_exact(s.wo).enumerate() {
        for ((share, &dy), &columns) in shares.iter_mut().zip(dy).zip(&taps.counted_columns) {
            *share = dy / (taps.counted_rows[i] * columns);
        }
        for row in (0..s.window.size.0).filter_map(|u| s.row(i, u)) {
            let line = &mut dx[row * s.w..][..s.w];
            for tap in taps.columns.iter().filter(|tap| tap.first < tap.end) {
                let cells = line[tap.input..].chunks_mut(s.window.stride.1);
                for (cells, &share) in cells.zip(&shares[tap.first..tap.end]) {
                    cells[0] += share;
                }
            }
        }
    }
}
