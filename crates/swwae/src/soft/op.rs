//! The autograd ops of soft pooling and unpooling.

use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, DType, Device, Layout, Result, Shape, Tensor, bail,
};
use striate::Rounding;
use striate::ops::cpu::{
    Values, checked_len, dense, in_float, maps, owned, room, set_aside, slice, tensor,
    unsupported_dtype,
};

use super::{check_beta, composed, windows};
use crate::kernels::{self, Exp, SoftShape};

const POOL: &str = "soft_pool2d";
const UNPOOL: &str = "soft_unpool2d";

/// The what and the where of each window, weighted by softmax(beta z).
///
/// # Shapes
/// `xs` (N, C, H, W) to (N, C, 3, Ho, Wo): m, x and y of each window, for windows of `size` x `size` cells side by side.
///
/// # Convention
/// x and y run from -1, the first column or row of a window, to 1, the last; they are 0 for windows of one cell.
/// A window that hangs over the edge, under [`Rounding::Ceil`], weighs the cells that exist.
///
/// # Gradient
/// dm/dz\[i\] = s\[i\] (1 + beta (z\[i\] - m)), dp/dz\[i\] = beta s\[i\] (g\[i\] - p), with g\[i\] the coordinates of cell i.
///
/// # Errors
/// Integer dtypes, another rank, a map smaller than a window, a size of 0,
/// a beta that is negative or not finite in the dtype that is computed in.
///
/// # Source
/// Stacked What-Where Auto-encoders (arXiv 1506.02351).
///
/// See [`SoftWhatWhere`](super::SoftWhatWhere) for an example.
pub fn soft_pool2d(xs: &Tensor, size: usize, rounding: Rounding, beta: f64) -> Result<Tensor> {
    check_beta(beta, xs.dtype())?;
    let (n, c, h, w) = maps(POOL, xs)?;
    let (ho, wo) = windows(size, rounding, (h, w))?;
    let shape = SoftShape {
        planes: n * c,
        h,
        w,
        ho,
        wo,
        k: size,
    };
    in_float(POOL, xs, |xs| match xs.device() {
        Device::Cpu => xs.apply_op1(SoftPool { shape, beta }),
        _ => composed::pool(xs, &shape, beta),
    })
}

/// Spreads each value over the four cells next to its position, with the weights of bilinear interpolation.
///
/// # Shapes
/// `what` (N, C, Ho, Wo) and `place` (N, C, 2, Ho, Wo), x before y, to (N, C, `output_size`).
///
/// # Convention
/// That of [`soft_pool2d`]; a position outside [-1, 1] counts as the nearest one inside.
/// Cells that no window covers are 0, and what falls beyond the edge is lost.
///
/// # Gradient
/// To `what` the weighted sum of the four cells' gradients; to `place` the slope of the interpolation, 0 outside [-1, 1].
/// At a position that is a cell it is the slope towards the next cell, at the last one towards the previous.
///
/// # Errors
/// Integer dtypes, shapes that do not fit each other, a size of 0, a result that memory cannot hold.
///
/// # Source
/// Ours: the paper does not say how a fractional where is unpooled.
///
/// ```
/// use swwae::candle_core::{Device, Result, Tensor};
/// fn main() -> Result<()> {
///     let what = Tensor::new(&[4f32], &Device::Cpu)?.reshape((1, 1, 1, 1))?;
///     let place = Tensor::new(&[0.5f32, -1.0], &Device::Cpu)?.reshape((1, 1, 2, 1, 1))?;
///     let maps = swwae::soft_unpool2d(&what, &place, 2, (2, 2))?;
///     assert_eq!(maps.flatten_all()?.to_vec1::<f32>()?, [1.0, 3.0, 0.0, 0.0]);
///     Ok(())
/// }
/// ```
pub fn soft_unpool2d(
    what: &Tensor,
    place: &Tensor,
    size: usize,
    output_size: (usize, usize),
) -> Result<Tensor> {
    let (n, c, ho, wo) = maps(UNPOOL, what)?;
    if place.dims() != [n, c, 2, ho, wo] {
        bail!(
            "{UNPOOL}: place has shape {:?}; for what of shape {:?} it must be (N, C, 2, Ho, Wo)",
            place.dims(),
            what.dims()
        );
    }
    if place.dtype() != what.dtype() {
        bail!(
            "{UNPOOL}: place has dtype {:?}, what {:?}; convert one with to_dtype",
            place.dtype(),
            what.dtype()
        );
    }
    let (h, w) = output_size;
    if size == 0 || h == 0 || w == 0 {
        bail!("{UNPOOL}: size {size} and output size {h} x {w} must be at least 1");
    }
    let len = checked_len(UNPOOL, &[n, c, h, w])?;
    room(UNPOOL, len, what.dtype())?;
    // The kernels count the cells to the end of the last window.
    checked_len(UNPOOL, &[ho.max(wo) + 1, size])?;
    let shape = SoftShape {
        planes: n * c,
        h,
        w,
        ho,
        wo,
        k: size,
    };
    let float = match place.dtype() {
        DType::F16 | DType::BF16 => DType::F32,
        dtype => dtype,
    };
    let place = dense(UNPOOL, place)?.to_dtype(float)?;
    in_float(UNPOOL, what, |what| match what.device() {
        Device::Cpu => what.apply_op2(&place, SoftUnpool { shape }),
        _ => composed::unpool(what, &place, &shape),
    })
}

struct SoftPool {
    shape: SoftShape,
    beta: f64,
}

impl SoftPool {
    fn forward<T: Exp + candle_core::WithDType>(
        &self,
        storage: &CpuStorage,
        layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (n, c, _, _) = layout.shape().dims4()?;
        let _rules = set_aside();
        let packed =
            kernels::soft_pool::forward(&self.shape, self.beta, slice::<T>(storage, layout)?);
        owned(packed, vec![n, c, 3, self.shape.ho, self.shape.wo])
    }

    fn backward<T: Exp + candle_core::WithDType>(
        &self,
        z: &Tensor,
        packed: &Tensor,
        grad: &Tensor,
    ) -> Result<Tensor> {
        let grad = grad.contiguous()?;
        let (values, packed, grad) = (Values::of(z)?, Values::of(packed)?, Values::of(&grad)?);
        let (values, packed, grad) = (values.slice::<T>()?, packed.slice()?, grad.slice()?);
        let _rules = set_aside();
        let dz = kernels::soft_pool::backward(&self.shape, self.beta, values, packed, grad);
        tensor(dz, z.shape())
    }
}

impl CustomOp1 for SoftPool {
    fn name(&self) -> &'static str {
        POOL
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        match storage.dtype() {
            DType::F32 => self.forward::<f32>(storage, layout),
            DType::F64 => self.forward::<f64>(storage, layout),
            dtype => Err(unsupported_dtype(POOL, dtype)),
        }
    }

    fn bwd(&self, z: &Tensor, packed: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        match z.dtype() {
            DType::F32 => self.backward::<f32>(z, packed, grad),
            DType::F64 => self.backward::<f64>(z, packed, grad),
            dtype => Err(unsupported_dtype(POOL, dtype)),
        }
        .map(Some)
    }
}

struct SoftUnpool {
    shape: SoftShape,
}

impl SoftUnpool {
    fn forward<T: Exp + candle_core::WithDType>(
        &self,
        (what, what_layout): (&CpuStorage, &Layout),
        (place, place_layout): (&CpuStorage, &Layout),
    ) -> Result<(CpuStorage, Shape)> {
        let (n, c, _, _) = what_layout.shape().dims4()?;
        let what = slice::<T>(what, what_layout)?;
        let place = slice::<T>(place, place_layout)?;
        let _rules = set_aside();
        let out = kernels::soft_unpool::forward(&self.shape, what, place);
        owned(out, (n, c, self.shape.h, self.shape.w))
    }

    fn backward<T: Exp + candle_core::WithDType>(
        &self,
        what: &Tensor,
        place: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let grad = grad.contiguous()?;
        let (m, p, g) = (Values::of(what)?, Values::of(place)?, Values::of(&grad)?);
        let (m, p, g) = (m.slice::<T>()?, p.slice()?, g.slice()?);
        let _rules = set_aside();
        let (dm, dp) = kernels::soft_unpool::backward(&self.shape, m, p, g);
        Ok((
            Some(tensor(dm, what.shape())?),
            Some(tensor(dp, place.shape())?),
        ))
    }
}

impl CustomOp2 for SoftUnpool {
    fn name(&self) -> &'static str {
        UNPOOL
    }

    fn cpu_fwd(
        &self,
        what: &CpuStorage,
        what_layout: &Layout,
        place: &CpuStorage,
        place_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (m, p) = ((what, what_layout), (place, place_layout));
        match what.dtype() {
            DType::F32 => self.forward::<f32>(m, p),
            DType::F64 => self.forward::<f64>(m, p),
            dtype => Err(unsupported_dtype(UNPOOL, dtype)),
        }
    }

    fn bwd(
        &self,
        what: &Tensor,
        place: &Tensor,
        _out: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        match what.dtype() {
            DType::F32 => self.backward::<f32>(what, place, grad),
            DType::F64 => self.backward::<f64>(what, place, grad),
            dtype => Err(unsupported_dtype(UNPOOL, dtype)),
        }
    }
}
