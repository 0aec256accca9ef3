//! Numbers between the host, in f64, and tensors on any device: some devices have no f64.

use candle_core::{DType, Device, Result, Shape, Tensor};
use striate::ops::cpu::dense;

/// The values of `tensor`, named by `op` in errors, as an f64 tensor on the CPU without a gradient.
pub(crate) fn values(op: &'static str, tensor: &Tensor) -> Result<Tensor> {
    dense(op, &tensor.detach())?
        .to_device(&Device::Cpu)?
        .to_dtype(DType::F64)
}

/// A tensor of `values` with the dtype and on the device of `like`.
pub(crate) fn tensor(values: Vec<f64>, shape: impl Into<Shape>, like: &Tensor) -> Result<Tensor> {
    Tensor::from_vec(values, shape.into(), &Device::Cpu)?
        .to_dtype(like.dtype())?
        .to_device(like.device())
}
