//! The network: a list of layers and a global average.

use candle_core::{Result, Tensor, bail};
use candle_nn::init::{DEFAULT_KAIMING_NORMAL, ZERO};
use candle_nn::{ModuleT, VarBuilder};
use striate::layer_list::{check_input, check_layers, convolution};
use striate::layers::{AvgPool2d, Conv2d, Dropout, GlobalAvgPool, Link, MaxPool2d};
use striate::network::unknown_layer;
use striate::{Activation, Chain, Clock, Network, relu};

use crate::config::Config;
use crate::imagenet::ImageNetConfig;
use crate::large::LargeConfig;
use crate::layer::{LayerSpec, NETWORK, Nonlinearity, output_shapes};

/// Name of the tap after the last convolution: the averages of the class maps.
const LOGITS: &str = "logits";

/// A network of the All-CNN family.
///
/// # Shapes
/// (N, C, H, W) to (N, classes).
/// The result is the average of each class map, for a softmax and cross-entropy to follow.
///
/// # Convention
/// Tensors are `conv1.weight`, `conv1.bias`, `conv2.weight` and so on, numbered in forward order.
/// Taps are `conv1`, .., `pool1`, .. and `logits`; a convolution's tap is the output of its nonlinearity.
/// Dropout streams are `dropout/drop_in` (the image), `dropout/drop1`, `dropout/drop2`, ..
///
/// # Source
/// Springenberg et al., "Striving for Simplicity: The All Convolutional Net", 2014, Tables 1 and 2 and appendix.
///
/// ```no_run
/// use allconv::candle_core::{DType, Device, Result, Tensor};
/// use allconv::{AllConv, Config};
/// use striate::Parameters;
/// fn main() -> Result<()> {
///     let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
///     let network = AllConv::new(&Config::all_cnn_c(), parameters.builder())?;
///     let logits = network.forward(&Tensor::zeros((2, 3, 32, 32), DType::F32, &Device::Cpu)?)?;
///     assert_eq!(logits.dims(), [2, 10]);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct AllConv {
    in_channels: usize,
    specs: Vec<LayerSpec>,
    layers: Vec<Layer>,
    clock: Clock,
}

#[derive(Clone, Debug)]
enum Layer {
    Conv(Conv2d),
    LeakyConv(Conv2d, f64),
    MaxPool(MaxPool2d),
    AvgPool(AvgPool2d),
    Dropout(Dropout),
}

impl AllConv {
    /// One of the twelve CIFAR networks.
    ///
    /// # Errors
    /// Those of [`Config::check`], and tensors of another shape in `vb`.
    pub fn new(config: &Config, vb: VarBuilder) -> Result<Self> {
        config.check()?;
        Self::from_layers(config.in_channels, config.layers(), vb)
    }

    /// The large network of the heavy augmentation experiment.
    ///
    /// # Errors
    /// Those of [`LargeConfig::check`], and tensors of another shape in `vb`.
    pub fn large(config: &LargeConfig, vb: VarBuilder) -> Result<Self> {
        config.check()?;
        Self::from_layers(config.in_channels, config.layers(), vb)
    }

    /// The ImageNet network.
    ///
    /// # Errors
    /// Those of [`ImageNetConfig::check`], and tensors of another shape in `vb`.
    pub fn imagenet(config: &ImageNetConfig, vb: VarBuilder) -> Result<Self> {
        config.check()?;
        Self::from_layers(config.in_channels, config.layers(), vb)
    }

    /// The network of any list of layers; its last layer makes the class maps.
    ///
    /// # Errors
    /// Those of [`check_layers`], among them a convolution that rounds up; a fully connected layer;
    /// tensors of another shape in `vb`.
    pub fn from_layers(in_channels: usize, specs: Vec<LayerSpec>, vb: VarBuilder) -> Result<Self> {
        check_layers(NETWORK, in_channels, &specs)?;
        let clock = Clock::new(0);
        let mut channels = in_channels;
        let mut layers = Vec::with_capacity(specs.len());
        for spec in &specs {
            layers.push(match spec {
                LayerSpec::Conv {
                    name,
                    window,
                    channels: out,
                    nonlinearity,
                } => {
                    let activation = match nonlinearity {
                        Nonlinearity::Relu => Activation::Relu,
                        Nonlinearity::Identity | Nonlinearity::LeakyRelu { .. } => {
                            Activation::Identity
                        }
                    };
                    let draws = (DEFAULT_KAIMING_NORMAL, ZERO);
                    let vb = vb.pp(name);
                    let conv = convolution(window, (channels, *out), activation, draws, vb)?;
                    channels = *out;
                    match nonlinearity {
                        Nonlinearity::LeakyRelu { slope } => Layer::LeakyConv(conv, *slope),
                        Nonlinearity::Identity | Nonlinearity::Relu => Layer::Conv(conv),
                    }
                }
                LayerSpec::MaxPool { window, .. } => Layer::MaxPool(MaxPool2d::new(*window)),
                LayerSpec::AvgPool { window, .. } => Layer::AvgPool(AvgPool2d::new(*window)),
                LayerSpec::Dropout { name, p } => {
                    Layer::Dropout(Dropout::with_clock(*p, name, &clock))
                }
                LayerSpec::Linear { name, .. } => bail!(
                    "{NETWORK}: {name} is fully connected, which these networks do without; use a 1x1 convolution"
                ),
            });
        }
        Ok(Self {
            in_channels,
            specs,
            layers,
            clock,
        })
    }

    /// The layers in forward order.
    pub fn layers(&self) -> &[LayerSpec] {
        &self.specs
    }

    /// The logits in evaluation mode.
    ///
    /// # Errors
    /// An input with another number of channels, or too small.
    pub fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        self.forward_t(xs, false)
    }

    /// The first `count` layers.
    fn run(&self, xs: &Tensor, count: usize, train: bool) -> Result<Chain> {
        let (h, w) = check_input(NETWORK, xs, self.in_channels)?;
        output_shapes((self.in_channels, h, w), &self.specs)?;
        let mut chain = Chain::new(xs);
        for layer in self.layers.iter().take(count) {
            chain = layer.link(chain, train)?;
        }
        Ok(chain)
    }
}

impl ModuleT for AllConv {
    fn forward_t(&self, xs: &Tensor, train: bool) -> Result<Tensor> {
        let maps = self.run(xs, self.layers.len(), train)?;
        let logits = GlobalAvgPool::new().link(maps, train)?.finish()?;
        if train {
            self.clock.tick();
        }
        Ok(logits)
    }
}

impl Network for AllConv {
    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn layer_names(&self) -> Vec<String> {
        let with_maps = self.specs.iter().filter(|spec| spec.window().is_some());
        with_maps
            .map(|spec| spec.name().to_string())
            .chain([LOGITS.to_string()])
            .collect()
    }

    fn forward_features(&self, xs: &Tensor) -> Result<Tensor> {
        self.run(xs, self.layers.len(), false)?.finish()
    }

    fn forward_to(&self, xs: &Tensor, layer: &str) -> Result<Tensor> {
        if layer == LOGITS {
            return self.forward(xs);
        }
        let mut specs = self.specs.iter();
        match specs.position(|spec| spec.window().is_some() && spec.name() == layer) {
            Some(index) => self.run(xs, index + 1, false)?.finish(),
            None => Err(unknown_layer(layer, &self.layer_names())),
        }
    }
}

impl Link for Layer {
    fn link(&self, chain: Chain, train: bool) -> Result<Chain> {
        match self {
            Self::Conv(conv) => conv.link(chain, train),
            Self::LeakyConv(conv, slope) => {
                let chain = conv.link(chain, train)?;
                chain.then(|xs| leaky_relu(xs, *slope))
            }
            Self::MaxPool(pool) => pool.link(chain, train),
            Self::AvgPool(pool) => pool.link(chain, train),
            Self::Dropout(dropout) => dropout.link(chain, train),
        }
    }
}

/// max(x, 0) - slope * max(-x, 0), so that both halves follow the rule of the ReLU scope.
fn leaky_relu(xs: &Tensor, slope: f64) -> Result<Tensor> {
    relu(xs)? - (relu(&xs.neg()?)? * slope)?
}

#[cfg(test)]
mod tests;
