//! 2-D convolution with fused bias and ReLU.

use candle_core::{Result, Tensor, bail};
use serde::{Deserialize, Serialize};

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConvAlgorithm {
    /// The fastest that suits the sizes.
    #[default]
    Auto,
    /// Every product of the definition; rounding errors of a plain sum.
    Direct,
    /// Winograd's short convolutions: fewer multiplications, rounding errors up to about 1e-5 of the largest value.
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

/// Convolves `xs` with `weight`, adds `bias` and applies the activation.
///
/// # Shapes
/// `xs` (N, C_in, H, W), `weight` (C_out, C_in / groups, Kh, Kw), `bias` (C_out); the result is (N, C_out, Ho, Wo).
///
/// # Errors
/// Shapes, dtypes or devices that do not fit, integer dtypes, a window larger than the padded input.
pub fn conv2d(
    xs: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    options: &Conv2dOptions,
) -> Result<Tensor> {
    let _ = (weight, bias, options);
    bail!("conv2d: not available yet for {:?}", xs.shape())
}
