//! Nearest-neighbor upsampling by whole factors.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor};

use super::composed;
use super::cpu::{Values, for_float, in_float, maps, named, owned, room, slice, tensor};
use crate::kernels::{self, upsample::UpsampleShape};

const NAME: &str = "upsample_nearest2d";

/// Repeats each cell `factor.0` times down and `factor.1` times across: y[i, j] = x[i / fh, j / fw].
///
/// # Shapes
/// `xs` (N, C, H, W) to (N, C, H * fh, W * fw).
///
/// # Gradient
/// Each cell receives the sum over its copies.
///
/// # Errors
/// Integer dtypes, another rank, a factor of 0, a result that memory cannot hold.
///
/// ```
/// use striate::candle_core::{Device, Result, Tensor};
/// fn main() -> Result<()> {
///     let xs = Tensor::new(&[[1f32, 2.0]], &Device::Cpu)?.reshape((1, 1, 1, 2))?;
///     let ys = striate::upsample_nearest2d(&xs, (1, 2))?;
///     assert_eq!(ys.flatten_all()?.to_vec1::<f32>()?, [1.0, 1.0, 2.0, 2.0]);
///     Ok(())
/// }
/// ```
pub fn upsample_nearest2d(xs: &Tensor, factor: (usize, usize)) -> Result<Tensor> {
    let (n, c, h, w) = maps(NAME, xs)?;
    let shape = UpsampleShape::new(n * c, h, w, factor).map_err(|error| named(NAME, error))?;
    room(NAME, shape.output_len(), xs.dtype())?;
    in_float(NAME, xs, |xs| match xs.device() {
        Device::Cpu => xs.apply_op1(Upsample { shape }),
        _ => composed::upsample_nearest2d(xs, factor),
    })
}

struct Upsample {
    shape: UpsampleShape,
}

impl CustomOp1 for Upsample {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n, c, _, _) = layout.shape().dims4()?;
        let (h, w) = self.shape.output_size();
        for_float!(NAME, storage.dtype(), F => {
            let y = kernels::upsample::forward(&self.shape, slice::<F>(storage, layout)?);
            owned(y, (n, c, h, w))
        })
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let dy = dy.contiguous()?;
        let values = Values::of(&dy)?;
        for_float!(NAME, x.dtype(), F => {
            tensor(kernels::upsample::backward::<F>(&self.shape, values.slice()?), x.shape())
        })
        .map(Some)
    }
}

#[cfg(test)]
mod tests;
