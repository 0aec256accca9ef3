//! The convolution on the CPU: our kernels under Candle's autograd.
//!
//! Bias and ReLU belong to the op, so one tensor passes from layer to layer:
//! the backward pass reads the ReLU's gate from the saved output.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, CustomOp3, Error, Layout, Result, Shape, Tensor};

use super::{Activation, Conv2dOptions, ConvAlgorithm, NAME};
use crate::kernels::conv2d::{self as kernel, Algorithm, ConvShape};
use crate::kernels::level::Level;
use crate::kernels::relu::ReluRule;
use crate::ops::cpu::{Values, for_float, owned, room, slice, tensor};

/// Applies the op; the arguments have been checked against `shape`, are contiguous and of one float dtype.
pub(super) fn conv2d(
    xs: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    shape: ConvShape,
    options: &Conv2dOptions,
) -> Result<Tensor> {
    room(NAME, shape.y_len(), xs.dtype())?;
    let op = Conv {
        shape,
        algorithm: match options.algorithm {
            ConvAlgorithm::Direct => Algorithm::Direct,
            ConvAlgorithm::Auto => Algorithm::Auto,
            ConvAlgorithm::Winograd => Algorithm::Winograd,
        },
        level: Level::current().map_err(Error::wrap)?,
        relu: (options.activation == Activation::Relu).then(ReluRule::current),
    };
    match bias {
        Some(bias) => xs.apply_op3(weight, bias, op),
        None => xs.apply_op2(weight, op),
    }
}

struct Conv {
    shape: ConvShape,
    algorithm: Algorithm,
    level: Level,
    /// The rule of the fused ReLU, if there is one.
    relu: Option<ReluRule>,
}

impl Conv {
    fn forward(
        &self,
        (x, x_layout): (&CpuStorage, &Layout),
        (weight, weight_layout): (&CpuStorage, &Layout),
        bias: Option<(&CpuStorage, &Layout)>,
    ) -> Result<(CpuStorage, Shape)> {
        let s = &self.shape;
        for_float!(NAME, x.dtype(), F => {
            let bias = bias.map(|(storage, layout)| slice::<F>(storage, layout)).transpose()?;
            let (x, weight) = (slice::<F>(x, x_layout)?, slice::<F>(weight, weight_layout)?);
            let y = kernel::forward(self.level, self.algorithm, s, x, weight, bias, self.relu.is_some());
            owned(y, s.y_dims())
        })
    }

    /// The gradients of x, weight and bias, each only where it is asked for.
    fn backward(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        y: &Tensor,
        dy: &Tensor,
    ) -> Result<[Option<Tensor>; 3]> {
        let dy = dy.contiguous()?;
        let (level, algorithm, s) = (self.level, self.algorithm, &self.shape);
        let (x_values, weight_values) = (Values::of(x)?, Values::of(weight)?);
        let (y_values, dy_values) = (Values::of(y)?, Values::of(&dy)?);
        for_float!(NAME, x.dtype(), F => {
            let gated = match self.relu {
                Some(rule) => Some(kernel::backward_gate::<F>(s, rule, y_values.slice()?, dy_values.slice()?)),
                None => None,
            };
            let dy: &[F] = match &gated {
                Some((gated, _)) => gated,
                None => dy_values.slice()?,
            };
            let dx = if x.track_op() {
                let dx = kernel::backward_input(level, algorithm, s, dy, weight_values.slice()?);
                Some(tensor(dx, x.shape())?)
            } else {
                None
            };
            let dweight = if weight.track_op() {
                let dweight = kernel::backward_weight(level, algorithm, s, x_values.slice()?, dy);
                Some(tensor(dweight, weight.shape())?)
            } else {
                None
            };
            let dbias = match bias {
                Some(bias) if bias.track_op() => {
                    let dbias = match &gated {
                        Some((_, dbias)) => dbias.clone(),
                        None => kernel::backward_bias(level, s, dy),
                    };
                    Some(tensor(dbias, bias.shape())?)
                }
                _ => None,
            };
            Ok([dx, dweight, dbias])
        })
    }
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
