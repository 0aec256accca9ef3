//! Coordinates of affine grids, and the sums that lead back to theta.
//!
//! ```text
//! for each image, for each row (y, or z and y, fixed):
//!     shift[d] = t[d, 1] * y + .. + t[d, D]
//!     for each column:  coords[d] = t[d, 0] * x + shift[d]
//! ```
//!
//! Backward: a row contributes `sum g[d] * x` and `sum g[d]`; the other columns of theta follow from the second.

use candle_core::{Result, bail};
use rayon::prelude::*;
use striate::kernels::Real;
use striate::kernels::parts::written_by;

use crate::options::AlignCorners;
use crate::size::{pixels, product};

const NAME: &str = "affine grid";

/// Sizes of an affine grid: `n` transformations of the regular grid on `size`, (h, w) or (d, h, w).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AffineShape<const D: usize> {
    n: usize,
    size: [usize; D],
    align_corners: AlignCorners,
}

impl<const D: usize> AffineShape<D> {
    /// Sizes whose products are known to fit.
    ///
    /// # Errors
    /// No axis, a side of 0, more than 2^29 points, products that memory cannot hold.
    pub fn new(n: usize, size: [usize; D], align_corners: AlignCorners) -> Result<Self> {
        if D == 0 {
            bail!("{NAME}: the grid has no axis");
        }
        let points = pixels(NAME, &size)?;
        product(NAME, "the grids (n, points, axes)", &[n, points, D])?;
        product(NAME, "theta (n, axes, axes + 1)", &[n, D, D + 1])?;
        Ok(Self {
            n,
            size,
            align_corners,
        })
    }

    /// Points of a grid.
    pub fn points(&self) -> usize {
        self.size.iter().product()
    }

    /// Elements of theta: D (D + 1) a transformation.
    pub fn theta_len(&self) -> usize {
        self.n * D * (D + 1)
    }

    /// Elements of the coordinates: D a point.
    pub fn coords_len(&self) -> usize {
        self.n * self.points() * D
    }

    fn width(&self) -> usize {
        self.size[D - 1]
    }

    /// The coordinates along the width.
    fn xs<T: Real>(&self) -> Vec<T> {
        let width = self.width();
        let coordinate = |i| self.align_corners.to_coordinate(i as f64, width);
        (0..width).map(|i| T::from_f64(coordinate(i))).collect()
    }

    /// (y, 1) or (y, z, 1) of row `row`: what multiplies the columns of theta after the first.
    fn rest<T: Real>(&self, mut row: usize) -> [T; D] {
        let mut rest = [T::ONE; D];
        let sides = self.size[..D - 1].iter().rev();
        for (value, &side) in rest.iter_mut().zip(sides) {
            let coordinate = self.align_corners.to_coordinate((row % side) as f64, side);
            *value = T::from_f64(coordinate);
            row /= side;
        }
        rest
    }

    fn check(&self, name: &str, found: usize, expected: usize) -> Result<()> {
        if found != expected {
            bail!("{NAME}: {name} has {found} elements; {self:?} needs {expected}");
        }
        Ok(())
    }
}

/// Images that make a task long enough to pay for its start, with `elements` elements each.
fn images_a_task(elements: usize) -> usize {
    ((1 << 15) / elements.max(1)).max(1)
}

/// The coordinates, D of them for each point of each image, interleaved.
///
/// # Errors
/// If `theta` does not have D (D + 1) elements an image.
pub fn forward<T: Real, const D: usize>(shape: &AffineShape<D>, theta: &[T]) -> Result<Vec<T>> {
    shape.check("theta", theta.len(), shape.theta_len())?;
    let (parameters, elements) = (D * (D + 1), shape.points() * D);
    let (width, xs) = (shape.width(), shape.xs::<T>());
    let run = images_a_task(elements);
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
                .zip(coords.chunks_exact_mut(elements));
            images.for_each(|(theta, coords)| image(theta, coords));
        };
        let tasks = theta.par_chunks(run * parameters);
        tasks
            .zip(coords.par_chunks_mut(run * elements))
            .for_each(task);
    };
    // SAFETY: every point of every image is stored to, and none is read.
    Ok(unsafe { written_by(shape.coords_len(), fill) })
}

/// The gradient with respect to theta, from `g`, that with respect to the coordinates.
///
/// Rows are summed in `T`, in eight partial sums, and rows are added up in f64.
///
/// # Errors
/// If `g` does not have D elements for each point of each image.
pub fn backward<T: Real, const D: usize>(shape: &AffineShape<D>, g: &[T]) -> Result<Vec<T>> {
    shape.check(
        "the gradient of the coordinates",
        g.len(),
        shape.coords_len(),
    )?;
    let (parameters, elements) = (D * (D + 1), shape.points() * D);
    let (width, xs) = (shape.width(), shape.xs::<T>());
    let mut theta = vec![T::ZERO; shape.theta_len()];
    let image = |g: &[T], theta: &mut [T]| {
        let mut sums = vec![0.0f64; parameters];
        for (row, g) in g.chunks_exact(width * D).enumerate() {
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
    let run = images_a_task(elements);
    let tasks = theta.par_chunks_mut(run * parameters);
    tasks
        .zip(g.par_chunks(run * elements))
        .for_each(|(theta, g)| {
            let images = theta
                .chunks_exact_mut(parameters)
                .zip(g.chunks_exact(elements));
            images.for_each(|(theta, g)| image(g, theta));
        });
    Ok(theta)
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
