//! The locally connected layer: a convolution whose filters are not shared between positions.

use candle_core::{DType, Result, Tensor, bail};
use candle_nn::init::{Init, ZERO};
use candle_nn::{Module, VarBuilder};
use striate::ops::cpu::{checked_len, room};

use crate::initialization::he;

const NAME: &str = "locally connected";

/// A locally connected layer with stride 1 and without activation.
///
/// ```text
/// y[n,o,i,j] = b[o,i,j] + sum over c,u,v of w[i*Wo+j, o, (c*K+u)*K+v] * x[n,c,i+u-p,j+v-p]
/// ```
///
/// # Shapes
/// (N, C, H, W) to (N, O, Ho, Wo) with Ho = H + 2p - K + 1; H and W are those the layer was built for.
/// The weight is (Ho * Wo, O, C * K * K), the bias (O, Ho, Wo).
///
/// # Source
/// Network In Network (arXiv 1312.4400), Sec. 4.6: the plain network's fourth layer, after Hinton et al. 2012.
#[derive(Clone, Debug)]
pub struct LocallyConnected2d {
    weight: Tensor,
    bias: Tensor,
    kernel: usize,
    padding: usize,
}

impl LocallyConnected2d {
    /// The layer with this weight and bias.
    ///
    /// # Errors
    /// Shapes that do not fit each other or the kernel.
    pub fn new(weight: Tensor, bias: Tensor, kernel: usize, padding: usize) -> Result<Self> {
        let (positions, outputs, inputs) = weight.dims3()?;
        let (o, h, w) = bias.dims3()?;
        let cells = kernel.checked_mul(kernel).unwrap_or(0);
        let fits = (o, h.checked_mul(w)) == (outputs, Some(positions));
        if !fits || cells == 0 || !inputs.is_multiple_of(cells) {
            bail!(
                "locally connected: weight {:?} and bias {:?} do not fit a {kernel}x{kernel} kernel; \
                 (Ho * Wo, O, C * K * K) and (O, Ho, Wo) are wanted",
                weight.dims(),
                bias.dims()
            );
        }
        let is_frame = |out: usize| padding.saturating_mul(2) >= out.saturating_add(kernel - 1);
        if is_frame(h) || is_frame(w) {
            bail!(
                "locally connected: with padding {padding} maps of {h}x{w} see no cell of an input"
            );
        }
        Ok(Self {
            weight,
            bias,
            kernel,
            padding,
        })
    }

    /// The shape (channels, height, width) of the inputs that the layer was built for.
    fn input(&self) -> Result<(usize, usize, usize)> {
        let inputs = self.weight.dim(2)? / (self.kernel * self.kernel);
        let (_, h, w) = self.bias.dims3()?;
        let source = |out: usize| (out + self.kernel - 1).saturating_sub(2 * self.padding);
        Ok((inputs, source(h), source(w)))
    }
}

impl Module for LocallyConnected2d {
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let (n, c, h, w) = xs.dims4()?;
        if (c, h, w) != self.input()? {
            bail!(
                "locally connected: the input has maps of {:?}, the layer was built for {:?}; its filters belong to positions",
                (c, h, w),
                self.input()?
            );
        }
        let (outputs, ho, wo) = self.bias.dims3()?;
        let (k, p) = (self.kernel, self.padding);
        for sizes in [[n, c, h + 2 * p, w + 2 * p], [n, c * k * k, ho, wo]] {
            room(NAME, checked_len(NAME, &sizes)?, xs.dtype())?;
        }
        let framed = xs.pad_with_zeros(2, p, p)?.pad_with_zeros(3, p, p)?;
        let cells: Result<Vec<Tensor>> = (0..k * k)
            .map(|cell| framed.narrow(2, cell / k, ho)?.narrow(3, cell % k, wo))
            .collect();
        // (N, C, K * K, Ho, Wo) to (Ho * Wo, N, C * K * K): one matrix product for each position.
        let patches = Tensor::stack(&cells?, 2)?.reshape((n, c * k * k, ho * wo))?;
        let patches = patches.permute((2, 0, 1))?.contiguous()?;
        let ys = patches.matmul(&self.weight.transpose(1, 2)?.contiguous()?)?;
        let ys = ys.permute((1, 2, 0))?.reshape((n, outputs, ho, wo))?;
        ys.broadcast_add(&self.bias)
    }
}

/// A layer for maps of shape `input` (channels, height, width), with tensors `weight` and `bias` from `vb`.
///
/// New weights are drawn from He's normal distribution; new biases are 0.
///
/// # Errors
/// Maps smaller than the kernel, tensors of another shape in `vb`.
///
/// ```
/// use nin::candle_core::{DType, Device, Result, Tensor};
/// use nin::candle_nn::Module;
/// use nin::local::locally_connected2d;
/// use striate::Parameters;
/// fn main() -> Result<()> {
///     let vb = Parameters::new(1, DType::F32, &Device::Cpu).builder();
///     let layer = locally_connected2d((2, 4, 5), 6, 3, 1, vb)?;
///     let xs = Tensor::zeros((1, 2, 4, 5), DType::F32, &Device::Cpu)?;
///     assert_eq!(layer.forward(&xs)?.dims(), [1, 6, 4, 5]);
///     Ok(())
/// }
/// ```
pub fn locally_connected2d(
    input: (usize, usize, usize),
    out_channels: usize,
    kernel: usize,
    padding: usize,
    vb: VarBuilder,
) -> Result<LocallyConnected2d> {
    let stdev = he(checked_len(NAME, &[input.0, kernel, kernel])?);
    let weights = Init::Randn { mean: 0.0, stdev };
    build(input, out_channels, kernel, padding, (weights, ZERO), vb)
}

/// [`locally_connected2d`] with other draws of weight and bias.
pub(crate) fn build(
    (c, h, w): (usize, usize, usize),
    out_channels: usize,
    kernel: usize,
    padding: usize,
    (weights, biases): (Init, Init),
    vb: VarBuilder,
) -> Result<LocallyConnected2d> {
    let out = |len: usize| {
        let framed = len.checked_add(padding.checked_mul(2)?)?;
        framed
            .checked_add(1)?
            .checked_sub(kernel)
            .filter(|&n| n > 0)
    };
    let (Some(ho), Some(wo)) = (out(h), out(w)) else {
        bail!(
            "locally connected: maps of {h}x{w} with padding {padding} are smaller than the {kernel}x{kernel} kernel, or larger than memory"
        );
    };
    let inputs = checked_len(NAME, &[c, kernel, kernel])?;
    let weights_len = checked_len(NAME, &[ho, wo, out_channels, inputs])?;
    // They are drawn in f64.
    room(NAME, weights_len, DType::F64)?;
    let shape = (ho * wo, out_channels, inputs);
    let weight = vb.get_with_hints(shape, "weight", weights)?;
    let bias = vb.get_with_hints((out_channels, ho, wo), "bias", biases)?;
    LocallyConnected2d::new(weight, bias, kernel, padding)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};
    use striate::testing::{Directions, Tolerance, assert_close, gradcheck};
    use striate::{Conv2dOptions, Parameters, conv2d};

    use super::*;

    fn normal(name: &str, dims: &[usize]) -> Result<Tensor> {
        let mut draws = striate::rng::stream(4, name, 0);
        let values: Vec<f64> = (0..dims.iter().product()).map(|_| draws.normal()).collect();
        Tensor::from_vec(values, dims, &Device::Cpu)
    }

    /// With the same filter at every position the layer is a convolution.
    #[test]
    fn matches_a_convolution_where_filters_are_shared() -> Result<()> {
        let (xs, filter) = (normal("x", &[2, 3, 5, 4])?, normal("w", &[6, 3, 3, 3])?);
        let bias = normal("b", &[6])?;
        let options = Conv2dOptions {
            padding: (1, 1),
            ..Default::default()
        };
        let expected = conv2d(&xs, &filter, Some(&bias), &options)?;
        let weight = filter.reshape((1, 6, 27))?.repeat((20, 1, 1))?;
        let bias = bias.reshape((6, 1, 1))?.repeat((1, 5, 4))?;
        let layer = LocallyConnected2d::new(weight, bias, 3, 1)?;
        assert_close(
            "local",
            &layer.forward(&xs)?,
            &expected,
            Tolerance::Elementwise(1e-12),
        );
        Ok(())
    }

    #[test]
    fn gradient() -> Result<()> {
        let f = |x: &[Tensor]| {
            LocallyConnected2d::new(x[1].clone(), x[2].clone(), 3, 1)?.forward(&x[0])
        };
        let inputs = [
            normal("x", &[2, 2, 3, 2])?,
            normal("w", &[6, 4, 18])?,
            normal("b", &[4, 3, 2])?,
        ];
        gradcheck(f, &inputs, Directions::Random(6))
    }

    #[test]
    fn errors() -> Result<()> {
        let vb = || Parameters::new(1, DType::F32, &Device::Cpu).builder();
        let small = locally_connected2d((1, 2, 9), 1, 5, 1, vb()).expect_err("accepted");
        assert!(
            small.to_string().contains("smaller than the 5x5 kernel"),
            "{small}"
        );
        let layer = locally_connected2d((1, 4, 4), 2, 3, 1, vb())?;
        let xs = Tensor::zeros((1, 1, 4, 5), DType::F32, &Device::Cpu)?;
        let other = layer.forward(&xs).expect_err("accepted").to_string();
        assert!(
            other.contains("(1, 4, 5)") && other.contains("(1, 4, 4)"),
            "{other}"
        );
        Ok(())
    }
}
