//! Affine grids: x_s = t11 x_t + t12 y_t + t13, y_s = t21 x_t + t22 y_t + t23 (equation 1), and the same in a volume.

use std::sync::{Arc, OnceLock};

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Result, Shape, Tensor, bail};
use striate::ops::cpu::{Values, owned, set_aside, slice, tensor};

use super::SamplingGrid;
use super::base::axis;
use super::generator::{GridGenerator, points, rows};
use super::linear::{Constant, in_float};
use crate::kernels::affine::{self, AffineShape};
use crate::options::AlignCorners;
use crate::size::{self, pixels};

const NAME: &str = "affine grid";
const NAME_3D: &str = "affine grid 3-D";

/// Six parameters: crop, translation, rotation, scale and skew.
///
/// `(x_s, y_s)^T = theta (x_t, y_t, 1)^T` with theta = [t11 t12 t13; t21 t22 t23].
///
/// # Shapes
/// theta (N, 2, 3) or (N, 6) to coordinates (N, H, W, 2).
///
/// # Convention
/// Maps the output's coordinates to the input's, both in [-1, 1] with the same meaning of the corners.
/// The determinant of the left 2x2 is below 1 in magnitude where the output shows a magnified part.
///
/// # Gradient
/// dL/dt1j = sum over the points of dL/dx_s (x_t, y_t, 1)_j, and the same with y_s for t2j, in a fixed order.
///
/// # Source
/// Jaderberg et al. 2015, equation 1.
///
/// ```
/// use stn::candle_core::{DType, Device, Result, Tensor};
/// use stn::{AffineGrid, AlignCorners, GridGenerator};
/// fn main() -> Result<()> {
///     let generator = AffineGrid::new((2, 2), AlignCorners::Yes)?;
///     let shift = Tensor::new(&[[1f32, 0.0, 0.5, 0.0, 1.0, 0.0]], &Device::Cpu)?;
///     let x = generator.grid(&shift)?.coords.narrow(3, 0, 1)?.flatten_all()?;
///     assert_eq!(x.to_vec1::<f32>()?, [-0.5, 1.5, -0.5, 1.5]);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct AffineGrid {
    size: (usize, usize),
    align_corners: AlignCorners,
    base: Base<2>,
}

impl AffineGrid {
    /// A generator for outputs of `size`, (height, width).
    ///
    /// # Errors
    /// A size without pixels, or with 2^29 or more.
    pub fn new(size: (usize, usize), align_corners: AlignCorners) -> Result<Self> {
        Ok(Self {
            size,
            align_corners,
            base: Base::new(NAME, [size.0, size.1], align_corners)?,
        })
    }
}

impl GridGenerator for AffineGrid {
    fn parameter_count(&self) -> usize {
        6
    }

    fn identity(&self) -> Vec<f64> {
        vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    }

    fn size(&self) -> (usize, usize) {
        self.size
    }

    fn align_corners(&self) -> AlignCorners {
        self.align_corners
    }

    fn grid(&self, theta: &Tensor) -> Result<SamplingGrid> {
        let theta = rows(NAME, theta, &[2, 3])?;
        let (h, w) = self.size;
        let coords = in_float(&theta, |theta| self.base.coords(theta))?;
        let coords = coords.reshape((theta.dim(0)?, h, w, 2))?;
        SamplingGrid::new(coords, self.align_corners)
    }

    fn transform_points(&self, theta: &Tensor, at: &Tensor) -> Result<Tensor> {
        transform_points::<2>(NAME, &rows(NAME, theta, &[2, 3])?, at)
    }

    fn inverse_grid(&self, theta: &Tensor, size: (usize, usize)) -> Result<SamplingGrid> {
        let theta = rows(NAME, theta, &[2, 3])?;
        let back = super::inverse(&theta.reshape((theta.dim(0)?, 2, 3))?)?;
        Self::new(size, self.align_corners)?.grid(&back)
    }
}

/// Twelve parameters: affine transformations of a volume.
///
/// `(x_s, y_s, z_s)^T = theta (x_t, y_t, z_t, 1)^T`.
///
/// # Shapes
/// theta (N, 3, 4) or (N, 12) to coordinates (N, D, H, W, 3).
///
/// # Convention
/// As [`AffineGrid`], with z along the depth.
///
/// # Source
/// Jaderberg et al. 2015, appendix A.3.
///
/// ```
/// use stn::candle_core::{DType, Device, Result, Tensor};
/// use stn::{AffineGrid3d, AlignCorners};
/// fn main() -> Result<()> {
///     let generator = AffineGrid3d::new((2, 3, 4), AlignCorners::Yes)?;
///     let theta = Tensor::from_vec(generator.identity(), (1, 12), &Device::Cpu)?;
///     assert_eq!(generator.grid(&theta)?.coords.dims(), [1, 2, 3, 4, 3]);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct AffineGrid3d {
    size: (usize, usize, usize),
    align_corners: AlignCorners,
    base: Base<3>,
}

impl AffineGrid3d {
    /// A generator for outputs of `size`, (depth, height, width).
    ///
    /// # Errors
    /// A size without voxels, or with 2^29 or more.
    pub fn new(size: (usize, usize, usize), align_corners: AlignCorners) -> Result<Self> {
        Ok(Self {
            size,
            align_corners,
            base: Base::new(NAME_3D, [size.0, size.1, size.2], align_corners)?,
        })
    }

    /// 12.
    pub fn parameter_count(&self) -> usize {
        12
    }

    /// The parameters of the identity.
    pub fn identity(&self) -> Vec<f64> {
        (0..12).map(|i| f64::from(i % 5 == 0)).collect()
    }

    /// (depth, height, width) of the output.
    pub fn size(&self) -> (usize, usize, usize) {
        self.size
    }

    /// The grid of each row of `theta`.
    ///
    /// # Errors
    /// Another shape than (N, 3, 4) or (N, 12), an integer dtype, more parameters or points than memory can hold.
    pub fn grid(&self, theta: &Tensor) -> Result<SamplingGrid> {
        let theta = rows(NAME_3D, theta, &[3, 4])?;
        let (d, h, w) = self.size;
        let coords = in_float(&theta, |theta| self.base.coords(theta))?;
        let coords = coords.reshape((theta.dim(0)?, d, h, w, 3))?;
        SamplingGrid::new(coords, self.align_corners)
    }

    /// Where points (K, 3) or (N, K, 3) of the output lie in the input: (N, K, 3).
    ///
    /// # Errors
    /// As [`grid`](Self::grid), and points of another shape.
    pub fn transform_points(&self, theta: &Tensor, at: &Tensor) -> Result<Tensor> {
        transform_points::<3>(NAME_3D, &rows(NAME_3D, theta, &[3, 4])?, at)
    }
}

fn transform_points<const D: usize>(
    op: &'static str,
    theta: &Tensor,
    at: &Tensor,
) -> Result<Tensor> {
    let n = theta.dim(0)?;
    let at = points(op, at, n, D)?;
    in_float(theta, |theta| {
        let matrix = theta.reshape((n, D, D + 1))?;
        let left = matrix.narrow(2, 0, D)?.transpose(1, 2)?.contiguous()?;
        let shift = matrix.narrow(2, D, 1)?.transpose(1, 2)?;
        let at = at.to_dtype(theta.dtype())?;
        at.matmul(&left)?.broadcast_add(&shift)
    })
}

/// The target grid of an affine transformation in D dimensions.
#[derive(Clone, Debug)]
struct Base<const D: usize> {
    size: [usize; D],
    align_corners: AlignCorners,
    /// The matrix B for devices without a kernel, built when one asks for it.
    matrix: Arc<OnceLock<Constant>>,
}

impl<const D: usize> Base<D> {
    fn new(op: &str, size: [usize; D], align_corners: AlignCorners) -> Result<Self> {
        pixels(op, &size)?;
        Ok(Self {
            size,
            align_corners,
            matrix: Arc::default(),
        })
    }

    /// theta (N, D (D + 1)) to coordinates (N, points * D).
    fn coords(&self, theta: &Tensor) -> Result<Tensor> {
        match theta.device() {
            Device::Cpu => {
                let shape = AffineShape::new(theta.dim(0)?, self.size, self.align_corners)?;
                theta.contiguous()?.apply_op1(Affine { shape })
            }
            _ => self.composed(theta),
        }
    }

    /// As [`coords`](Self::coords), by Candle's own product.
    fn composed(&self, theta: &Tensor) -> Result<Tensor> {
        let matrix = match self.matrix.get() {
            Some(matrix) => matrix,
            None => {
                let matrix = self.matrix()?;
                self.matrix.get_or_init(|| matrix)
            }
        };
        theta.matmul(&matrix.like(theta)?)
    }

    /// One row a parameter, one column a coordinate of a point.
    fn matrix(&self) -> Result<Constant> {
        let axes: [Vec<f64>; D] =
            std::array::from_fn(|d| axis(self.size[D - 1 - d], self.align_corners));
        let count = pixels(NAME, &self.size)?;
        let len = size::matrix(NAME, "the matrix of the grid", &[D * (D + 1), count, D])?;
        let mut values = vec![0.0; len];
        for point in 0..count {
            let mut rest = point;
            let mut homogeneous = vec![1.0; D + 1];
            for (value, axis) in homogeneous.iter_mut().zip(&axes) {
                *value = axis[rest % axis.len()];
                rest /= axis.len();
            }
            for row in 0..D {
                for (column, value) in homogeneous.iter().enumerate() {
                    values[(row * (D + 1) + column) * count * D + point * D + row] = *value;
                }
            }
        }
        Constant::new(values, (D * (D + 1), count * D))
    }
}

struct Affine<const D: usize> {
    shape: AffineShape<D>,
}

impl<const D: usize> CustomOp1 for Affine<D> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let _rules = set_aside();
        let out = (layout.dims()[0], self.shape.points() * D);
        match storage.dtype() {
            DType::F32 => owned(
                affine::forward(&self.shape, slice::<f32>(storage, layout)?)?,
                out,
            ),
            DType::F64 => owned(
                affine::forward(&self.shape, slice::<f64>(storage, layout)?)?,
                out,
            ),
            dtype => bail!("{NAME}: dtype {dtype:?} is not supported; convert theta to f32 or f64"),
        }
    }

    fn bwd(&self, theta: &Tensor, _coords: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        let _rules = set_aside();
        let g = g.contiguous()?;
        let g = Values::of(&g)?;
        let gradient = match theta.dtype() {
            DType::F64 => tensor(
                affine::backward::<f64, D>(&self.shape, g.slice()?)?,
                theta.shape(),
            ),
            _ => tensor(
                affine::backward::<f32, D>(&self.shape, g.slice()?)?,
                theta.shape(),
            ),
        };
        gradient.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use striate::testing::{Tolerance, assert_close};

    #[test]
    fn composed_equals_the_kernel() -> Result<()> {
        for align_corners in [AlignCorners::Yes, AlignCorners::No] {
            let theta: Vec<f64> = (0..24).map(|i| f64::from(i * 7 % 11) / 5.0 - 1.0).collect();
            let base = Base::<2>::new(NAME, [3, 5], align_corners)?;
            let two = Tensor::from_vec(theta.clone(), (4, 6), &Device::Cpu)?;
            assert_close(
                "2-D",
                &base.coords(&two)?,
                &base.composed(&two)?,
                Tolerance::Elementwise(1e-14),
            );
            let base = Base::<3>::new(NAME_3D, [2, 3, 4], align_corners)?;
            let three = Tensor::from_vec(theta, (2, 12), &Device::Cpu)?;
            assert_close(
                "3-D",
                &base.coords(&three)?,
                &base.composed(&three)?,
                Tolerance::Elementwise(1e-14),
            );
        }
        Ok(())
    }

    #[test]
    fn the_matrix_is_not_built_on_the_cpu() -> Result<()> {
        let generator = AffineGrid::new((40, 30), AlignCorners::Yes)?;
        let theta = Tensor::from_vec(generator.identity(), (1, 6), &Device::Cpu)?;
        generator.grid(&theta)?;
        assert!(generator.base.matrix.get().is_none());
        generator.base.composed(&theta)?;
        assert!(generator.clone().base.matrix.get().is_some());
        // A generator of the largest size takes no memory.
        AffineGrid::new((1 << 14, 1 << 14), AlignCorners::Yes)?;
        AffineGrid3d::new((1 << 9, 1 << 9, 1 << 9), AlignCorners::No)?;
        Ok(())
    }
}
