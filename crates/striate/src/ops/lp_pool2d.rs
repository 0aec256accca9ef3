//! p-norm pooling.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor, bail};

use super::cpu::{Values, for_float, in_float, owned, slice, tensor};
use super::max_pool2d::{pool_shape, pooled};
use crate::kernels::{self, PoolShape};
use crate::window::Window2d;

const NAME: &str = "lp_pool2d";

/// The p-norm of each window: y = (sum over the window's cells of |x|^p)^(1/p).
///
/// With p = 1 it is a sum of absolute values, and the larger p, the nearer it comes to the maximum of them.
///
/// # Shapes
/// `xs` (N, C, H, W) to (N, C, Ho, Wo), where (Ho, Wo) is [`Window2d::output_size`].
///
/// # Convention
/// Cells of the padding are zeros.
/// PyTorch's `lp_pool2d` leaves the absolute value out, so the two agree where no input is negative.
///
/// # Gradient
/// dx = dy sign(x) (|x| / y)^(p - 1); 0 where x is 0.
///
/// # Errors
/// p below 1 or not finite, integer dtypes, another rank, a window that does not fit or lies in the padding alone,
/// another device than the CPU.
///
/// # Source
/// Striving for Simplicity: The All Convolutional Net (arXiv 1412.6806), section 2, equation 1.
///
/// ```
/// use striate::candle_core::{Device, Result, Tensor};
/// use striate::{Window2d, lp_pool2d};
/// fn main() -> Result<()> {
///     let xs = Tensor::new(&[[3f32, 0.0], [-4.0, 0.0]], &Device::Cpu)?.reshape((1, 1, 2, 2))?;
///     let ys = lp_pool2d(&xs, &Window2d::square(2), 2.0)?;
///     assert_eq!(ys.flatten_all()?.to_vec1::<f32>()?, [5.0]);
///     Ok(())
/// }
/// ```
pub fn lp_pool2d(xs: &Tensor, window: &Window2d, p: f64) -> Result<Tensor> {
    if !(p >= 1.0 && p.is_finite()) {
        bail!("{NAME}: p is {p}; it must be a number from 1 on, and max_pool2d is its limit");
    }
    in_float(NAME, xs, |xs| {
        let shape = pool_shape(NAME, xs, window)?;
        match xs.device() {
            Device::Cpu => xs.apply_op1(LpPool { shape, p }),
            device => bail!("{NAME}: runs on the CPU only, and the input is on {device:?}"),
        }
    })
}

struct LpPool {
    shape: PoolShape,
    p: f64,
}

impl CustomOp1 for LpPool {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        for_float!(NAME, storage.dtype(), F => {
            let x = slice::<F>(storage, layout)?;
            let y = kernels::lp_pool2d::forward(&self.shape, self.p, x);
            owned(y, pooled(&self.shape, layout)?)
        })
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let dy = dy.contiguous()?;
        let (shape, dtype) = (x.shape(), x.dtype());
        let (x, dy) = (Values::of(x)?, Values::of(&dy)?);
        for_float!(NAME, dtype, F => {
            let dx = kernels::lp_pool2d::backward::<F>(&self.shape, self.p, x.slice()?, dy.slice()?);
            tensor(dx, shape)
        })
        .map(Some)
    }
}

#[cfg(test)]
mod tests;
