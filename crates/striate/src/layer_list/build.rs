//! Layers from their description.

use candle_core::{Result, bail};
use candle_nn::VarBuilder;
use candle_nn::init::Init;

use crate::layers::Conv2d;
use crate::ops::{Activation, Conv2dOptions};
use crate::window::{Rounding, Window2d};

/// A convolution over `window` from `channels` (in, out), with tensors `weight` and `bias` from `vb`.
///
/// The window may differ between the axes.
/// New tensors are drawn as `draws` (weight, bias) says.
///
/// # Errors
/// A window that rounds up, which convolutions do not; tensors of another shape in `vb`.
///
/// ```
/// use striate::candle_core::{DType, Device, Module, Result, Tensor};
/// use striate::candle_nn::init::{DEFAULT_KAIMING_NORMAL, ZERO};
/// use striate::layer_list::convolution;
/// use striate::{Activation, Parameters, Window2d};
/// fn main() -> Result<()> {
///     let vb = Parameters::new(1, DType::F32, &Device::Cpu).builder();
///     let window = Window2d::new((1, 5)).paddings((0, 2));
///     let draws = (DEFAULT_KAIMING_NORMAL, ZERO);
///     let conv = convolution(&window, (3, 8), Activation::Relu, draws, vb.pp("conv1"))?;
///     let ys = conv.forward(&Tensor::ones((2, 3, 6, 7), DType::F32, &Device::Cpu)?)?;
///     assert_eq!(ys.dims(), [2, 8, 6, 7]);
///     Ok(())
/// }
/// ```
pub fn convolution(
    window: &Window2d,
    channels: (usize, usize),
    activation: Activation,
    draws: (Init, Init),
    vb: VarBuilder,
) -> Result<Conv2d> {
    if window.rounding != Rounding::Floor {
        bail!(
            "convolution {}: the window {window:?} rounds up, which convolutions do not; use Rounding::Floor",
            vb.prefix()
        );
    }
    let (inputs, outputs) = channels;
    let (kh, kw) = window.size;
    let weight = vb.get_with_hints((outputs, inputs, kh, kw), "weight", draws.0)?;
    let bias = vb.get_with_hints(outputs, "bias", draws.1)?;
    let options = Conv2dOptions {
        stride: window.stride,
        padding: window.padding,
        dilation: window.dilation,
        activation,
        ..Default::default()
    };
    Ok(Conv2d::new(weight, Some(bias), options))
}
