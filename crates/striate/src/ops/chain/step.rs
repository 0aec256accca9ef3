//! One layer of a chain: an op with its parameters.

use std::borrow::Cow;

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};

use crate::kernels::Lanes;
use crate::ops::avg_pool2d::{AvgPool, GlobalAvgPool};
use crate::ops::conv2d::Conv;
use crate::ops::cpu::{Values, tensor, unsupported_dtype};
use crate::ops::dropout::Dropout;
use crate::ops::max_pool2d::{MaxPool, MaxPoolWithSwitches};
use crate::ops::max_unpool2d::MaxUnpool;

/// A layer.
pub(super) enum Step {
    Conv {
        op: Conv,
        weight: Tensor,
        bias: Option<Tensor>,
    },
    MaxPool(MaxPool),
    MaxPoolWithSwitches(MaxPoolWithSwitches),
    MaxUnpool {
        op: MaxUnpool,
        indices: Tensor,
    },
    AvgPool(AvgPool),
    GlobalAvgPool(GlobalAvgPool),
    Dropout(Dropout),
}

/// Gradients of one step.
pub(super) struct Gradients<F> {
    pub(super) dx: Option<Vec<F>>,
    pub(super) dweight: Option<Vec<F>>,
    pub(super) dbias: Option<Vec<F>>,
}

impl Step {
    /// The output for the contiguous `xs`, without a gradient.
    pub(super) fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let (storage, layout) = xs.storage_and_layout();
        match self.forward_storage(on_cpu(&storage)?, layout)? {
            (CpuStorage::F32(values), shape) => tensor(values, shape),
            (CpuStorage::F64(values), shape) => tensor(values, shape),
            (other, _) => Err(unsupported_dtype("chain", other.dtype())),
        }
    }

    /// The output for the values of a contiguous tensor.
    pub(super) fn forward_storage(
        &self,
        x: &CpuStorage,
        layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        match self {
            Self::Conv { op, weight, bias } => {
                let (weight, weight_layout) = weight.storage_and_layout();
                let weight = on_cpu(&weight)?;
                let Some(bias) = bias else {
                    return CustomOp2::cpu_fwd(op, x, layout, weight, weight_layout);
                };
                let (bias, bias_layout) = bias.storage_and_layout();
                let bias = on_cpu(&bias)?;
                CustomOp3::cpu_fwd(op, x, layout, weight, weight_layout, bias, bias_layout)
            }
            Self::MaxPool(op) => op.cpu_fwd(x, layout),
            Self::MaxPoolWithSwitches(op) => op.cpu_fwd(x, layout),
            Self::MaxUnpool { op, indices } => {
                let (indices, indices_layout) = indices.storage_and_layout();
                op.cpu_fwd(x, layout, on_cpu(&indices)?, indices_layout)
            }
            Self::AvgPool(op) => op.cpu_fwd(x, layout),
            Self::GlobalAvgPool(op) => op.cpu_fwd(x, layout),
            Self::Dropout(op) => op.cpu_fwd(x, layout),
        }
    }

    /// Whether weight and bias ask for a gradient.
    pub(super) fn tracked(&self) -> (bool, bool) {
        match self {
            Self::Conv { weight, bias, .. } => (
                weight.track_op(),
                bias.as_ref().is_some_and(Tensor::track_op),
            ),
            _ => (false, false),
        }
    }

    /// The gradients for input `x` and output `y`; that of x if it is wanted.
    pub(super) fn backward<F: Lanes + candle_core::WithDType>(
        &self,
        x: &Tensor,
        y: &Tensor,
        dy: Cow<'_, [F]>,
        dx_wanted: bool,
    ) -> Result<Gradients<F>> {
        let (x, y) = (Values::of(x)?, Values::of(y)?);
        let dx = match self {
            Self::Conv { op, weight, .. } => {
                let (dweight, dbias) = self.tracked();
                let weight = Values::of(weight)?;
                let saved = (x.slice()?, weight.slice()?, y.slice()?);
                let [dx, dweight, dbias] = op.gradients(saved, dy, [dx_wanted, dweight, dbias]);
                return Ok(Gradients { dx, dweight, dbias });
            }
            // The steps without parameters are in a chain because something before them is wanted.
            Self::MaxPool(op) => op.gradient(x.slice::<F>()?, &dy),
            Self::MaxPoolWithSwitches(op) => op.gradient(&dy)?,
            Self::MaxUnpool { op, indices } => op.gradient(indices, &dy)?,
            Self::AvgPool(op) => op.gradient(&dy),
            Self::GlobalAvgPool(op) => op.gradient(&dy),
            Self::Dropout(op) => op.masked(&dy),
        };
        Ok(Gradients {
            dx: Some(dx),
            dweight: None,
            dbias: None,
        })
    }
}

/// The values of a storage on the CPU.
pub(super) fn on_cpu(storage: &candle_core::Storage) -> Result<&CpuStorage> {
    match storage {
        candle_core::Storage::Cpu(storage) => Ok(storage),
        other => candle_core::bail!("a chain on the CPU found a tensor on {:?}", other.device()),
    }
}
