//! The maxout networks that the tables compare with: convolutional maxout layers with poolings, and dropout before each layer.
//!
//! The paper takes their errors from Goodfellow et al., "Maxout Networks", 2013. The network for SVHN is not here.
//! Sizes are those of the authors' configuration files, from memory.
//! The authors keep the norm of every filter below a limit; that is a matter of training and not done here.

use candle_core::{Result, Tensor, bail};
use candle_nn::init::ZERO;
use candle_nn::{Linear, Module, ModuleT, VarBuilder};
use serde::{Deserialize, Serialize};
use striate::layer_list::{
    LayerSpec, MapShape, Nonlinearity, check_dropout, check_layers, check_sizes, output_shapes,
    scaled,
};
use striate::layers::Dropout;
use striate::network::unknown_layer;
use striate::ops::cpu::checked_len;
use striate::{Clock, Network, Window2d, max_pool2d};

use crate::maxout::{Maxout, maxout_conv2d};

/// What error messages call these networks.
const NETWORK: &str = "maxout network";
/// Name of the fully connected maxout layer.
const DENSE: &str = "fc";
/// Name of the tap after the last layer.
const LOGITS: &str = "logits";

/// A convolutional maxout layer and the pooling behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxoutBlock {
    /// Maxout units: maps of the layer.
    pub units: usize,
    /// Linear pieces of a unit.
    pub pieces: usize,
    /// Kernel and padding of the convolution.
    pub window: Window2d,
    /// The pooling; windows round up, as the authors' framework does.
    pub pool: Window2d,
}

/// A maxout network.
///
/// ```
/// use nin::MaxoutConfig;
/// let config = MaxoutConfig::cifar10();
/// assert_eq!(config.blocks.len(), 3);
/// assert_eq!(config.map_shapes()?.last(), Some(&(192, 5, 5)));
/// # Ok::<(), nin::candle_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxoutConfig {
    /// Number of classes.
    pub classes: usize,
    /// Channels of an image.
    pub in_channels: usize,
    /// Height and width of an image: the last layers belong to positions, so no other size will do.
    pub image_size: (usize, usize),
    /// Factor on the units of all layers.
    pub width: f64,
    /// The convolutional layers.
    pub blocks: Vec<MaxoutBlock>,
    /// (units, pieces) of a fully connected maxout layer, if there is one.
    pub dense: Option<(usize, usize)>,
    /// Probability that a value of the image is zeroed.
    pub input_dropout: f32,
    /// Probability that a value before any other layer is zeroed.
    pub dropout: f32,
}

impl MaxoutConfig {
    /// The network of Tables 1 and 2: 96, 192 and 192 maps, then 500 units of 5 pieces.
    pub fn cifar10() -> Self {
        Self {
            classes: 10,
            in_channels: 3,
            image_size: (32, 32),
            width: 1.0,
            blocks: vec![
                block((96, 2), (8, 4), (4, 2)),
                block((192, 2), (8, 3), (4, 2)),
                block((192, 2), (5, 3), (2, 2)),
            ],
            dense: Some((500, 5)),
            input_dropout: 0.2,
            dropout: 0.5,
        }
    }

    /// The same with 100 classes.
    pub fn cifar100() -> Self {
        Self {
            classes: 100,
            ..Self::cifar10()
        }
    }

    /// The network of Table 4: 48, 48 and 24 maps, no fully connected maxout layer.
    pub fn mnist() -> Self {
        Self {
            in_channels: 1,
            image_size: (28, 28),
            blocks: vec![
                block((48, 2), (8, 0), (4, 2)),
                block((48, 2), (8, 3), (4, 2)),
                block((24, 4), (5, 3), (2, 2)),
            ],
            dense: None,
            ..Self::cifar10()
        }
    }

    /// (channels, height, width) after each block.
    ///
    /// # Errors
    /// An image that is too small; the message names the layer and the smallest image that fits.
    pub fn map_shapes(&self) -> Result<Vec<MapShape>> {
        let (h, w) = self.image_size;
        let shapes = output_shapes(NETWORK, (self.in_channels, h, w), &self.layers())?;
        // After each pooling.
        Ok(shapes.into_iter().skip(1).step_by(2).collect())
    }

    /// A convolution and a pooling for each block; a unit counts as one map.
    fn layers(&self) -> Vec<LayerSpec> {
        let layers = |(at, block): (usize, &MaxoutBlock)| {
            let conv = LayerSpec::Conv {
                name: format!("conv{}", at + 1),
                window: block.window,
                channels: scaled(block.units, self.width),
                nonlinearity: Nonlinearity::Identity,
            };
            let pool = LayerSpec::MaxPool {
                name: format!("pool{}", at + 1),
                window: block.pool,
            };
            [conv, pool]
        };
        self.blocks.iter().enumerate().flat_map(layers).collect()
    }

    /// Refuses values without a meaning.
    ///
    /// # Errors
    /// No blocks, units, pieces, classes or channels, a width that is not positive, a dropout outside [0, 1), an image that is too small,
    /// a window with a size, stride or dilation of 0, a convolution that rounds up.
    pub fn check(&self) -> Result<()> {
        check_sizes(NETWORK, self.classes, self.in_channels, self.width, 64.0)?;
        check_dropout(NETWORK, "input_dropout", self.input_dropout)?;
        check_dropout(NETWORK, "dropout", self.dropout)?;
        let dense = self.dense.into_iter();
        let sizes = self.blocks.iter().map(|block| (block.units, block.pieces));
        if self.blocks.is_empty()
            || sizes
                .chain(dense)
                .any(|(units, pieces)| units == 0 || pieces == 0)
        {
            bail!(
                "{NETWORK}: no block, or a layer without units or pieces; give at least one of each"
            );
        }
        check_layers(NETWORK, self.in_channels, &self.layers())?;
        self.map_shapes().map(|_| ())
    }

    /// Values of the last maps of an image.
    fn features(&self) -> Result<usize> {
        let (c, h, w) = self.map_shapes()?.pop().unwrap_or_default();
        checked_len(NETWORK, &[c, h, w])
    }
}

fn block(
    (units, pieces): (usize, usize),
    (kernel, padding): (usize, usize),
    (pool, stride): (usize, usize),
) -> MaxoutBlock {
    MaxoutBlock {
        units,
        pieces,
        window: Window2d::square(kernel).padding(padding),
        pool: Window2d::square(pool).stride(stride).ceil(),
    }
}

/// The network of a [`MaxoutConfig`].
///
/// # Shapes
/// (N, C, H, W) to (N, classes), the logits; (H, W) is [`MaxoutConfig::image_size`].
///
/// # Convention
/// Tensors are `conv1.weight`, `conv1.bias`, .., `fc.weight` (units * pieces, inputs, 1, 1), `fc.bias`, `logits.weight`, `logits.bias`.
/// Taps are `conv1` (after pooling), .., `fc`, `logits`; the streams of dropout are `dropout/` and the layer's name.
///
/// # Source
/// Network In Network (arXiv 1312.4400), Tables 1, 2 and 4, after Goodfellow et al. 2013; see the [module documentation](self).
///
/// ```
/// use nin::candle_core::{DType, Device, Result, Tensor};
/// use nin::candle_nn::ModuleT;
/// use nin::{MaxoutConfig, MaxoutNet};
/// use striate::Parameters;
/// fn main() -> Result<()> {
///     let config = MaxoutConfig { width: 0.1, ..MaxoutConfig::mnist() };
///     let network = MaxoutNet::new(&config, Parameters::new(1, DType::F32, &Device::Cpu).builder())?;
///     let xs = Tensor::zeros((2, 1, 28, 28), DType::F32, &Device::Cpu)?;
///     assert_eq!(network.forward_t(&xs, false)?.dims(), [2, 10]);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct MaxoutNet {
    config: MaxoutConfig,
    /// Dropout, layer and pooling of each block.
    blocks: Vec<(Option<Dropout>, Maxout, Window2d)>,
    dense: Option<(Option<Dropout>, Maxout)>,
    last: (Option<Dropout>, Linear),
    clock: Clock,
}

impl MaxoutNet {
    /// The network of `config` with its tensors from `vb`.
    ///
    /// # Errors
    /// Those of [`MaxoutConfig::check`], and tensors of another shape in `vb`.
    pub fn new(config: &MaxoutConfig, vb: VarBuilder) -> Result<Self> {
        config.check()?;
        let clock = Clock::new(0);
        let dropout = |p: f32, name: &str| (p > 0.0).then(|| Dropout::with_clock(p, name, &clock));
        let mut blocks = Vec::with_capacity(config.blocks.len());
        let mut channels = config.in_channels;
        for (at, block) in config.blocks.iter().enumerate() {
            let name = format!("conv{}", at + 1);
            let units = scaled(block.units, config.width);
            let p = match at {
                0 => config.input_dropout,
                _ => config.dropout,
            };
            let layer = maxout_conv2d(channels, units, block.pieces, &block.window, vb.pp(&name))?;
            blocks.push((dropout(p, &name), layer, block.pool));
            channels = units;
        }
        let mut inputs = config.features()?;
        let dense = match config.dense {
            None => None,
            Some((units, pieces)) => {
                let units = scaled(units, config.width);
                let one = Window2d::square(1);
                let layer = maxout_conv2d(inputs, units, pieces, &one, vb.pp(DENSE))?;
                inputs = units;
                Some((dropout(config.dropout, DENSE), layer))
            }
        };
        let vb = vb.pp(LOGITS);
        let draw = candle_nn::init::Init::Randn {
            mean: 0.0,
            stdev: (1.0 / inputs.max(1) as f64).sqrt(),
        };
        let weight = vb.get_with_hints((config.classes, inputs), "weight", draw)?;
        let bias = vb.get_with_hints(config.classes, "bias", ZERO)?;
        Ok(Self {
            blocks,
            dense,
            last: (
                dropout(config.dropout, LOGITS),
                Linear::new(weight, Some(bias)),
            ),
            config: config.clone(),
            clock,
        })
    }

    /// What the network was built from.
    pub fn config(&self) -> &MaxoutConfig {
        &self.config
    }

    /// The maps after the first `count` blocks.
    fn maps(&self, xs: &Tensor, count: usize, train: bool) -> Result<Tensor> {
        let (c, (h, w)) = (self.config.in_channels, self.config.image_size);
        if xs.rank() != 4 || xs.dims().get(1..) != Some(&[c, h, w][..]) {
            bail!(
                "{NETWORK}: the input has shape {:?}; it takes (N, {c}, {h}, {w}), set image_size in its config",
                xs.dims()
            );
        }
        let mut maps = xs.clone();
        for (dropout, layer, pool) in self.blocks.iter().take(count) {
            maps = max_pool2d(&layer.forward(&dropped(dropout, &maps, train)?)?, pool)?;
        }
        Ok(maps)
    }

    /// The values that the last layer reads, (N, values).
    fn hidden(&self, xs: &Tensor, train: bool) -> Result<Tensor> {
        let flat = self.maps(xs, self.blocks.len(), train)?.flatten_from(1)?;
        let Some((dropout, layer)) = &self.dense else {
            return Ok(flat);
        };
        let points = dropped(dropout, &flat, train)?.unsqueeze(2)?.unsqueeze(3)?;
        layer.forward(&points)?.flatten_from(1)
    }
}

fn dropped(dropout: &Option<Dropout>, xs: &Tensor, train: bool) -> Result<Tensor> {
    match dropout {
        Some(dropout) => dropout.forward_t(xs, train),
        None => Ok(xs.clone()),
    }
}

impl ModuleT for MaxoutNet {
    fn forward_t(&self, xs: &Tensor, train: bool) -> Result<Tensor> {
        let (dropout, layer) = &self.last;
        let logits = layer.forward(&dropped(dropout, &self.hidden(xs, train)?, train)?)?;
        if train {
            self.clock.tick();
        }
        Ok(logits)
    }
}

impl Network for MaxoutNet {
    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn layer_names(&self) -> Vec<String> {
        let convs = (1..=self.blocks.len()).map(|at| format!("conv{at}"));
        let dense = self.dense.iter().map(|_| DENSE.to_owned());
        convs.chain(dense).chain([LOGITS.to_owned()]).collect()
    }

    fn forward_features(&self, xs: &Tensor) -> Result<Tensor> {
        self.maps(xs, self.blocks.len(), false)
    }

    fn forward_to(&self, xs: &Tensor, layer: &str) -> Result<Tensor> {
        let names = self.layer_names();
        match names.iter().position(|name| name == layer) {
            None => Err(unknown_layer(layer, &names)),
            Some(at) if at < self.blocks.len() => self.maps(xs, at + 1, false),
            Some(_) if layer == DENSE => self.hidden(xs, false),
            Some(_) => self.forward_t(xs, false),
        }
    }
}

#[cfg(test)]
mod tests;
