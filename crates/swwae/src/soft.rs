//! Soft pooling and unpooling: a what and a where that both have a gradient.
//!
//! ```text
//! s[i] = softmax over window k of beta z[i]
//! m[k] = sum over window k of s[i] z[i]              about the maximum
//! p[k] = sum over window k of s[i] (x[i], y[i])      about where it is
//! ```
//!
//! x and y run from -1 to 1 over the cells of a window, so p is two numbers for each window.
//! As beta grows, m and p go to the maximum and its place; at beta 0 they are the mean and the center.
//!
//! The paper does not say how a fractional where is unpooled.
//! Here m is spread over the four cells next to p with the weights of bilinear interpolation, which has a gradient in p;
//! where p is a cell this is hard unpooling.

use candle_core::{DType, Result, Tensor, bail};
use striate::Rounding;

use crate::what_where::side_by_side;

mod composed;
mod op;

pub use op::{soft_pool2d, soft_unpool2d};

/// What a soft pooling found and where.
///
/// # Source
/// Stacked What-Where Auto-encoders (arXiv 1506.02351); Goroshin, Mathieu and LeCun (arXiv 1506.03011).
///
/// ```
/// use swwae::candle_core::{Device, Result, Tensor};
/// use swwae::SoftWhatWhere;
/// use striate::Rounding;
/// fn main() -> Result<()> {
///     let xs = Tensor::new(&[[0f32, 0.0], [0.0, 4.0]], &Device::Cpu)?.reshape((1, 1, 2, 2))?;
///     let mean = SoftWhatWhere::pool(&xs, 2, Rounding::Floor, 0.0)?;
///     assert_eq!(mean.what.flatten_all()?.to_vec1::<f32>()?, [1.0]);
///     assert_eq!(mean.place.flatten_all()?.to_vec1::<f32>()?, [0.0, 0.0]);
///     let max = SoftWhatWhere::pool(&xs, 2, Rounding::Floor, 100.0)?;
///     assert_eq!(max.what.flatten_all()?.to_vec1::<f32>()?, [4.0]);
///     assert_eq!(max.place.flatten_all()?.to_vec1::<f32>()?, [1.0, 1.0]);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct SoftWhatWhere {
    /// The weighted means, (N, C, Ho, Wo).
    pub what: Tensor,
    /// Where they are, (N, C, 2, Ho, Wo): x along the width, then y along the height, in [-1, 1] within the window.
    pub place: Tensor,
    /// How sharply the weights prefer large values.
    pub beta: f64,
    /// Side of a window.
    pub size: usize,
    /// Height and width of the maps that were pooled.
    pub source: (usize, usize),
}

impl SoftWhatWhere {
    /// Pools `xs`, (N, C, H, W), over windows of `size` x `size` cells side by side.
    ///
    /// # Errors
    /// Those of [`soft_pool2d`].
    pub fn pool(xs: &Tensor, size: usize, rounding: Rounding, beta: f64) -> Result<Self> {
        let packed = soft_pool2d(xs, size, rounding, beta)?;
        let (_, _, h, w) = xs.dims4()?;
        Ok(Self {
            what: packed.narrow(2, 0, 1)?.squeeze(2)?,
            place: packed.narrow(2, 1, 2)?,
            beta,
            size,
            source: (h, w),
        })
    }

    /// Spreads `what` around the positions, in maps of the size that was pooled; 0 everywhere else.
    ///
    /// # Errors
    /// Those of [`soft_unpool2d`].
    pub fn unpool(&self, what: &Tensor) -> Result<Tensor> {
        soft_unpool2d(what, &self.place, self.size, self.source)
    }
}

/// Windows in a column and a row of maps of `h` x `w` cells.
fn windows(size: usize, rounding: Rounding, (h, w): (usize, usize)) -> Result<(usize, usize)> {
    side_by_side(size, rounding).output_size(h, w)
}

/// Refuses a beta that is negative, or not a finite number in the dtype that maps of `dtype` are computed in.
pub(crate) fn check_beta(beta: f64, dtype: DType) -> Result<()> {
    if !(0.0..f64::INFINITY).contains(&beta) {
        bail!(
            "soft_pool2d: beta is {beta}; it must be finite and at least 0, for a maximum use hard pooling"
        );
    }
    if dtype != DType::F64 && !(beta as f32).is_finite() {
        bail!(
            "soft_pool2d: beta is {beta:e}, and maps of {dtype:?} are computed in f32; it must be at most {:e}",
            f32::MAX
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
