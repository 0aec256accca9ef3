//! The network: mlpconv blocks, class maps, and a head.

use candle_core::{Result, Tensor, bail};
use candle_nn::{ModuleT, VarBuilder};
use striate::layer_list::{LayerSpec, Nonlinearity, check_input, convolution};
use striate::layers::{AvgPool2d, Conv2d, Dropout, Link, MaxPool2d};
use striate::network::unknown_layer;
use striate::{Activation, Chain, Clock, Network};

use crate::NETWORK;
use crate::config::NinConfig;
use crate::head::HeadLayer;
use crate::initialization::{Initialization, Position};
use crate::mlpconv::MlpConv;

/// Name of the tap after the head.
const LOGITS: &str = "logits";

/// A Network In Network.
///
/// # Shapes
/// (N, C, H, W) to (N, classes): the logits, for a softmax and cross-entropy to follow.
///
/// # Convention
/// Tensor names are those of the authors' files, see the [crate documentation](crate).
/// Taps are `conv1`, `cccp1`, `cccp2`, `pool1`, .., and `logits`; a convolution's tap is the output of its ReLU.
/// Dropout streams are `dropout/drop1`, `dropout/drop2` after the poolings and `dropout/drop_head`.
///
/// # Source
/// Lin, Chen and Yan, "Network In Network", 2013 (arXiv 1312.4400), Fig. 2 and Sec. 4.
///
/// ```
/// use nin::candle_core::{DType, Device, Result, Tensor};
/// use nin::{Nin, NinConfig};
/// use striate::Parameters;
/// fn main() -> Result<()> {
///     let config = NinConfig { width: 0.125, ..NinConfig::cifar10() };
///     let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
///     let network = Nin::new(&config, parameters.builder())?;
///     let images = Tensor::zeros((2, 3, 32, 32), DType::F32, &Device::Cpu)?;
///     assert_eq!(network.forward(&images)?.dims(), [2, 10]);
///     assert_eq!(network.class_maps(&images)?.dims(), [2, 10, 8, 8]);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Nin {
    config: NinConfig,
    blocks: Vec<Block>,
    head: HeadLayer,
    clock: Clock,
}

#[derive(Clone, Debug)]
struct Block {
    /// Names of the layers of the perceptron.
    names: Vec<String>,
    mlpconv: MlpConv,
    /// The pooling and its name.
    pool: Option<(String, PoolLayer)>,
    dropout: Option<Dropout>,
}

#[derive(Clone, Debug)]
enum PoolLayer {
    Max(MaxPool2d),
    Average(AvgPool2d),
}

impl Nin {
    /// The network of `config` with its tensors from `vb`.
    ///
    /// # Errors
    /// Those of [`NinConfig::check`], and tensors of another shape in `vb`.
    pub fn new(config: &NinConfig, vb: VarBuilder) -> Result<Self> {
        config.check()?;
        let clock = Clock::new(0);
        let mut inputs = config.in_channels;
        let mut blocks = Vec::with_capacity(config.blocks.len());
        for (i, layers) in config.blocks_of_layers().iter().enumerate() {
            let (mut names, mut convs) = (Vec::new(), Vec::new());
            let (mut pool, mut dropout) = (None, None);
            for layer in layers {
                match layer {
                    LayerSpec::Conv { name, channels, .. } => {
                        let place = Position::of(config, i, convs.len());
                        convs.push(conv(layer, inputs, place, config.initialization, &vb)?);
                        names.push(name.clone());
                        inputs = *channels;
                    }
                    LayerSpec::MaxPool { name, window } => {
                        pool = Some((name.clone(), PoolLayer::Max(MaxPool2d::new(*window))));
                    }
                    LayerSpec::AvgPool { name, window } => {
                        pool = Some((name.clone(), PoolLayer::Average(AvgPool2d::new(*window))));
                    }
                    LayerSpec::Dropout { name, p } => {
                        dropout = Some(Dropout::with_clock(*p, name, &clock));
                    }
                    LayerSpec::Linear { name, .. } => bail!("nin: {name} in an mlpconv block"),
                }
            }
            blocks.push(Block {
                names,
                mlpconv: MlpConv::new(convs)?,
                pool,
                dropout,
            });
        }
        let maps = config.class_map_shape(config.image_size)?;
        let (head, start) = (config.head, config.initialization);
        Ok(Self {
            head: HeadLayer::new(head, maps, config.classes, start, &clock, &vb)?,
            config: config.clone(),
            blocks,
            clock,
        })
    }

    /// What the network was built from.
    pub fn config(&self) -> &NinConfig {
        &self.config
    }

    /// The mlpconv layers in forward order.
    pub fn mlpconvs(&self) -> impl Iterator<Item = &MlpConv> {
        self.blocks.iter().map(|block| &block.mlpconv)
    }

    /// The logits in evaluation mode.
    ///
    /// # Errors
    /// An input with another number of channels, or too small; with a fully connected head, of another size.
    pub fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        self.forward_t(xs, false)
    }

    /// The maps of the classes, (N, classes, H, W), in evaluation mode: where the network sees what (Fig. 4).
    ///
    /// # Errors
    /// An input with another number of channels, or too small.
    pub fn class_maps(&self, xs: &Tensor) -> Result<Tensor> {
        self.run(xs, false, None)?.finish()
    }

    /// The logits of these [class maps](Self::class_maps), in evaluation mode.
    ///
    /// # Errors
    /// With a fully connected head, maps of another size.
    pub fn logits(&self, class_maps: &Tensor) -> Result<Tensor> {
        self.head.link(Chain::new(class_maps), false)?.finish()
    }

    /// The layers up to the one called `until`, or all of them.
    fn run(&self, xs: &Tensor, train: bool, until: Option<&str>) -> Result<Chain> {
        let size = check_input(NETWORK, xs, self.config.in_channels)?;
        self.config.class_map_shape(size)?;
        let mut chain = Chain::new(xs);
        for block in &self.blocks {
            for (name, conv) in block.names.iter().zip(block.mlpconv.layers()) {
                chain = conv.link(chain, train)?;
                if until == Some(name.as_str()) {
                    return Ok(chain);
                }
            }
            if let Some((name, pool)) = &block.pool {
                chain = pool.link(chain, train)?;
                if until == Some(name.as_str()) {
                    return Ok(chain);
                }
            }
            if let Some(dropout) = &block.dropout {
                chain = dropout.link(chain, train)?;
            }
        }
        Ok(chain)
    }
}

impl ModuleT for Nin {
    fn forward_t(&self, xs: &Tensor, train: bool) -> Result<Tensor> {
        let maps = self.run(xs, train, None)?;
        let logits = self.head.link(maps, train)?.finish()?;
        if train {
            self.clock.tick();
        }
        Ok(logits)
    }
}

impl Network for Nin {
    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn layer_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for block in &self.blocks {
            names.extend(block.names.iter().cloned());
            names.extend(block.pool.iter().map(|(name, _)| name.clone()));
        }
        names.push(LOGITS.to_string());
        names
    }

    fn forward_features(&self, xs: &Tensor) -> Result<Tensor> {
        self.class_maps(xs)
    }

    fn forward_to(&self, xs: &Tensor, layer: &str) -> Result<Tensor> {
        if layer == LOGITS {
            return self.forward(xs);
        }
        let names = self.layer_names();
        if !names.iter().any(|name| name == layer) {
            return Err(unknown_layer(layer, &names));
        }
        self.run(xs, false, Some(layer))?.finish()
    }
}

impl Link for PoolLayer {
    fn link(&self, chain: Chain, train: bool) -> Result<Chain> {
        match self {
            Self::Max(pool) => pool.link(chain, train),
            Self::Average(pool) => pool.link(chain, train),
        }
    }
}

/// The convolution of `layer` on maps of `inputs` channels, with its tensors from `vb`.
pub(crate) fn conv(
    layer: &LayerSpec,
    inputs: usize,
    place: Position,
    initialization: Initialization,
    vb: &VarBuilder,
) -> Result<Conv2d> {
    let LayerSpec::Conv {
        name,
        window,
        channels,
        nonlinearity,
    } = layer
    else {
        bail!("nin: {} is no convolution", layer.name());
    };
    let activation = match nonlinearity {
        Nonlinearity::Identity => Activation::Identity,
        Nonlinearity::Relu => Activation::Relu,
        Nonlinearity::LeakyRelu { .. } => bail!("nin: {name} has a leaky ReLU; use a ReLU"),
    };
    // A product beyond memory is refused where the weight is made.
    let fan_in = inputs
        .saturating_mul(window.size.0)
        .saturating_mul(window.size.1);
    let draws = initialization.draws(place, fan_in);
    convolution(window, (inputs, *channels), activation, draws, vb.pp(name))
}

#[cfg(test)]
mod tests;
