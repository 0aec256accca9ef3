//! Coordinates of affine grids, and the sums that lead back to theta.
//!
//! ```text
//! for each image, for each row (y, or z and y, fixed):
//!     shift[d] = t[d, 1] * y + .. + t[d, D]
//!     for each column:  coords[d] = t[d, 0] * x + shift[d]
//! ```
//!
//! Backward: a row contributes `sum g[d] * x` and `sum g[d]`; the other columns of theta follow from the second.

use rayon::prelude::*;
use striate::kernels::Real;
use striate::kernels::parts::written_by;

/// Sizes of an affine grid: `n` transformations of a grid that is the product of `D` axes, the width first.
#[derive(Clone, Debug, PartialEq)]
pub struct AffineShape<const D: usize> {
    /// Images.
    pub n: usize,
    /// Coordinates along each axis.
    pub axes: [Vec<f64>; D],
}

impl<const D: usize> AffineShape<D> {
    /// Points of a grid.
    pub fn points(&self) -> usize {
        self.axes.iter().map(Vec::len).product()
    }

    fn rows(&self) -> usize {
        self.points() / self.axes[0].len().max(1)
    }

    /// (1, y, z) scaled to what multiplies the columns of theta behind the first in row `row`.
    fn rest<T: Real>(&self, mut row: usize) -> [T; D] {
        let mut rest = [T::ONE; D];
        for (value, axis) in rest.iter_mut().zip(&self.axes[1..]) {
            *value = T::from_f64(axis[row % axis.len()]);
            row /= axis.len();
        }
        rest
    }
}

/// Images a task handles, so that its start is not noticed.
fn images_a_task(numbers: usize) -> usize {
    ((1 << 15) / numbers.max(1)).max(1)
}

/// The coordinates, D of them for each point of each image, interleaved.
///
/// # Panics
/// If `theta` does not hold D * (D + 1) numbers an image.
pub fn forward<T: Real, const D: usize>(shape: &AffineShape<D>, theta: &[T]) -> Vec<T> {
    let parameters = D * (D + 1);
    assert_eq!(theta.len(), shape.n * parameters);
    let numbers = shape.points() * D;
    let width = shape.axes[0].len();
    let xs: Vec<T> = shape.axes[0].iter().map(|&x| T::from_f64(x)).collect();
    let run = images_a_task(numbers);
    let image = |theta: &[T], coords: &mut [T]| {
        for (row, coords) in coords.chunks_exact_mut(width * D).enumerate() {
            let rest = shape.rest::<T>(row);
            let mut shift = [T::ZERO; D];
            for (d, shift) in shift.iter_mut().enumerate() {
                let columns = &theta[d * (D + 1) + 1..][..D];
                for (factor, &t) in rest.iter().zip(columns) {
                    *shift += *factor * t;
                }
            }
            for (point, &x) in coords.chunks_exact_mut(D).zip(&xs) {
                for d in 0..D {
                    point[d] = theta[d * (D + 1)] * x + shift[d];
                }
            }
        }
    };
    let fill = |coords: &mut [T]| {
        let task = |(theta, coords): (&[T], &mut [T])| {
            let images = theta
                .chunks_exact(parameters)
                .zip(coords.chunks_exact_mut(numbers));
            images.for_each(|(theta, coords)| image(theta, coords));
        };
        let tasks = theta.par_chunks(run * parameters);
        tasks
            .zip(coords.par_chunks_mut(run * numbers))
            .for_each(task);
    };
    // SAFETY: every point of every image is stored to, and none is read.
    unsafe { written_by(shape.n * numbers, fill) }
}

/// The gradient with respect to theta, from `g`, that with respect to the coordinates.
///
/// Rows are summed in `T`, in eight partial sums, and rows are added up in f64.
///
/// # Panics
/// If `g` does not hold D numbers for each point of each image.
pub fn backward<T: Real, const D: usize>(shape: &AffineShape<D>, g: &[T]) -> Vec<T> {
    let parameters = D * (D + 1);
    let numbers = shape.points() * D;
    assert_eq!(g.len(), shape.n * numbers);
    let width = shape.axes[0].len();
    let xs: Vec<T> = shape.axes[0].iter().map(|&x| T::from_f64(x)).collect();
    let mut theta = vec![T::ZERO; shape.n * parameters];
    let image = |g: &[T], theta: &mut [T]| {
        let mut sums = vec![0.0f64; parameters];
        for (row, g) in g.chunks_exact(width * D).enumerate().take(shape.rows()) {
            let rest = shape.rest::<f64>(row);
            let (sum, sum_x) = row_sums::<T, D>(g, &xs);
            for d in 0..D {
                sums[d * (D + 1)] += sum_x[d];
                for (k, factor) in rest.iter().enumerate() {
                    sums[d * (D + 1) + 1 + k] += factor * sum[d];
                }
            }
        }
        let pairs = theta.iter_mut().zip(&sums);
        pairs.for_each(|(theta, &sum)| *theta = T::from_f64(sum));
    };
    let run = images_a_task(numbers);
    let tasks = theta.par_chunks_mut(run * parameters);
    tasks
        .zip(g.par_chunks(run * numbers))
        .for_each(|(theta, g)| {
            let images = theta
                .chunks_exact_mut(parameters)
                .zip(g.chunks_exact(numbers));
            images.for_each(|(theta, g)| image(g, theta));
        });
    theta
}

/// Sum of g[d] and of g[d] * x over a row, for each d.
#[inline(always)]
fn row_sums<T: Real, const D: usize>(g: &[T], xs: &[T]) -> ([f64; D], [f64; D]) {
    const PARTS: usize = 8;
    let (mut sum, mut sum_x) = ([[T::ZERO; PARTS]; D], [[T::ZERO; PARTS]; D]);
    let mut add = |g: &[T], xs: &[T]| {
        for (part, (g, &x)) in g.chunks_exact(D).zip(xs).enumerate() {
            for d in 0..D {
                sum[d][part] += g[d];
                sum_x[d][part] += g[d] * x;
            }
        }
    };
    let (g_runs, x_runs) = (g.chunks_exact(PARTS * D), xs.chunks_exact(PARTS));
    let rest = (g_runs.remainder(), x_runs.remainder());
    g_runs.zip(x_runs).for_each(|(g, xs)| add(g, xs));
    add(rest.0, rest.1);
    let total = |parts: [[T; PARTS]; D]| parts.map(|parts| parts.iter().map(|p| p.to_f64()).sum());
    (total(sum), total(sum_x))
}
