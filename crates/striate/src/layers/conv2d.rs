//! Convolution layer with fused bias and ReLU.

use candle_core::{Result, Tensor};
use candle_nn::init::{DEFAULT_KAIMING_NORMAL, ZERO};
use candle_nn::{Module, VarBuilder};

use crate::ops::{self, Conv2dOptions};

/// A convolution with its parameters.
#[derive(Clone, Debug)]
pub struct Conv2d {
    weight: Tensor,
    bias: Option<Tensor>,
    options: Conv2dOptions,
}

impl Conv2d {
    /// A layer from `weight`, (C_out, C_in / groups, Kh, Kw), and `bias`, (C_out).
    pub fn new(weight: Tensor, bias: Option<Tensor>, options: Conv2dOptions) -> Self {
        Self {
            weight,
            bias,
            options,
        }
    }

    /// The weight, (C_out, C_in / groups, Kh, Kw).
    pub fn weight(&self) -> &Tensor {
        &self.weight
    }

    /// The bias, (C_out).
    pub fn bias(&self) -> Option<&Tensor> {
        self.bias.as_ref()
    }

    /// Stride, padding, dilation, groups, activation, algorithm.
    pub fn options(&self) -> &Conv2dOptions {
        &self.options
    }
}

impl Module for Conv2d {
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        ops::conv2d(xs, &self.weight, self.bias.as_ref(), &self.options)
    }
}

/// A `kernel` x `kernel` convolution with tensors `weight` and `bias` from `vb`.
///
/// A new weight is drawn from He's normal distribution (standard deviation sqrt(2 / fan_in)), a new bias is 0.
///
/// # Errors
/// `groups` that does not divide both channel counts; tensors of another shape in `vb`.
///
/// ```
/// use striate::candle_core::{DType, Device, Module, Result, Tensor};
/// use striate::{Activation, Conv2dOptions, Parameters, layers};
/// fn main() -> Result<()> {
///     let vb = Parameters::new(1, DType::F32, &Device::Cpu).builder();
///     let options = Conv2dOptions { padding: (1, 1), activation: Activation::Relu, ..Default::default() };
///     let conv = layers::conv2d(3, 8, 3, options, vb.pp("conv1"))?;
///     let ys = conv.forward(&Tensor::ones((2, 3, 6, 5), DType::F32, &Device::Cpu)?)?;
///     assert_eq!(ys.dims(), [2, 8, 6, 5]);
///     Ok(())
/// }
/// ```
pub fn conv2d(
    in_channels: usize,
    out_channels: usize,
    kernel: usize,
    options: Conv2dOptions,
    vb: VarBuilder,
) -> Result<Conv2d> {
    let bias = vb.get_with_hints(out_channels, "bias", ZERO)?;
    let conv = conv2d_no_bias(in_channels, out_channels, kernel, options, vb)?;
    Ok(Conv2d {
        bias: Some(bias),
        ..conv
    })
}

/// [`conv2d`] without a bias.
///
/// # Errors
/// As [`conv2d`].
pub fn conv2d_no_bias(
    in_channels: usize,
    out_channels: usize,
    kernel: usize,
    options: Conv2dOptions,
    vb: VarBuilder,
) -> Result<Conv2d> {
    let groups = options.groups;
    if groups == 0 || !in_channels.is_multiple_of(groups) || !out_channels.is_multiple_of(groups) {
        candle_core::bail!(
            "conv2d {}: {groups} groups do not divide {in_channels} input and {out_channels} output channels",
            vb.prefix()
        );
    }
    let shape = (out_channels, in_channels / groups, kernel, kernel);
    let weight = vb.get_with_hints(shape, "weight", DEFAULT_KAIMING_NORMAL)?;
    Ok(Conv2d::new(weight, None, options))
}
