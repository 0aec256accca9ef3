//! 2-D convolution with fused bias and ReLU.

mod cpu;

use candle_core::{DType, Device, Result, Tensor, bail};
use serde::{Deserialize, Serialize};

use super::composed;
use super::cpu::{dense, in_float, maps, named};
use super::relu::relu;
use crate::kernels::conv2d::{self as kernels, ConvShape};
use crate::window::Window2d;
pub(super) use cpu::Conv;

const NAME: &str = "conv2d";

/// What follows the convolution in the same pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// Nothing.
    #[default]
    Identity,
    /// max(0, x), under the [`ReluRule`](crate::ReluRule) of the current scope.
    Relu,
}

/// How the CPU computes a convolution.
///
/// All ways compute the same function and differ in rounding.
/// Use [`Direct`](Self::Direct) where inputs may be infinite or NaN, or differ by many orders of magnitude from pixel to pixel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConvAlgorithm {
    /// The fastest that suits the sizes; f32 with stride 1 or 2 and many channels goes to [`Winograd`](Self::Winograd).
    #[default]
    Auto,
    /// Every product of the definition; rounding errors of a plain sum.
    Direct,
    /// Winograd's short convolutions: fewer multiplications, rounding errors up to about 1e-5 of the largest value.
    ///
    /// A tile of 6x6 inputs (8x8 for a 5x5 kernel, 5x5 with stride 2) is transformed as a whole,
    /// so each pixel reaches all outputs of its tiles (4x4, or 2x2 with stride 2), whether they see it or not.
    /// An infinite pixel makes them all NaN, and the rounding error of a pixel of 1e6 is an error of about 1 in all of them.
    /// [`Direct`](Self::Direct) keeps every value to the outputs that see it.
    Winograd,
}

/// Parameters of [`conv2d`]; pairs are (height, width).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conv2dOptions {
    /// Step of the window; (1, 1) unless set.
    pub stride: (usize, usize),
    /// Zeros added on each side of the input; (0, 0) unless set.
    pub padding: (usize, usize),
    /// Distance between the cells of the kernel; (1, 1) unless set.
    pub dilation: (usize, usize),
    /// Number of groups that do not see each other; 1 unless set.
    pub groups: usize,
    /// What follows in the same pass; nothing unless set.
    pub activation: Activation,
    /// How the CPU computes it; the fastest unless set.
    pub algorithm: ConvAlgorithm,
}

impl Default for Conv2dOptions {
    fn default() -> Self {
        Self {
            stride: (1, 1),
            padding: (0, 0),
            dilation: (1, 1),
            groups: 1,
            activation: Activation::Identity,
            algorithm: ConvAlgorithm::Auto,
        }
    }
}

/// Convolves `xs` with `weight`, adds `bias` and applies the activation, in one pass.
///
/// ```text
/// y[n,o,i,j] = f(b[o] + sum over c,u,v of w[o,c,u,v] * x[n, g*C+c, i*s + u*d - p, j*s + v*d - p])
/// ```
///
/// with C = C_in / groups channels in group g, and f the activation.
///
/// # Shapes
/// `xs` (N, C_in, H, W), `weight` (C_out, C_in / groups, Kh, Kw), `bias` (C_out); the result is (N, C_out, Ho, Wo).
///
/// # Gradient
/// To each of the three arguments; none is computed for an argument that does not ask for one.
/// A fused ReLU passes it by the [`ReluRule`](crate::ReluRule) of the scope in which this function is called.
///
/// # Errors
/// Shapes, dtypes or devices that do not fit, integer dtypes, a window larger than the padded input,
/// a forced algorithm that does not apply.
/// Outside the CPU, strides or dilations that differ between the axes.
///
/// ```
/// use striate::candle_core::{DType, Device, Result, Tensor};
/// use striate::{Conv2dOptions, conv2d};
/// fn main() -> Result<()> {
///     let xs = Tensor::ones((2, 3, 8, 6), DType::F32, &Device::Cpu)?;
///     let weight = Tensor::ones((4, 3, 3, 3), DType::F32, &Device::Cpu)?;
///     let options = Conv2dOptions { stride: (2, 2), padding: (1, 0), ..Default::default() };
///     let ys = conv2d(&xs, &weight, None, &options)?;
///     assert_eq!(ys.dims(), [2, 4, 4, 2]);
///     Ok(())
/// }
/// ```
pub fn conv2d(
    xs: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    options: &Conv2dOptions,
) -> Result<Tensor> {
    let shape = check(xs, weight, bias, options)?;
    let weight = in_float_dtype(weight)?;
    let bias = bias.map(in_float_dtype).transpose()?;
    in_float(NAME, xs, |xs| {
        if let Device::Cpu = xs.device() {
            let op = Conv::new(shape, xs.dtype(), options)?;
            return cpu::conv2d(xs, &weight, bias.as_ref(), op);
        }
        let mut ys = composed::conv2d(xs, &weight, geometry(xs, options)?)?;
        if let Some(bias) = &bias {
            ys = ys.broadcast_add(&bias.reshape((1, (), 1, 1))?)?;
        }
        match options.activation {
            Activation::Identity => Ok(ys),
            Activation::Relu => relu(&ys),
        }
    })
}

/// The op of [`conv2d`] for arguments on the CPU.
///
/// # Errors
/// Those of [`conv2d`].
pub(super) fn op(
    xs: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    options: &Conv2dOptions,
) -> Result<Conv> {
    Conv::new(check(xs, weight, bias, options)?, xs.dtype(), options)
}

/// A parameter in the dtype that the convolution computes in.
pub(super) fn in_float_dtype(parameter: &Tensor) -> Result<Tensor> {
    match parameter.dtype() {
        DType::F16 | DType::BF16 => dense(NAME, parameter)?.to_dtype(DType::F32),
        _ => dense(NAME, parameter),
    }
}

/// The options as far as Candle's own convolution knows them.
fn geometry(xs: &Tensor, options: &Conv2dOptions) -> Result<composed::Geometry> {
    let equal = |name: &str, (h, w): (usize, usize)| {
        if h != w {
            bail!(
                "{NAME} on {:?}: {name} ({h}, {w}) differs between the axes; Candle's convolution, which serves this device, has one for both",
                xs.device().location()
            );
        }
        Ok(h)
    };
    Ok(composed::Geometry {
        stride: equal("stride", options.stride)?,
        padding: options.padding,
        dilation: equal("dilation", options.dilation)?,
        groups: options.groups,
    })
}

fn check(
    xs: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    options: &Conv2dOptions,
) -> Result<ConvShape> {
    let (n, c_in, h, w) = maps(NAME, xs)?;
    let [c_out, c_in_group, kh, kw] = *weight.dims() else {
        bail!(
            "{NAME}: the weight has shape {:?}; it must be (C_out, C_in / groups, Kh, Kw)",
            weight.dims()
        );
    };
    let groups = options.groups;
    if groups == 0 || c_in_group.checked_mul(groups) != Some(c_in) || !c_out.is_multiple_of(groups)
    {
        bail!(
            "{NAME}: weight {:?} does not fit {c_in} input channels in {groups} groups; it must be (C_out, C_in / groups, Kh, Kw), with groups a divisor of C_out",
            weight.dims()
        );
    }
    if let Some(bias) = bias.filter(|bias| bias.dims() != [c_out]) {
        bail!(
            "{NAME}: the bias has shape {:?}; for {c_out} output channels it must be [{c_out}]",
            bias.dims()
        );
    }
    for (name, tensor) in [("weight", Some(weight)), ("bias", bias)] {
        let Some(tensor) = tensor else { continue };
        if tensor.dtype() != xs.dtype() {
            bail!(
                "{NAME}: the {name} has dtype {:?}, the input {:?}; convert one with to_dtype",
                tensor.dtype(),
                xs.dtype()
            );
        }
        if !tensor.device().same_device(xs.device()) {
            bail!(
                "{NAME}: the {name} is on {:?}, the input on {:?}; move one with to_device",
                tensor.device().location(),
                xs.device().location()
            );
        }
    }
    let window = Window2d::new((kh, kw))
        .strides(options.stride)
        .paddings(options.padding)
        .dilations(options.dilation);
    let shape = ConvShape::new((n, c_in, h, w), c_out, groups, &window);
    let shape = shape.map_err(|error| named(NAME, error))?;
    if options.algorithm == ConvAlgorithm::Winograd {
        check_winograd(xs, &shape, &window, groups)?;
    }
    Ok(shape)
}

/// Whether the forced algorithm covers the case.
fn check_winograd(xs: &Tensor, shape: &ConvShape, window: &Window2d, groups: usize) -> Result<()> {
    if !xs.device().is_cpu() || xs.dtype() == DType::F64 || !kernels::winograd_applies(shape) {
        bail!(
            "{NAME}: Winograd's algorithm does not apply to a kernel of {:?} with stride {:?}, padding {:?}, dilation {:?}, {groups} groups, {:?} on {:?}; \
            it needs a kernel of 3x3 or 5x5, stride 1 and a padding below the kernel's size, or 3x3, stride 2 and padding 1; dilation 1, one group, f32 on the CPU; use ConvAlgorithm::Auto",
            window.size,
            window.stride,
            window.padding,
            window.dilation,
            xs.dtype(),
            xs.device().location()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
