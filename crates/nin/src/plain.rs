//! The plain network of the experiment on global average pooling as a regularizer.
//!
//! Three convolutions with poolings, one locally connected layer, and a head: the network of Hinton et al. 2012,
//! "Improving neural networks by preventing co-adaptation of feature detectors", as the paper uses it in Sec. 4.6.
//! The paper gives the kinds of layers and the 16 maps of the local layer, 10 under global average pooling.
//! The rest is Hinton's network from memory: 64 maps of 5x5, overlapping 3x3 max pooling with stride 2, a 3x3 local layer.
//! Its response normalization is left out.

use candle_core::{Result, Tensor, bail};
use candle_nn::{Module, ModuleT, VarBuilder};
use serde::{Deserialize, Serialize};
use striate::layers::{Conv2d, MaxPool2d};
use striate::network::unknown_layer;
use striate::{Activation, Clock, Network, Window2d, relu};

use crate::config::{ClassMapActivation, ConvSpec, check_dropout, check_sizes, pool_name, scaled};
use crate::head::{Head, HeadLayer};
use crate::initialization::{Initialization, Place};
use crate::local::{self, LocallyConnected2d};
use crate::model::conv_from;

/// Name of the tap behind the head.
const LOGITS: &str = "logits";

/// The plain network with one of the heads.
///
/// ```
/// use nin::{Head, PlainCnnConfig};
/// let dense = PlainCnnConfig::cifar10(Head::FullyConnectedDropout { p: 0.5 });
/// let average = PlainCnnConfig::cifar10(Head::GlobalAvgPool);
/// assert!(average.parameter_count()? < dense.parameter_count()?);
/// # Ok::<(), nin::candle_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlainCnnConfig {
    /// Number of classes.
    pub classes: usize,
    /// Channels of an image.
    pub in_channels: usize,
    /// Height and width of an image: the local layer belongs to positions, so no other size will do.
    pub image_size: (usize, usize),
    /// Factor on the 64 maps of the convolutions and the 16 maps of the local layer.
    pub width: f64,
    /// The head; under global average pooling the local layer has one map for each class.
    pub head: Head,
    /// What follows the local layer under global average pooling; a ReLU under a fully connected head.
    pub class_map_activation: ClassMapActivation,
    /// What new weights are drawn from.
    pub initialization: Initialization,
}

impl PlainCnnConfig {
    /// The paper's plain network for CIFAR-10 with this head.
    pub fn cifar10(head: Head) -> Self {
        Self {
            classes: 10,
            in_channels: 3,
            image_size: (32, 32),
            width: 1.0,
            head,
            class_map_activation: ClassMapActivation::Relu,
            initialization: Initialization::Guarded,
        }
    }

    /// Scalars in all weights and biases.
    ///
    /// # Errors
    /// An image that is too small.
    pub fn parameter_count(&self) -> Result<usize> {
        let convs = self.convs();
        let count: usize = convs.iter().map(|c| c.channels * (c.fan_in() + 1)).sum();
        let (c, h, w) = self.local_maps()?;
        let inputs = convs.last().map_or(0, |conv| conv.channels);
        let local = h * w * c * (inputs * 9 + 1);
        Ok(count + local + self.head.parameter_count((c, h, w), self.classes))
    }

    /// Refuses values without a meaning.
    ///
    /// # Errors
    /// No classes or channels, a width that is not positive, a dropout outside [0, 1), an image that is too small.
    pub fn check(&self) -> Result<()> {
        check_sizes(self.classes, self.in_channels, self.width)?;
        check_dropout("head", self.head.dropout())?;
        self.local_maps().map(|_| ())
    }

    /// The shape (channels, height, width) of the local layer's output.
    fn local_maps(&self) -> Result<(usize, usize, usize)> {
        let (mut h, mut w) = self.image_size;
        for _ in 0..3 {
            (h, w) = match pool().output_size(h, w) {
                Ok(size) => size,
                Err(_) => bail!(
                    "nin: an image of {}x{} is too small for three poolings of the plain network; the smallest is 12x12",
                    self.image_size.0,
                    self.image_size.1
                ),
            };
        }
        let channels = match self.head.is_fully_connected() {
            true => scaled(16, self.width),
            false => self.classes,
        };
        Ok((channels, h, w))
    }

    fn convs(&self) -> Vec<ConvSpec> {
        let channels = scaled(64, self.width);
        let conv = |i: usize| ConvSpec {
            name: format!("conv{i}"),
            window: Window2d::square(5).padding(2),
            in_channels: if i == 1 { self.in_channels } else { channels },
            channels,
            place: if i == 1 {
                Place::FirstConv
            } else {
                Place::BehindPool
            },
        };
        (1..=3).map(conv).collect()
    }
}

fn pool() -> Window2d {
    Window2d::square(3).stride(2).ceil()
}

/// The plain network.
///
/// # Shapes
/// (N, C, H, W) to (N, classes), the logits; (H, W) is [`PlainCnnConfig::image_size`].
///
/// # Convention
/// Tensors are `conv1.weight`, `conv1.bias`, .., `local.weight` (H * W, O, C * 9), `local.bias` (O, H, W),
/// and `fc.weight`, `fc.bias` under a fully connected head.
/// Taps are `conv1`, `pool1`, .., `pool3`, `local`, `logits`; the stream of the head's dropout is `dropout/drop_head`.
///
/// # Source
/// Network In Network (arXiv 1312.4400), Sec. 4.6; see the [module documentation](self) for what is from memory.
#[derive(Clone, Debug)]
pub struct PlainCnn {
    config: PlainCnnConfig,
    convs: Vec<Conv2d>,
    local: LocallyConnected2d,
    head: HeadLayer,
    clock: Clock,
}

impl PlainCnn {
    /// The network of `config` with its tensors from `vb`.
    ///
    /// # Errors
    /// Those of [`PlainCnnConfig::check`], and tensors of another shape in `vb`.
    pub fn new(config: &PlainCnnConfig, vb: VarBuilder) -> Result<Self> {
        config.check()?;
        let clock = Clock::new(0);
        let start = config.initialization;
        let specs = config.convs();
        let convs: Result<Vec<Conv2d>> = specs
            .iter()
            .map(|spec| conv_from(spec, start, Activation::Relu, &vb))
            .collect();
        let (channels, h, w) = config.local_maps()?;
        let inputs = specs.last().map_or(0, |spec| spec.channels);
        let place = match (
            config.head.is_fully_connected(),
            config.class_map_activation,
        ) {
            (true, _) => Place::BehindPool,
            (false, ClassMapActivation::Relu) => Place::ReluClassMaps,
            (false, ClassMapActivation::Identity) => Place::Logits,
        };
        let draws = start.draws(place, inputs * 9);
        let maps = (channels, h, w);
        Ok(Self {
            convs: convs?,
            local: local::build((inputs, h, w), channels, 3, 1, draws, vb.pp("local"))?,
            head: HeadLayer::new(config.head, maps, config.classes, start, &clock, &vb)?,
            config: config.clone(),
            clock,
        })
    }

    /// What the network was built from.
    pub fn config(&self) -> &PlainCnnConfig {
        &self.config
    }

    /// The logits in evaluation mode.
    ///
    /// # Errors
    /// An input of another shape than the network was built for.
    pub fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        self.forward_t(xs, false)
    }

    /// The maps behind the layer called `until`, or behind the local layer.
    fn run(&self, xs: &Tensor, until: Option<&str>) -> Result<Tensor> {
        let (c, (h, w)) = (self.config.in_channels, self.config.image_size);
        if xs.dims().get(1..) != Some(&[c, h, w][..]) || xs.rank() != 4 {
            bail!(
                "nin: the input has shape {:?}; the plain network takes (N, {c}, {h}, {w}), set image_size in its config",
                xs.dims()
            );
        }
        let pool = MaxPool2d::new(pool());
        let mut ys = xs.clone();
        for (i, conv) in self.convs.iter().enumerate() {
            ys = conv.forward(&ys)?;
            if until == Some(format!("conv{}", i + 1).as_str()) {
                return Ok(ys);
            }
            ys = pool.forward(&ys)?;
            if until == Some(pool_name(i).as_str()) {
                return Ok(ys);
            }
        }
        let ys = self.local.forward(&ys)?;
        match (
            self.config.head.is_fully_connected(),
            self.config.class_map_activation,
        ) {
            (false, ClassMapActivation::Identity) => Ok(ys),
            _ => relu(&ys),
        }
    }
}

impl ModuleT for PlainCnn {
    fn forward_t(&self, xs: &Tensor, train: bool) -> Result<Tensor> {
        let logits = self.head.forward_t(&self.run(xs, None)?, train)?;
        if train {
            self.clock.tick();
        }
        Ok(logits)
    }
}

impl Network for PlainCnn {
    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn layer_names(&self) -> Vec<String> {
        let pairs = (0..3).flat_map(|i| [format!("conv{}", i + 1), pool_name(i)]);
        pairs
            .chain(["local".to_string(), LOGITS.to_string()])
            .collect()
    }

    fn forward_features(&self, xs: &Tensor) -> Result<Tensor> {
        self.run(xs, None)
    }

    fn forward_to(&self, xs: &Tensor, layer: &str) -> Result<Tensor> {
        let names = self.layer_names();
        match layer {
            LOGITS => self.forward(xs),
            _ if names.iter().any(|name| name == layer) => self.run(xs, Some(layer)),
            _ => Err(unknown_layer(layer, &names)),
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};
    use striate::Parameters;

    use super::*;

    const HEADS: [Head; 4] = [
        Head::GlobalAvgPool,
        Head::GlobalAvgPoolDropout { p: 0.5 },
        Head::FullyConnected,
        Head::FullyConnectedDropout { p: 0.5 },
    ];

    #[test]
    fn shapes() -> Result<()> {
        for head in HEADS {
            let config = PlainCnnConfig {
                width: 0.125,
                ..PlainCnnConfig::cifar10(head)
            };
            let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
            let network = PlainCnn::new(&config, parameters.builder())?;
            assert_eq!(parameters.count(), config.parameter_count()?, "{head}");
            let xs = Tensor::ones((2, 3, 32, 32), DType::F32, &Device::Cpu)?;
            assert_eq!(network.forward_t(&xs, true)?.dims(), [2, 10]);
            assert_eq!(network.clock().step(), 1);
            let channels = if head.is_fully_connected() { 2 } else { 10 };
            assert_eq!(network.forward_features(&xs)?.dims(), [2, channels, 4, 4]);
            for name in network.layer_names() {
                network.forward_to(&xs, &name)?;
            }
        }
        Ok(())
    }

    #[test]
    fn parameter_counts() -> Result<()> {
        // 64 maps of 5x5 on 3, 64 and 64 maps; 3x3 filters of their own at 16 positions; a dense layer on 16 maps.
        let convs = 64 * 76 + 2 * 64 * 1601;
        let local = |maps: usize| 16 * maps * 577;
        let count = |head| PlainCnnConfig::cifar10(head).parameter_count();
        assert_eq!(count(HEADS[0])?, convs + local(10));
        assert_eq!(count(HEADS[2])?, convs + local(16) + 10 * 257);
        Ok(())
    }

    #[test]
    fn errors() -> Result<()> {
        let config = PlainCnnConfig::cifar10(Head::GlobalAvgPool);
        let small = PlainCnnConfig {
            image_size: (11, 32),
            ..config.clone()
        };
        let message = small.check().expect_err("accepted").to_string();
        assert!(
            message.contains("11x32") && message.contains("12x12"),
            "{message}"
        );
        let smallest = PlainCnnConfig {
            image_size: (12, 12),
            width: 0.05,
            ..config
        };
        let vb = Parameters::new(1, DType::F32, &Device::Cpu).builder();
        let network = PlainCnn::new(&smallest, vb)?;
        let xs = Tensor::ones((1, 3, 32, 32), DType::F32, &Device::Cpu)?;
        let message = network.forward(&xs).expect_err("accepted").to_string();
        assert!(message.contains("(N, 3, 12, 12)"), "{message}");
        let message = network
            .forward_to(&xs, "pool4")
            .expect_err("accepted")
            .to_string();
        assert!(
            message.contains("pool4") && message.contains("local"),
            "{message}"
        );
        Ok(())
    }
}
