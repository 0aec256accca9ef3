//! The mlpconv layer: a small multilayer perceptron at every position of the image.

use candle_core::{Result, Tensor, bail};
use candle_nn::{Module, VarBuilder};
use serde::{Deserialize, Serialize};
use striate::layer_list::{LayerSpec, Nonlinearity, check_layers};
use striate::layers::{Conv2d, Link};
use striate::{Chain, Window2d};

use crate::initialization::{Initialization, Position};
use crate::model::conv;

/// Sizes of an [`MlpConv`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MlpConvConfig {
    /// Kernel, stride and padding of the first convolution; the others are 1x1.
    pub window: Window2d,
    /// Maps of the convolution and of each 1x1 layer.
    pub channels: Vec<usize>,
}

impl MlpConvConfig {
    /// A `kernel` x `kernel` convolution that keeps the size (for an odd kernel), and 1x1 layers.
    pub fn same(kernel: usize, channels: &[usize]) -> Self {
        Self {
            window: Window2d::square(kernel).padding(kernel / 2),
            channels: channels.to_vec(),
        }
    }
}

/// A convolution followed by any number of 1x1 convolutions, with a ReLU after each.
///
/// ```text
/// f1[i,j,k1] = max(w1[k1] . x[i,j]       + b1[k1], 0)     x[i,j]: the patch around (i, j)
/// ..
/// fn[i,j,kn] = max(wn[kn] . f(n-1)[i,j]  + bn[kn], 0)
/// ```
///
/// The 1x1 layers are the paper's cascaded cross-channel parametric pooling: each recombines the maps at one position.
///
/// # Shapes
/// (N, C_in, H, W) to (N, channels of the last layer, Ho, Wo), where the first layer's window gives (Ho, Wo).
///
/// # Source
/// Network In Network (arXiv 1312.4400), Sec. 3.1, equation 2.
#[doc(alias = "cccp")]
#[doc(alias = "mlpconv")]
#[derive(Clone, Debug)]
pub struct MlpConv {
    layers: Vec<Conv2d>,
}

impl MlpConv {
    /// The perceptron made of these layers, which carry their own activation.
    ///
    /// # Errors
    /// No layers.
    pub fn new(layers: Vec<Conv2d>) -> Result<Self> {
        if layers.is_empty() {
            bail!("mlpconv: no layers; at least the convolution is needed");
        }
        Ok(Self { layers })
    }

    /// The convolution and the 1x1 layers.
    pub fn layers(&self) -> &[Conv2d] {
        &self.layers
    }
}

impl Link for MlpConv {
    fn link(&self, chain: Chain, train: bool) -> Result<Chain> {
        let mut layers = self.layers.iter();
        layers.try_fold(chain, |chain, conv| conv.link(chain, train))
    }
}

impl Module for MlpConv {
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        self.link(Chain::new(xs), false)?.finish()
    }
}

/// An [`MlpConv`] with tensors `conv.weight`, `conv.bias`, `cccp1.weight`, `cccp1.bias`, .. from `vb`.
///
/// New weights are drawn from He's normal distribution, new biases are 0.
///
/// # Errors
/// An empty list of channels or one with a 0, a window that rounds up, or with a size, stride or dilation of 0,
/// tensors of another shape in `vb`.
///
/// ```
/// use nin::candle_core::{DType, Device, Result, Tensor};
/// use nin::candle_nn::Module;
/// use nin::{MlpConvConfig, mlpconv};
/// use striate::Parameters;
/// fn main() -> Result<()> {
///     let vb = Parameters::new(1, DType::F32, &Device::Cpu).builder();
///     let layer = mlpconv(3, &MlpConvConfig::same(5, &[24, 20, 12]), vb)?;
///     let xs = Tensor::zeros((2, 3, 8, 6), DType::F32, &Device::Cpu)?;
///     assert_eq!(layer.forward(&xs)?.dims(), [2, 12, 8, 6]);
///     Ok(())
/// }
/// ```
pub fn mlpconv(in_channels: usize, config: &MlpConvConfig, vb: VarBuilder) -> Result<MlpConv> {
    let spec = |(i, &channels): (usize, &usize)| {
        let (name, window) = match i {
            0 => ("conv".to_string(), config.window),
            i => (format!("cccp{i}"), Window2d::square(1)),
        };
        LayerSpec::Conv {
            name,
            window,
            channels,
            nonlinearity: Nonlinearity::Relu,
        }
    };
    let specs: Vec<LayerSpec> = config.channels.iter().enumerate().map(spec).collect();
    check_layers("mlpconv", in_channels, &specs)?;
    let inputs = std::iter::once(&in_channels).chain(&config.channels);
    let (place, start) = (Position::Hidden, Initialization::Guarded);
    let layers = specs.iter().zip(inputs);
    let layers = layers.map(|(spec, &inputs)| conv(spec, inputs, place, start, &vb));
    MlpConv::new(layers.collect::<Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};
    use striate::testing::{Directions, Tolerance, assert_close, gradcheck};
    use striate::{Activation, Conv2dOptions, Parameters};

    use super::*;

    fn normal(name: &str, dims: &[usize]) -> Result<Tensor> {
        let mut draws = striate::rng::stream(3, name, 0);
        let values: Vec<f64> = (0..dims.iter().product()).map(|_| draws.normal()).collect();
        Tensor::from_vec(values, dims, &Device::Cpu)
    }

    #[test]
    fn shapes() -> Result<()> {
        let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
        let config = MlpConvConfig::same(3, &[5, 4]);
        let layer = mlpconv(2, &config, parameters.builder())?;
        let names: Vec<String> = parameters.named().into_iter().map(|(n, _)| n).collect();
        assert_eq!(
            names,
            ["cccp1.bias", "cccp1.weight", "conv.bias", "conv.weight"]
        );
        let xs = normal("xs", &[2, 2, 7, 6])?.to_dtype(DType::F32)?;
        assert_eq!(layer.forward(&xs)?.dims(), [2, 4, 7, 6]);
        assert_eq!(layer.layers().len(), 2);
        Ok(())
    }

    #[test]
    fn errors() {
        let vb = || Parameters::new(1, DType::F32, &Device::Cpu).builder();
        let message = |config| mlpconv(2, &config, vb()).expect_err("accepted").to_string();
        assert!(message(MlpConvConfig::same(3, &[])).contains("no layers"));
        let ceil = MlpConvConfig {
            window: Window2d::square(3).stride(2).ceil(),
            channels: vec![1],
        };
        assert!(message(ceil).contains("rounds up"));
        let still = MlpConvConfig {
            window: Window2d::square(3).stride(0),
            channels: vec![1],
        };
        let still = message(still);
        assert!(
            still.contains("mlpconv: conv: the window has stride (0, 0)"),
            "{still}"
        );
        let none = message(MlpConvConfig::same(3, &[2, 0]));
        assert!(none.contains("mlpconv: cccp1: 0 channels"), "{none}");
    }

    /// A window that differs between the axes is built as it is.
    #[test]
    fn oblong_windows() -> Result<()> {
        let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
        let config = MlpConvConfig {
            window: Window2d::new((3, 1)).strides((2, 1)),
            channels: vec![4, 2],
        };
        let layer = mlpconv(2, &config, parameters.builder())?;
        assert_eq!(layer.layers()[0].weight().dims(), [4, 2, 3, 1]);
        let xs = normal("xs", &[1, 2, 7, 6])?.to_dtype(DType::F32)?;
        let (h, w) = config.window.output_size(7, 6)?;
        assert_eq!(layer.forward(&xs)?.dims(), [1, 2, h, w]);
        Ok(())
    }

    /// Equation 2 as loops over positions: the perceptron of one position sees its patch and nothing else.
    #[test]
    fn matches_reference() -> Result<()> {
        let parameters = Parameters::new(2, DType::F64, &Device::Cpu);
        let layer = mlpconv(2, &MlpConvConfig::same(3, &[4, 3]), parameters.builder())?;
        let xs = normal("xs", &[1, 2, 4, 5])?;
        let values = |t: &Tensor| t.flatten_all()?.to_vec1::<f64>();
        let (w1, w2) = (
            values(layer.layers()[0].weight())?,
            values(layer.layers()[1].weight())?,
        );
        let x = values(&xs)?;
        let mut expected = vec![0.0; 3 * 4 * 5];
        for (i, j) in (0..4).flat_map(|i| (0..5).map(move |j| (i, j))) {
            let pixel = |c: usize, u: usize, v: usize| {
                let inside = (1..=4).contains(&(i + u)) && (1..=5).contains(&(j + v));
                if inside {
                    x[(c * 4 + i + u - 1) * 5 + j + v - 1]
                } else {
                    0.0
                }
            };
            let hidden: Vec<f64> = (0..4)
                .map(|k| {
                    let patch = (0..18).map(|p| w1[k * 18 + p] * pixel(p / 9, p / 3 % 3, p % 3));
                    patch.sum::<f64>().max(0.0)
                })
                .collect();
            for k in 0..3 {
                let sum: f64 = hidden.iter().zip(&w2[k * 4..]).map(|(h, w)| h * w).sum();
                expected[(k * 4 + i) * 5 + j] = sum.max(0.0);
            }
        }
        let expected = Tensor::from_vec(expected, (1, 3, 4, 5), &Device::Cpu)?;
        assert_close(
            "mlpconv",
            &layer.forward(&xs)?,
            &expected,
            Tolerance::Elementwise(1e-12),
        );
        Ok(())
    }

    #[test]
    fn gradient() -> Result<()> {
        let options = |padding| Conv2dOptions {
            padding: (padding, padding),
            activation: Activation::Relu,
            ..Default::default()
        };
        let f = |x: &[Tensor]| {
            let layers = vec![
                Conv2d::new(x[1].clone(), Some(x[2].clone()), options(1)),
                Conv2d::new(x[3].clone(), None, options(0)),
            ];
            MlpConv::new(layers)?.forward(&x[0])
        };
        let inputs = [
            normal("a", &[2, 2, 4, 3])?,
            normal("b", &[4, 2, 3, 3])?,
            normal("c", &[4])?,
            normal("d", &[3, 4, 1, 1])?,
        ];
        gradcheck(f, &inputs, Directions::Random(8))
    }
}
