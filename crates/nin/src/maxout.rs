//! The maxout unit: the largest of several linear responses.

use candle_core::{Result, Tensor, bail};
use candle_nn::init::{DEFAULT_KAIMING_NORMAL, ZERO};
use candle_nn::{Module, VarBuilder};
use striate::layer_list::convolution;
use striate::layers::Conv2d;
use striate::ops::cpu::dense;
use striate::{Activation, PoolRule, Window2d, max_pool2d};

/// The maximum over groups of `pieces` consecutive channels: `y[k] = max over m of x[k * pieces + m]`.
///
/// # Shapes
/// `xs` (N, K * pieces, H, W) to (N, K, H, W).
///
/// # Gradient
/// Goes to the maximum; of equal maxima to the first. A scope of [`PoolRule`] changes nothing, since no map is pooled.
///
/// # Errors
/// Another rank, integer dtypes, a number of channels that `pieces` does not divide, a view of more values than memory holds.
///
/// # Source
/// Network In Network (arXiv 1312.4400), equation 3; Goodfellow et al., "Maxout Networks", 2013.
///
/// ```
/// use nin::candle_core::{Device, Result, Tensor};
/// fn main() -> Result<()> {
///     let xs = Tensor::new(&[1f32, 4.0, 3.0, 2.0], &Device::Cpu)?.reshape((1, 4, 1, 1))?;
///     assert_eq!(nin::maxout(&xs, 2)?.flatten_all()?.to_vec1::<f32>()?, [4.0, 3.0]);
///     Ok(())
/// }
/// ```
pub fn maxout(xs: &Tensor, pieces: usize) -> Result<Tensor> {
    let &[n, c, h, w] = xs.dims() else {
        bail!(
            "maxout: the input has shape {:?}; it must be (N, C, H, W)",
            xs.dims()
        );
    };
    let xs = dense("maxout", xs)?;
    if pieces == 0 || c == 0 || !c.is_multiple_of(pieces) {
        bail!("maxout: {pieces} pieces do not divide the {c} channels of the input");
    }
    // A group of channels is a map of `pieces` rows whose columns are the positions.
    let groups = xs.reshape((n, c / pieces, pieces, h * w))?;
    let window = Window2d::new((pieces, 1)).strides((pieces, 1));
    let largest = PoolRule::Switches.scope(|| max_pool2d(&groups, &window))?;
    largest.reshape((n, c / pieces, h, w))
}

/// A convolution without activation, and the maximum over groups of its maps.
///
/// ```text
/// f[i,j,k] = max over m of (w[k,m] . x[i,j] + b[k,m])
/// ```
///
/// # Shapes
/// (N, C_in, H, W) to (N, K, Ho, Wo); the convolution has K * pieces maps, those of unit k next to each other.
///
/// # Source
/// Network In Network (arXiv 1312.4400), equation 3.
#[derive(Clone, Debug)]
pub struct Maxout {
    conv: Conv2d,
    pieces: usize,
}

impl Maxout {
    /// The unit over the maps of `conv`.
    ///
    /// # Errors
    /// A number of pieces that does not divide the maps of `conv`, or a `conv` with an activation.
    pub fn new(conv: Conv2d, pieces: usize) -> Result<Self> {
        let maps = conv.weight().dim(0)?;
        if pieces == 0 || maps == 0 || !maps.is_multiple_of(pieces) {
            bail!("maxout: {pieces} pieces do not divide the {maps} maps of the convolution");
        }
        if conv.options().activation != Activation::Identity {
            bail!(
                "maxout: the convolution has an activation; the pieces are linear, use Activation::Identity"
            );
        }
        Ok(Self { conv, pieces })
    }

    /// The convolution.
    pub fn conv(&self) -> &Conv2d {
        &self.conv
    }

    /// Linear pieces of a unit.
    pub fn pieces(&self) -> usize {
        self.pieces
    }
}

impl Module for Maxout {
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        maxout(&self.conv.forward(xs)?, self.pieces)
    }
}

/// `units` maxout units of `pieces` pieces each, over `window`, with tensors `weight` and `bias` from `vb`.
///
/// # Errors
/// No pieces, more maps than memory holds, a window that rounds up, tensors of another shape in `vb`.
pub fn maxout_conv2d(
    in_channels: usize,
    units: usize,
    pieces: usize,
    window: &Window2d,
    vb: VarBuilder,
) -> Result<Maxout> {
    let Some(maps) = units.checked_mul(pieces) else {
        bail!("maxout: {units} units of {pieces} pieces are more maps than memory holds");
    };
    let draws = (DEFAULT_KAIMING_NORMAL, ZERO);
    let conv = convolution(window, (in_channels, maps), Activation::Identity, draws, vb)?;
    Maxout::new(conv, pieces)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Var};
    use striate::Parameters;
    use striate::testing::{Directions, gradcheck};

    use super::*;

    #[test]
    fn shapes() -> Result<()> {
        let vb = Parameters::new(1, DType::F32, &Device::Cpu).builder();
        let layer = maxout_conv2d(2, 5, 3, &Window2d::square(3).padding(1), vb)?;
        assert_eq!(
            (layer.pieces(), layer.conv().weight().dims()),
            (3, &[15, 2, 3, 3][..])
        );
        let xs = Tensor::ones((2, 2, 4, 6), DType::F32, &Device::Cpu)?;
        assert_eq!(layer.forward(&xs)?.dims(), [2, 5, 4, 6]);
        Ok(())
    }

    #[test]
    fn errors() -> Result<()> {
        let xs = Tensor::ones((1, 4, 1, 1), DType::F32, &Device::Cpu)?;
        for (pieces, part) in [(3, "3 pieces"), (0, "0 pieces")] {
            let message = maxout(&xs, pieces).expect_err("accepted").to_string();
            assert!(
                message.contains(part) && message.contains("4 channels"),
                "{message}"
            );
        }
        let vb = Parameters::new(1, DType::F32, &Device::Cpu).builder();
        let draws = (DEFAULT_KAIMING_NORMAL, ZERO);
        let window = Window2d::square(1);
        let relu = convolution(&window, (1, 4), Activation::Relu, draws, vb)?;
        let with_relu = Maxout::new(relu, 2).expect_err("accepted");
        assert!(with_relu.to_string().contains("Activation::Identity"));
        Ok(())
    }

    /// Two pieces make the absolute value, which no single ReLU unit can.
    #[test]
    fn a_unit_is_the_largest_of_its_pieces() -> Result<()> {
        let weight = Tensor::new(&[1f64, -1.0], &Device::Cpu)?.reshape((2, 1, 1, 1))?;
        let layer = Maxout::new(Conv2d::new(weight, None, Default::default()), 2)?;
        let xs = Tensor::new(&[-3f64, 0.5], &Device::Cpu)?.reshape((1, 1, 1, 2))?;
        assert_eq!(
            layer.forward(&xs)?.flatten_all()?.to_vec1::<f64>()?,
            [3.0, 0.5]
        );
        Ok(())
    }

    /// A deconvnet without switches does not know where a pooling's maxima were; a unit still knows its pieces.
    #[test]
    fn no_rule_of_poolings_changes_the_gradient() -> Result<()> {
        let xs = Var::new(&[1f32, 4.0, 3.0, 2.0], &Device::Cpu)?;
        let ys = PoolRule::Uniform.scope(|| maxout(&xs.reshape((1, 4, 1, 1))?, 2))?;
        let gradients = ys.backward()?;
        let dx = gradients.get(&xs).map(Tensor::to_vec1::<f32>).transpose()?;
        assert_eq!(dx, Some(vec![0.0, 1.0, 1.0, 0.0]));
        Ok(())
    }

    #[test]
    fn gradient() -> Result<()> {
        let mut values: Vec<f64> = (0..2 * 6 * 3 * 2).map(f64::from).collect();
        striate::rng::stream(1, "maxout", 0).shuffle(&mut values);
        let xs = Tensor::from_vec(values, (2, 6, 3, 2), &Device::Cpu)?;
        gradcheck(|x| maxout(&x[0], 3), &[xs], Directions::EveryElement)
    }
}
