//! The same ops put together from Candle's, for devices without kernels of ours.
//!
//! Values and gradients equal those of the kernels; speed and memory are what the composition costs.
//! Where Candle's own gradient rules are right for the pieces, they are used; elsewhere the gradient is written out.

use candle_core::{
    CpuStorage, CudaStorage, CustomOp1, CustomOp2, Layout, MetalStorage, Result, Shape, Storage,
    Tensor, backend::BackendStorage, bail,
};

use crate::kernels::ReluRule;

mod conv2d;
mod pool;

pub(super) use conv2d::{Geometry, conv2d};
pub(super) use pool::{avg_pool2d, max_pool2d, max_unpool2d};

/// max(0, x) with the gradient of `rule`.
pub(super) fn relu(xs: &Tensor, rule: ReluRule) -> Result<Tensor> {
    let ys = clip(&xs.detach())?;
    let saved = ys.clone();
    carried1(xs, ys, move |dy| gate(rule, &saved, dy))
}

/// `xs` under a mask that `draw` applies to a CPU tensor of ones.
pub(super) fn masked(xs: &Tensor, draw: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let ones = Tensor::ones(xs.shape(), xs.dtype(), &candle_core::Device::Cpu)?;
    let mask = draw(&ones)?.to_device(xs.device())?;
    // A choice rather than a product alone, so that a dropped infinity is 0 and not NaN.
    mask.gt(0f64)?
        .where_cond(&xs.mul(&mask)?, &xs.zeros_like()?)
}

/// Each cell repeated `factor.0` times down and `factor.1` times across.
pub(super) fn upsample_nearest2d(xs: &Tensor, factor: (usize, usize)) -> Result<Tensor> {
    let (n, c, h, w) = xs.dims4()?;
    xs.reshape(vec![n, c, h, 1, w, 1])?
        .broadcast_as(vec![n, c, h, factor.0, w, factor.1])?
        .reshape((n, c, h * factor.0, w * factor.1))
}

/// max(0, x); NaN is not below 0 and stays.
fn clip(xs: &Tensor) -> Result<Tensor> {
    xs.lt(0f64)?.where_cond(&xs.zeros_like()?, xs)
}

/// What a ReLU with output `y` passes of the gradient `g`: [`ReluRule::gate`] on tensors.
fn gate(rule: ReluRule, y: &Tensor, g: &Tensor) -> Result<Tensor> {
    let open = |g: &Tensor, by: &Tensor| by.le(0f64)?.where_cond(&g.zeros_like()?, g);
    match rule {
        ReluRule::Backprop => open(g, y),
        ReluRule::Deconvnet => open(g, g),
        ReluRule::Guided => open(&open(g, g)?, y),
    }
}

/// `value`, as a function of `xs` with the gradient that `backward` computes from the gradient of `value`.
fn carried1(
    xs: &Tensor,
    value: Tensor,
    backward: impl Fn(&Tensor) -> Result<Tensor> + Send + Sync + 'static,
) -> Result<Tensor> {
    xs.apply_op1(Carried { value, backward })
}

/// As [`carried1`] for two arguments; `backward` returns both gradients.
fn carried2(
    a: &Tensor,
    b: &Tensor,
    value: Tensor,
    backward: impl Fn(&Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> + Send + Sync + 'static,
) -> Result<Tensor> {
    a.apply_op2(b, Carried { value, backward })
}

/// A value that has been computed already, with its gradient rule.
struct Carried<B> {
    /// Fresh and contiguous, so that its storage holds exactly its elements.
    value: Tensor,
    backward: B,
}

impl<B> Carried<B> {
    const NAME: &'static str = "composed op";

    fn cpu(&self) -> Result<(CpuStorage, Shape)> {
        let (storage, layout) = self.value.storage_and_layout();
        match &*storage {
            Storage::Cpu(storage) => Ok((storage.try_clone(layout)?, layout.shape().clone())),
            other => bail!(
                "{}: value on {:?}, arguments on the CPU",
                Self::NAME,
                other.device()
            ),
        }
    }

    fn cuda(&self) -> Result<(CudaStorage, Shape)> {
        let (storage, layout) = self.value.storage_and_layout();
        match &*storage {
            Storage::Cuda(storage) => Ok((storage.try_clone(layout)?, layout.shape().clone())),
            other => bail!(
                "{}: value on {:?}, arguments on CUDA",
                Self::NAME,
                other.device()
            ),
        }
    }

    fn metal(&self) -> Result<(MetalStorage, Shape)> {
        let (storage, layout) = self.value.storage_and_layout();
        match &*storage {
            Storage::Metal(storage) => Ok((storage.try_clone(layout)?, layout.shape().clone())),
            other => bail!(
                "{}: value on {:?}, arguments on Metal",
                Self::NAME,
                other.device()
            ),
        }
    }
}

impl<B: Fn(&Tensor) -> Result<Tensor>> CustomOp1 for Carried<B> {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.cpu()
    }

    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
        self.cuda()
    }

    fn metal_fwd(&self, _: &MetalStorage, _: &Layout) -> Result<(MetalStorage, Shape)> {
        self.metal()
    }

    fn bwd(&self, _x: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        (self.backward)(dy).map(Some)
    }
}

impl<B: Fn(&Tensor) -> Result<(Option<Tensor>, Option<Tensor>)>> CustomOp2 for Carried<B> {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.cpu()
    }

    fn cuda_fwd(
        &self,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        self.cuda()
    }

    fn metal_fwd(
        &self,
        _: &MetalStorage,
        _: &Layout,
        _: &MetalStorage,
        _: &Layout,
    ) -> Result<(MetalStorage, Shape)> {
        self.metal()
    }

    fn bwd(
        &self,
        _a: &Tensor,
        _b: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        (self.backward)(dy)
    }
}
