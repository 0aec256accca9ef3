//! Sampling grids: where each pixel of the output is read in the input.
//!
//! A generator turns parameters theta into a [`SamplingGrid`].
//! The grid carries the meaning of -1 and +1 to the sampler, so the two cannot disagree.

use candle_core::{D, DType, Device, Result, Tensor, bail};
use striate::ops::cpu::dense;

use crate::host;
use crate::options::AlignCorners;
use crate::size::{pixels, product};

mod affine;
mod affine_subset;
mod base;
mod generator;
mod linear;
mod matrix;
mod projective;
mod thin_plate_spline;

pub use affine::{AffineGrid, AffineGrid3d};
pub use affine_subset::{AttentionGrid, SimilarityGrid, TranslationGrid};
pub use generator::GridGenerator;
pub use matrix::{compose, inverse};
pub use projective::{MINIMAL_DENOMINATOR, ProjectiveGrid};
pub use thin_plate_spline::ThinPlateSplineGrid;

#[cfg(test)]
mod tests;

/// Coordinates to sample at, and what they mean.
///
/// # Convention
/// `coords` is (N, H_out, W_out, 2) with (x, y), or (N, D_out, H_out, W_out, 3) with (x, y, z) for volumes;
/// x runs along the width, y along the height, z along the depth of the input.
#[derive(Clone, Debug)]
pub struct SamplingGrid {
    /// The coordinates.
    pub coords: Tensor,
    /// What -1 and +1 mean in them.
    pub align_corners: AlignCorners,
}

impl SamplingGrid {
    /// A grid of coordinates that come from elsewhere.
    ///
    /// # Errors
    /// Another shape than the two above.
    pub fn new(coords: Tensor, align_corners: AlignCorners) -> Result<Self> {
        match *coords.dims() {
            [_, _, _, 2] | [_, _, _, _, 3] => Ok(Self {
                coords,
                align_corners,
            }),
            _ => bail!(
                "sampling grid: the coordinates have shape {:?}; it must be (N, H, W, 2) with (x, y), or (N, D, H, W, 3) with (x, y, z)",
                coords.dims()
            ),
        }
    }

    /// The grid that reads each of (height, width) pixels at its own position, `n` times.
    ///
    /// # Errors
    /// A size without pixels, or with 2^29 or more; more coordinates than memory can hold.
    pub fn identity(
        n: usize,
        size: (usize, usize),
        align_corners: AlignCorners,
        dtype: DType,
        device: &Device,
    ) -> Result<Self> {
        let points = pixels("sampling grid", &[size.0, size.1])?;
        product(
            "sampling grid",
            "the coordinates (n, points, 2)",
            &[n, points, 2],
        )?;
        let points = base::points_2d(size, align_corners);
        let coords = Tensor::from_vec(points, (1, size.0, size.1, 2), &Device::Cpu)?;
        let coords = coords.to_dtype(dtype)?.to_device(device)?;
        let coords = coords.broadcast_as((n, size.0, size.1, 2))?.contiguous()?;
        Ok(Self {
            coords,
            align_corners,
        })
    }

    /// Images in the batch.
    pub fn batch(&self) -> usize {
        self.coords.dims().first().copied().unwrap_or(0)
    }

    /// The size of the output: (height, width), or (depth, height, width).
    pub fn size(&self) -> &[usize] {
        let dims = self.coords.dims();
        dims.get(1..dims.len().saturating_sub(1)).unwrap_or(&[])
    }

    /// The share of the points outside [-1, 1], by more than rounding: for monitoring a training run.
    ///
    /// # Errors
    /// Integer coordinates; more of them than memory can hold, which a broadcast view may claim.
    pub fn outside(&self) -> Result<f64> {
        let coords = dense("outside", &self.coords.detach())?;
        if coords.elem_count() == 0 {
            return Ok(0.0);
        }
        let far = coords.abs()?.gt(1.0 + 1e-4)?.max(D::Minus1)?;
        host::values("outside", &far)?
            .mean_all()?
            .to_scalar::<f64>()
    }
}
