//! Thin plate splines: the smoothest map that moves control points where theta says.
//!
//! f(p) = a0 + a1 x + a2 y + sum over k of w_k U(|p - c_k|), U(r) = r^2 log r^2, with f(c_k) = q_k,
//! sum w_k = 0 and sum w_k c_k = 0; once for x_s and once for y_s.
//! The system depends on the control points only, so it is solved once, in f64:
//! f(p) = (U(|p - c_1|), .., 1, x, y) S q with a fixed matrix S, and a grid is a fixed matrix times theta.

use candle_core::{DType, Result, Tensor, bail};

use super::SamplingGrid;
use super::base::points_2d;
use super::generator::{GridGenerator, points, rows};
use super::linear::{Constant, in_float};
use crate::options::AlignCorners;
use crate::size::{matrix, pixels, product};

const NAME: &str = "thin plate spline grid";

/// Where `side` x `side` control points of the output lie in the input: 2 side^2 parameters.
///
/// The control points c_k form a regular grid over [-1, 1]^2 of the output, row by row;
/// theta holds their positions q_k = (x, y) in the input.
///
/// # Shapes
/// theta (N, K, 2) or (N, 2 K) with K = side^2 to coordinates (N, H, W, 2).
///
/// # Convention
/// As [`AffineGrid`](super::AffineGrid); an affine image of the control points gives exactly that affine grid.
///
/// # Gradient
/// Linear in theta: one product with a matrix that is computed when the generator is made.
///
/// # Source
/// Jaderberg et al. 2015, section 3.2, with 16 control points; Bookstein 1989 for the spline.
///
/// ```
/// use stn::candle_core::{Device, Result, Tensor};
/// use stn::{AlignCorners, GridGenerator, ThinPlateSplineGrid};
/// fn main() -> Result<()> {
///     let generator = ThinPlateSplineGrid::new((5, 4), AlignCorners::Yes, 4)?;
///     let theta = Tensor::from_vec(generator.identity(), (1, 16, 2), &Device::Cpu)?;
///     let x = generator.grid(&theta)?.coords.get(0)?.get(0)?.narrow(1, 0, 1)?.flatten_all()?;
///     let x = x.to_vec1::<f64>()?;
///     assert!((x[0] + 1.0).abs() < 1e-12 && (x[1] + 1.0 / 3.0).abs() < 1e-12);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct ThinPlateSplineGrid {
    size: (usize, usize),
    align_corners: AlignCorners,
    side: usize,
    /// (2 K, 2 points): theta to coordinates.
    matrix: Constant,
    /// (K + 3, K): positions to weights and affine part.
    solution: Constant,
    /// (1, 2 K): the control points.
    control: Constant,
}

impl ThinPlateSplineGrid {
    /// The paper's number of control points along a side.
    pub const PAPER_SIDE: usize = 4;

    /// The most control points along a side: the time to solve the spline grows with the sixth power.
    pub const MAX_SIDE: usize = 32;

    /// A generator for outputs of `size`, (height, width), with `side` x `side` control points.
    ///
    /// # Errors
    /// A size without pixels, or with 2^29 or more; other than two to [`MAX_SIDE`](Self::MAX_SIDE) control points a side.
    pub fn new(size: (usize, usize), align_corners: AlignCorners, side: usize) -> Result<Self> {
        let count = pixels(NAME, &[size.0, size.1])?;
        if !(2..=Self::MAX_SIDE).contains(&side) {
            bail!(
                "{NAME}: {side} control points a side; at least 2 and at most {} are needed",
                Self::MAX_SIDE
            );
        }
        let factors = [2 * side * side, count, 2];
        let len = matrix(NAME, "the matrix of the spline", &factors)?;
        let control = points_2d((side, side), AlignCorners::Yes);
        let k = control.len() / 2;
        let solution = solve(&control)?;
        let base = points_2d(size, align_corners);
        let mut matrix = vec![0.0; len];
        for (at, point) in base.chunks_exact(2).enumerate() {
            let features = features(&control, point);
            for knot in 0..k {
                let column = (0..k + 3).map(|row| features[row] * solution[row * k + knot]);
                let weight: f64 = column.sum();
                matrix[2 * knot * 2 * count + 2 * at] = weight;
                matrix[(2 * knot + 1) * 2 * count + 2 * at + 1] = weight;
            }
        }
        Ok(Self {
            size,
            align_corners,
            side,
            matrix: Constant::new(matrix, (2 * k, 2 * count))?,
            solution: Constant::new(solution, (k + 3, k))?,
            control: Constant::new(control, (1, 2 * k))?,
        })
    }

    /// Control points along a side.
    pub fn side(&self) -> usize {
        self.side
    }

    fn count(&self) -> usize {
        self.side * self.side
    }
}

impl GridGenerator for ThinPlateSplineGrid {
    fn parameter_count(&self) -> usize {
        2 * self.count()
    }

    fn identity(&self) -> Vec<f64> {
        points_2d((self.side, self.side), AlignCorners::Yes)
    }

    fn size(&self) -> (usize, usize) {
        self.size
    }

    fn align_corners(&self) -> AlignCorners {
        self.align_corners
    }

    fn grid(&self, theta: &Tensor) -> Result<SamplingGrid> {
        let theta = rows(NAME, theta, &[self.count(), 2])?;
        let (n, (h, w)) = (theta.dim(0)?, self.size);
        product(NAME, "the grids (n, height, width, axes)", &[n, h, w, 2])?;
        let coords = in_float(&theta, |theta| theta.matmul(&self.matrix.like(theta)?))?;
        SamplingGrid::new(coords.reshape((n, h, w, 2))?, self.align_corners)
    }

    fn transform_points(&self, theta: &Tensor, at: &Tensor) -> Result<Tensor> {
        let k = self.count();
        let theta = rows(NAME, theta, &[k, 2])?;
        let n = theta.dim(0)?;
        let at = points(NAME, at, n, 2)?;
        let m = at.dim(1)?;
        product(NAME, "the distances (n, points, knots, 2)", &[n, m, k, 2])?;
        product(NAME, "the solutions (n, knots + 3, knots)", &[n, k + 3, k])?;
        in_float(&theta, |theta| {
            let at = at.to_dtype(theta.dtype())?;
            let one = at.narrow(2, 0, 1)?.ones_like()?;
            let control = self.control.like(theta)?.reshape((1, 1, k, 2))?;
            let square = at
                .reshape((n, m, 1, 2))?
                .broadcast_sub(&control)?
                .sqr()?
                .sum(3)?;
            // r^2 log r^2 is 0 at 0; the least positive number keeps the logarithm finite there.
            let least = match theta.dtype() {
                DType::F64 => f64::MIN_POSITIVE,
                _ => f64::from(f32::MIN_POSITIVE),
            };
            let radial = square.mul(&(&square + least)?.log()?)?;
            let features = Tensor::cat(&[radial, one, at], 2)?;
            let solution = self
                .solution
                .like(theta)?
                .broadcast_as((n, k + 3, k))?
                .contiguous()?;
            features.matmul(&solution.matmul(&theta.reshape((n, k, 2))?.contiguous()?)?)
        })
    }
}

/// U(|p - c_k|) for every control point, then 1, x, y.
fn features(control: &[f64], point: &[f64]) -> Vec<f64> {
    let radial = |c: &[f64]| {
        let square = (point[0] - c[0]).powi(2) + (point[1] - c[1]).powi(2);
        if square == 0.0 {
            0.0
        } else {
            square * square.ln()
        }
    };
    let radial = control.chunks_exact(2).map(radial);
    radial.chain([1.0, point[0], point[1]]).collect()
}

/// The first K columns of the inverse of [K P; P^T 0], row by row: what multiplies the positions q.
fn solve(control: &[f64]) -> Result<Vec<f64>> {
    let k = control.len() / 2;
    let n = k + 3;
    // The system beside the first K columns of the unit matrix, reduced by Gauss and Jordan with pivoting.
    let width = n + k;
    let mut rows: Vec<Vec<f64>> = Vec::with_capacity(n);
    for (i, c) in control.chunks_exact(2).enumerate() {
        let mut row = features(control, c);
        row.resize(width, 0.0);
        row[n + i] = 1.0;
        rows.push(row);
    }
    for i in 0..3 {
        let of = |c: &[f64]| [1.0, c[0], c[1]][i];
        let mut row: Vec<f64> = control.chunks_exact(2).map(of).collect();
        row.resize(width, 0.0);
        rows.push(row);
    }
    for column in 0..n {
        let pivot =
            (column..n).max_by(|&a, &b| rows[a][column].abs().total_cmp(&rows[b][column].abs()));
        rows.swap(column, pivot.unwrap_or(column));
        let head = rows[column][column];
        if head.abs() < 1e-12 {
            bail!("{NAME}: the control points lie on a line");
        }
        rows[column].iter_mut().for_each(|value| *value /= head);
        let lead = rows[column].clone();
        for (at, row) in rows.iter_mut().enumerate() {
            let factor = row[column];
            if at != column && factor != 0.0 {
                row.iter_mut()
                    .zip(&lead)
                    .for_each(|(value, lead)| *value -= factor * lead);
            }
        }
    }
    Ok(rows.iter().flat_map(|row| row[n..].to_vec()).collect())
}
