//! Plane projective grids: eight parameters, the ninth is 1.

use candle_core::{Result, Tensor, bail};

use super::SamplingGrid;
use super::base::points_2d;
use super::generator::{GridGenerator, points, rows};
use super::linear::{Constant, in_float};
use crate::host;
use crate::options::AlignCorners;
use crate::size::{matrix, pixels, product};

const NAME: &str = "projective grid";

/// The smallest magnitude of the denominator: where it would be less, this with its sign is used.
pub const MINIMAL_DENOMINATOR: f64 = 1e-6;

/// Eight parameters: a plane seen from any side.
///
/// With H = [t1 t2 t3; t4 t5 t6; t7 t8 1] and (X, Y, Z) = H (x_t, y_t, 1): `x_s = X / Z, y_s = Y / Z`.
///
/// # Shapes
/// theta (N, 8) to coordinates (N, H, W, 2).
///
/// # Convention
/// As [`AffineGrid`](super::AffineGrid), which it equals where t7 = t8 = 0.
/// Where |Z| is below [`MINIMAL_DENOMINATOR`], on the plane's horizon, that magnitude is used with Z's sign
/// (plus for zero), and t7 and t8 get no gradient from the point.
///
/// # Gradient
/// dx_s/d(t1, t2, t3) = (x_t, y_t, 1) / Z, dx_s/d(t7, t8) = -(x_s / Z) (x_t, y_t), and the same for y_s.
///
/// # Source
/// Jaderberg et al. 2015, section 3.2 names it; the parametrization is the usual one.
///
/// ```
/// use stn::candle_core::{Device, Result, Tensor};
/// use stn::{AlignCorners, GridGenerator, ProjectiveGrid};
/// fn main() -> Result<()> {
///     let generator = ProjectiveGrid::new((1, 2), AlignCorners::Yes)?;
///     let tilted = Tensor::new(&[[1f32, 0.0, 0.0, 0.0, 1.0, 0.0, 0.5, 0.0]], &Device::Cpu)?;
///     let x = generator.grid(&tilted)?.coords.narrow(3, 0, 1)?.flatten_all()?;
///     assert_eq!(x.to_vec1::<f32>()?, [-2.0, 1.0 / 1.5]);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct ProjectiveGrid {
    size: (usize, usize),
    align_corners: AlignCorners,
    /// (6, 2 points): X and Y, interleaved.
    numerators: Constant,
    /// (2, points): Z - 1.
    denominator: Constant,
}

impl ProjectiveGrid {
    /// A generator for outputs of `size`, (height, width).
    ///
    /// # Errors
    /// A size without pixels, or with 2^29 or more.
    pub fn new(size: (usize, usize), align_corners: AlignCorners) -> Result<Self> {
        let count = pixels(NAME, &[size.0, size.1])?;
        // Numerators, denominators and points together.
        matrix(NAME, "the matrix of the grid", &[16, count])?;
        let base = points_2d(size, align_corners);
        let (mut numerators, mut denominator) = (vec![0.0; 12 * count], vec![0.0; 2 * count]);
        for (at, point) in base.chunks_exact(2).enumerate() {
            for (column, value) in [point[0], point[1], 1.0].into_iter().enumerate() {
                numerators[column * 2 * count + 2 * at] = value;
                numerators[(3 + column) * 2 * count + 2 * at + 1] = value;
            }
            denominator[at] = point[0];
            denominator[count + at] = point[1];
        }
        Ok(Self {
            size,
            align_corners,
            numerators: Constant::new(numerators, (6, 2 * count))?,
            denominator: Constant::new(denominator, (2, count))?,
        })
    }
}

impl GridGenerator for ProjectiveGrid {
    fn parameter_count(&self) -> usize {
        8
    }

    fn identity(&self) -> Vec<f64> {
        vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    }

    fn size(&self) -> (usize, usize) {
        self.size
    }

    fn align_corners(&self) -> AlignCorners {
        self.align_corners
    }

    fn grid(&self, theta: &Tensor) -> Result<SamplingGrid> {
        let theta = rows(NAME, theta, &[8])?;
        let (n, (h, w)) = (theta.dim(0)?, self.size);
        product(NAME, "the grids (n, height, width, axes)", &[n, h, w, 2])?;
        let coords = in_float(&theta, |theta| {
            let linear = theta.narrow(1, 0, 6)?.contiguous()?;
            let numerators = linear.matmul(&self.numerators.like(theta)?)?;
            let tilt = theta.narrow(1, 6, 2)?.contiguous()?;
            let z = guarded((tilt.matmul(&self.denominator.like(theta)?)? + 1.0)?)?;
            numerators
                .reshape((n, h * w, 2))?
                .broadcast_div(&z.reshape((n, h * w, 1))?)
        })?;
        SamplingGrid::new(coords.reshape((n, h, w, 2))?, self.align_corners)
    }

    fn transform_points(&self, theta: &Tensor, at: &Tensor) -> Result<Tensor> {
        let theta = rows(NAME, theta, &[8])?;
        let n = theta.dim(0)?;
        let at = points(NAME, at, n, 2)?;
        in_float(&theta, |theta| {
            let at = at.to_dtype(theta.dtype())?;
            let linear = theta.narrow(1, 0, 6)?.reshape((n, 2, 3))?;
            let left = linear.narrow(2, 0, 2)?.transpose(1, 2)?.contiguous()?;
            let numerators = at
                .matmul(&left)?
                .broadcast_add(&linear.narrow(2, 2, 1)?.transpose(1, 2)?)?;
            let tilt = theta.narrow(1, 6, 2)?.reshape((n, 2, 1))?;
            numerators.broadcast_div(&guarded((at.matmul(&tilt.contiguous()?)? + 1.0)?)?)
        })
    }

    fn inverse_grid(&self, theta: &Tensor, size: (usize, usize)) -> Result<SamplingGrid> {
        let theta = rows(NAME, theta, &[8])?;
        let n = theta.dim(0)?;
        let t = |at: usize| theta.narrow(1, at, 1);
        let one = t(0)?.ones_like()?;
        let h = [t(0)?, t(1)?, t(2)?, t(3)?, t(4)?, t(5)?, t(6)?, t(7)?, one];
        // The adjugate, which is the inverse up to a factor that a projective map does not see.
        let cofactor = |i: usize, j: usize| {
            let at = |i: usize, j: usize| &h[(i % 3) * 3 + j % 3];
            let main = at(i + 1, j + 1).mul(at(i + 2, j + 2))?;
            main.sub(&at(i + 1, j + 2).mul(at(i + 2, j + 1))?)
        };
        let last = cofactor(2, 2)?;
        let values: Vec<f64> = host::values(NAME, &last)?.flatten_all()?.to_vec1()?;
        if let Some(image) = values.iter().position(|v| *v == 0.0 || !v.is_finite()) {
            bail!(
                "{NAME}: the inverse of the parameters of image {image} cannot be scaled to a last element of 1"
            );
        }
        let entries = (0..8).map(|at| cofactor(at % 3, at / 3)?.div(&last));
        let back = Tensor::cat(&entries.collect::<Result<Vec<_>>>()?, 1)?.reshape((n, 8))?;
        Self::new(size, self.align_corners)?.grid(&back)
    }
}

/// `z`, or the minimal magnitude with its sign; the latter is a constant for the gradient.
fn guarded(z: Tensor) -> Result<Tensor> {
    let least = z.ones_like()?.affine(MINIMAL_DENOMINATOR, 0.0)?;
    let signed = z.detach().lt(0f64)?.where_cond(&least.neg()?, &least)?;
    z.detach()
        .abs()?
        .lt(MINIMAL_DENOMINATOR)?
        .where_cond(&signed, &z)
}
