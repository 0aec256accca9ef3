//! The network: mlpconv blocks, class maps, and a head.

use candle_core::{Result, Tensor, bail};
use candle_nn::{Module, ModuleT, VarBuilder};
use striate::layers::{AvgPool2d, Conv2d, Dropout, MaxPool2d};
use striate::network::unknown_layer;
use striate::{Activation, Clock, Network};

use crate::config::{ClassMapActivation, ConvSpec, NinConfig, Pool, pool_name};
use crate::head::HeadLayer;
use crate::initialization::{Initialization, Place};
use crate::mlpconv::{MlpConv, options};

/// Name of the tap behind the head.
const LOGITS: &str = "logits";

/// A Network In Network.
///
/// # Shapes
/// (N, C, H, W) to (N, classes): the logits, for a softmax and cross-entropy to follow.
///
/// # Convention
/// Tensor names are those of the authors' files, see the [crate documentation](crate).
/// Taps are `conv1`, `cccp1`, `cccp2`, `pool1`, .., and `logits`; a convolution's tap is behind its ReLU.
/// Dropout streams are `dropout/drop1`, `dropout/drop2` behind the poolings and `dropout/drop_head`.
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
    pool: Option<PoolLayer>,
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
        let mut blocks = Vec::with_capacity(config.blocks.len());
        for (i, (block, specs)) in config.blocks.iter().zip(config.convs()).enumerate() {
            let convs: Result<Vec<Conv2d>> =
                specs.iter().map(|spec| conv(spec, config, &vb)).collect();
            let drops = block.pool.is_some() && config.dropout > 0.0;
            let name = format!("drop{}", i + 1);
            blocks.push(Block {
                names: specs.into_iter().map(|spec| spec.name).collect(),
                mlpconv: MlpConv::new(convs?)?,
                pool: block.pool.map(PoolLayer::new),
                dropout: drops.then(|| Dropout::with_clock(config.dropout, &name, &clock)),
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
        self.head.forward_t(&self.class_maps(xs)?, false)
    }

    /// The maps of the classes, (N, classes, H, W), in evaluation mode: where the network sees what (Fig. 4).
    ///
    /// # Errors
    /// An input with another number of channels, or too small.
    pub fn class_maps(&self, xs: &Tensor) -> Result<Tensor> {
        self.run(xs, false, None)
    }

    /// The maps behind the layer called `until`, or behind the last one.
    fn run(&self, xs: &Tensor, train: bool, until: Option<&str>) -> Result<Tensor> {
        self.check_input(xs)?;
        let mut ys = xs.clone();
        for (i, block) in self.blocks.iter().enumerate() {
            for (name, conv) in block.names.iter().zip(block.mlpconv.layers()) {
                ys = conv.forward(&ys)?;
                if until == Some(name.as_str()) {
                    return Ok(ys);
                }
            }
            if let Some(pool) = &block.pool {
                ys = pool.forward(&ys)?;
                if until == Some(pool_name(i).as_str()) {
                    return Ok(ys);
                }
            }
            if let Some(dropout) = &block.dropout {
                ys = dropout.forward_t(&ys, train)?;
            }
        }
        Ok(ys)
    }

    fn check_input(&self, xs: &Tensor) -> Result<()> {
        let wanted = self.config.in_channels;
        let &[_, c, h, w] = xs.dims() else {
            bail!(
                "nin: the input has shape {:?}; (N, {wanted}, H, W) is wanted",
                xs.dims()
            );
        };
        if c != wanted {
            bail!(
                "nin: the input has {c} channels, the network takes {wanted}; set in_channels in its config or convert the images"
            );
        }
        self.config.class_map_shape((h, w)).map(|_| ())
    }
}

impl ModuleT for Nin {
    fn forward_t(&self, xs: &Tensor, train: bool) -> Result<Tensor> {
        let logits = self.head.forward_t(&self.run(xs, train, None)?, train)?;
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
        for (i, block) in self.blocks.iter().enumerate() {
            names.extend(block.names.iter().cloned());
            names.extend(block.pool.iter().map(|_| pool_name(i)));
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
        self.run(xs, false, Some(layer))
    }
}

impl PoolLayer {
    fn new(pool: Pool) -> Self {
        match pool {
            Pool::Max(window) => Self::Max(MaxPool2d::new(window)),
            Pool::Average(window) => Self::Average(AvgPool2d::new(window)),
        }
    }
}

impl Module for PoolLayer {
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        match self {
            Self::Max(pool) => pool.forward(xs),
            Self::Average(pool) => pool.forward(xs),
        }
    }
}

fn conv(spec: &ConvSpec, config: &NinConfig, vb: &VarBuilder) -> Result<Conv2d> {
    let class_maps = matches!(
        spec.place,
        Place::Logits | Place::ReluClassMaps | Place::DenseInput
    );
    let activation = match config.class_map_activation {
        ClassMapActivation::Identity if class_maps => Activation::Identity,
        ClassMapActivation::Identity | ClassMapActivation::Relu => Activation::Relu,
    };
    conv_from(spec, config.initialization, activation, vb)
}

/// The convolution of `spec` with its tensors from `vb`.
pub(crate) fn conv_from(
    spec: &ConvSpec,
    initialization: Initialization,
    activation: Activation,
    vb: &VarBuilder,
) -> Result<Conv2d> {
    let options = options(&spec.window, activation)?;
    let (weight, bias) = initialization.draws(spec.place, spec.fan_in());
    let (kh, kw) = spec.window.size;
    let vb = vb.pp(&spec.name);
    let weight = vb.get_with_hints((spec.channels, spec.in_channels, kh, kw), "weight", weight)?;
    let bias = vb.get_with_hints(spec.channels, "bias", bias)?;
    Ok(Conv2d::new(weight, Some(bias), options))
}

#[cfg(test)]
mod tests;
