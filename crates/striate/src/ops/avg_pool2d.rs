//! Average pooling over windows and over whole maps.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor};
use serde::{Deserialize, Serialize};

use super::composed;
use super::cpu::{Values, for_float, in_float, maps, owned, slice, tensor};
use super::max_pool2d::{pool_shape, pooled};
use crate::kernels::Real;
use crate::kernels::{self, PoolShape, avg_pool2d::Counted};
use crate::window::Window2d;

const NAME: &str = "avg_pool2d";
const GLOBAL: &str = "global_avg_pool";

/// Whether cells of the padding count in the average.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// They count as zeros (PyTorch's default).
    #[default]
    Counted,
    /// The average is over the cells inside the input.
    Ignored,
}

/// The mean of each window.
///
/// # Shapes
/// `xs` (N, C, H, W) to (N, C, Ho, Wo), where (Ho, Wo) is [`Window2d::output_size`].
///
/// # Convention
/// What [`Rounding::Ceil`](crate::Rounding::Ceil) adds beyond input and padding never counts.
///
/// # Gradient
/// Each cell of a window that counted receives the window's gradient divided by the number of cells that counted.
///
/// # Errors
/// Integer dtypes, another rank, a window that does not fit or lies in the padding alone.
///
/// ```
/// use striate::candle_core::{Device, Result, Tensor};
/// use striate::{Padding, Window2d, avg_pool2d};
/// fn main() -> Result<()> {
///     let xs = Tensor::arange(0f32, 6.0, &Device::Cpu)?.reshape((1, 1, 2, 3))?;
///     let ys = avg_pool2d(&xs, &Window2d::square(2).stride(2).ceil(), Padding::Counted)?;
///     assert_eq!(ys.flatten_all()?.to_vec1::<f32>()?, [2.0, 3.5]);
///     Ok(())
/// }
/// ```
pub fn avg_pool2d(xs: &Tensor, window: &Window2d, padding: Padding) -> Result<Tensor> {
    in_float(NAME, xs, |xs| {
        let op = AvgPool::new(xs, window, padding)?;
        match xs.device() {
            Device::Cpu => xs.apply_op1(op),
            _ => composed::avg_pool2d(xs, &op.shape, op.counted),
        }
    })
}

/// The mean of each map.
///
/// # Shapes
/// `xs` (N, C, H, W) to (N, C).
///
/// # Errors
/// Integer dtypes, another rank, maps without cells.
///
/// # Source
/// Network In Network (arXiv 1312.4400), section 3.2.
///
/// ```
/// use striate::candle_core::{Device, Result, Tensor};
/// fn main() -> Result<()> {
///     let xs = Tensor::arange(0f32, 8.0, &Device::Cpu)?.reshape((1, 2, 2, 2))?;
///     assert_eq!(striate::global_avg_pool(&xs)?.to_vec2::<f32>()?, [[1.5, 5.5]]);
///     Ok(())
/// }
/// ```
pub fn global_avg_pool(xs: &Tensor) -> Result<Tensor> {
    let op = GlobalAvgPool::new(xs)?;
    in_float(GLOBAL, xs, |xs| match xs.device() {
        Device::Cpu => xs.apply_op1(op),
        _ => xs.flatten_from(2)?.mean(2),
    })
}

pub(super) struct AvgPool {
    shape: PoolShape,
    counted: Counted,
}

impl AvgPool {
    /// The op for `xs`.
    pub(super) fn new(xs: &Tensor, window: &Window2d, padding: Padding) -> Result<Self> {
        Ok(Self {
            shape: pool_shape(NAME, xs, window)?,
            counted: match padding {
                Padding::Counted => Counted::Frame,
                Padding::Ignored => Counted::Input,
            },
        })
    }

    /// The gradient with respect to x.
    pub(super) fn gradient<F: Real>(&self, dy: &[F]) -> Vec<F> {
        kernels::avg_pool2d::backward(&self.shape, self.counted, dy)
    }
}

impl CustomOp1 for AvgPool {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        for_float!(NAME, storage.dtype(), F => {
            let x = slice::<F>(storage, layout)?;
            let y = kernels::avg_pool2d::forward(&self.shape, self.counted, x);
            owned(y, pooled(&self.shape, layout)?)
        })
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let dy = dy.contiguous()?;
        let values = Values::of(&dy)?;
        for_float!(NAME, x.dtype(), F => {
            tensor(self.gradient::<F>(values.slice()?), x.shape())
        })
        .map(Some)
    }
}

pub(super) struct GlobalAvgPool {
    cells: usize,
}

impl GlobalAvgPool {
    /// The op for `xs`.
    pub(super) fn new(xs: &Tensor) -> Result<Self> {
        let (_, _, h, w) = maps(GLOBAL, xs)?;
        Ok(Self { cells: h * w })
    }

    /// The gradient with respect to x.
    pub(super) fn gradient<F: Real>(&self, dy: &[F]) -> Vec<F> {
        kernels::avg_pool2d::global_backward(self.cells, dy)
    }
}

impl CustomOp1 for GlobalAvgPool {
    fn name(&self) -> &'static str {
        GLOBAL
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n, c, _, _) = layout.shape().dims4()?;
        for_float!(GLOBAL, storage.dtype(), F => {
            owned(kernels::avg_pool2d::global(self.cells, slice::<F>(storage, layout)?), (n, c))
        })
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let dy = dy.contiguous()?;
        let values = Values::of(&dy)?;
        for_float!(GLOBAL, x.dtype(), F => {
            tensor(self.gradient::<F>(values.slice()?), x.shape())
        })
        .map(Some)
    }
}

#[cfg(test)]
mod tests;
