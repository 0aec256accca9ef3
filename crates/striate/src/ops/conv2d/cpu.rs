//! The convolution on the CPU: our kernels under Candle's autograd.
//!
//! Bias and ReLU belong to the op, so one tensor passes from layer to layer:
//! the backward pass reads the ReLU's gate from the saved output.

use std::borrow::Cow;

use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, CustomOp2, CustomOp3, DType, Error, Layout, Result, Shape, Tensor, WithDType,
};

use super::{Activation, Conv2dOptions, ConvAlgorithm, NAME};
use crate::kernels::conv2d::{self as kernel, Algorithm, ConvShape};
use crate::kernels::level::Level;
use crate::kernels::relu::ReluRule;
use crate::kernels::{Lanes, stay_awake};
use crate::ops::cpu::{Values, for_float, owned, room, slice, tensor};

/// Applies the op; the arguments have been checked against `shape`, are contiguous and of one float dtype.
pub(super) fn conv2d(
    xs: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    op: Conv,
) -> Result<Tensor> {
    match bias {
        Some(bias) => xs.apply_op3(weight, bias, op),
        None => xs.apply_op2(weight, op),
    }
}

/// A convolution with all that it needs beside its arguments.
pub(in crate::ops) struct Conv {
    shape: ConvShape,
    algorithm: Algorithm,
    level: Level,
    /// The rule of the fused ReLU, if there is one.
    relu: Option<ReluRule>,
}

impl Conv {
    /// The op for arguments of this shape, under the rules of the current scope.
    pub(super) fn new(shape: ConvShape, dtype: DType, options: &Conv2dOptions) -> Result<Self> {
        room(NAME, shape.y_len(), dtype)?;
        Ok(Self {
            shape,
            algorithm: match options.algorithm {
                ConvAlgorithm::Direct => Algorithm::Direct,
                ConvAlgorithm::Auto => Algorithm::Auto,
                ConvAlgorithm::Winograd => Algorithm::Winograd,
            },
            level: Level::current().map_err(Error::wrap)?,
            relu: (options.activation == Activation::Relu).then(ReluRule::current),
        })
    }

    fn forward(
        &self,
        (x, x_layout): (&CpuStorage, &Layout),
        (weight, weight_layout): (&CpuStorage, &Layout),
        bias: Option<(&CpuStorage, &Layout)>,
    ) -> Result<(CpuStorage, Shape)> {
        let s = &self.shape;
        stay_awake();
        for_float!(NAME, x.dtype(), F => {
            let bias = bias.map(|(storage, layout)| slice::<F>(storage, layout)).transpose()?;
            let (x, weight) = (slice::<F>(x, x_layout)?, slice::<F>(weight, weight_layout)?);
            let y = kernel::forward(self.level, self.algorithm, s, x, weight, bias, self.relu.is_some());
            owned(y, s.y_dims())
        })
    }

    /// The gradients with respect to x, weight and bias, each only where it is wanted.
    ///
    /// A `dy` that is owned is overwritten, which saves a map where a ReLU is fused.
    pub(in crate::ops) fn gradients<F: Lanes>(
        &self,
        (x, weight, y): (&[F], &[F], &[F]),
        dy: Cow<'_, [F]>,
        wanted: [bool; 3],
    ) -> [Option<Vec<F>>; 3] {
        let (level, algorithm, s) = (self.level, self.algorithm, &self.shape);
        stay_awake();
        let (dy, dbias) = match (self.relu, dy) {
            (None, dy) => {
                let dbias = wanted[2].then(|| kernel::backward_bias(level, s, &dy));
                (dy, dbias)
            }
            (Some(rule), Cow::Borrowed(dy)) => {
                let (dy, dbias) = kernel::backward_gate(level, s, rule, y, dy);
                (Cow::Owned(dy), Some(dbias))
            }
            (Some(rule), Cow::Owned(mut dy)) => {
                let dbias = kernel::backward_gate_in_place(level, s, rule, y, &mut dy);
                (Cow::Owned(dy), Some(dbias))
            }
        };
        let dx = wanted[0].then(|| kernel::backward_input(level, algorithm, s, &dy, weight));
        let dweight = wanted[1].then(|| kernel::backward_weight(level, algorithm, s, x, &dy));
        [dx, dweight, dbias.filter(|_| wanted[2])]
    }

    /// The gradients as tensors, each only where its argument asks for one.
    fn backward(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        y: &Tensor,
        dy: &Tensor,
    ) -> Result<[Option<Tensor>; 3]> {
        let dy = dy.contiguous()?;
        let arguments = [Some(x), Some(weight), bias];
        let wanted = arguments.map(|argument| argument.is_some_and(Tensor::track_op));
        let (x_values, weight_values) = (Values::of(x)?, Values::of(weight)?);
        let (y_values, dy_values) = (Values::of(y)?, Values::of(&dy)?);
        for_float!(NAME, x.dtype(), F => {
            let saved = (x_values.slice()?, weight_values.slice()?, y_values.slice()?);
            let dy = Cow::Borrowed(dy_values.slice::<F>()?);
            let [dx, dweight, dbias] = self.gradients(saved, dy, wanted);
            Ok([like(x, dx)?, like(weight, dweight)?, bias.map_or(Ok(None), |bias| like(bias, dbias))?])
        })
    }
}

/// `values` in the shape of `argument`.
fn like<F: WithDType>(argument: &Tensor, values: Option<Vec<F>>) -> Result<Option<Tensor>> {
    values
        .map(|values| tensor(values, argument.shape()))
        .transpose()
}

impl CustomOp2 for Conv {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.forward((x, x_layout), (weight, weight_layout), None)
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let [dx, dweight, _] = self.backward(x, weight, None, y, dy)?;
        Ok((dx, dweight))
    }
}

impl CustomOp3 for Conv {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.forward(
            (x, x_layout),
            (weight, weight_layout),
            Some((bias, bias_layout)),
        )
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [dx, dweight, dbias] = self.backward(x, weight, Some(bias), y, dy)?;
        Ok((dx, dweight, dbias))
    }
}
