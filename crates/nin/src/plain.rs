//! The plain network of the experiment on global average pooling as a regularizer.
//!
//! Three convolutions with poolings, one locally connected layer, and a head: the network of Hinton et al. 2012,
//! "Improving neural networks by preventing co-adaptation of feature detectors", as the paper uses it in Sec. 4.6.
//! The paper gives the kinds of layers and the 16 maps of the local layer, 10 under global average pooling.
//! The rest is Hinton's network from memory: 64 maps of 5x5, overlapping 3x3 max pooling with stride 2, a 3x3 local layer.
//! Its response normalization is left out.

mod config;

use candle_core::{Result, Tensor, bail};
use candle_nn::{Module, ModuleT, VarBuilder};
use striate::layer_list::LayerSpec;
use striate::layers::{Conv2d, Link, MaxPool2d};
use striate::network::unknown_layer;
use striate::{Chain, Clock, Network, relu};

use crate::config::ClassMapActivation;
use crate::head::HeadLayer;
use crate::initialization::Position;
use crate::local::{self, LocallyConnected2d};
use crate::model::conv;

pub use config::PlainCnnConfig;

use config::LOCAL_KERNEL;

/// Name of the tap of the local layer.
const LOCAL: &str = "local";
/// Name of the tap after the head.
const LOGITS: &str = "logits";

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
    /// The convolutions and poolings with their names.
    layers: Vec<(String, Layer)>,
    local: LocallyConnected2d,
    head: HeadLayer,
    clock: Clock,
}

#[derive(Clone, Debug)]
enum Layer {
    Conv(Conv2d),
    Pool(MaxPool2d),
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
        let mut layers = Vec::new();
        let mut channels = config.in_channels;
        for spec in config.layers() {
            let layer = match &spec {
                LayerSpec::MaxPool { window, .. } => Layer::Pool(MaxPool2d::new(*window)),
                LayerSpec::Conv { channels: out, .. } => {
                    let place = match layers.is_empty() {
                        true => Position::FirstConv,
                        false => Position::AfterPool,
                    };
                    let conv = conv(&spec, channels, place, start, &vb)?;
                    channels = *out;
                    Layer::Conv(conv)
                }
                other => bail!("nin: the plain network has no layer like {}", other.name()),
            };
            layers.push((spec.name().to_string(), layer));
        }
        let place = match (
            config.head.is_fully_connected(),
            config.class_map_activation,
        ) {
            (true, _) => Position::AfterPool,
            (false, ClassMapActivation::Relu) => Position::ReluClassMaps,
            (false, ClassMapActivation::Identity) => Position::Logits,
        };
        let (inputs, maps) = config.local_maps()?;
        let draws = start.draws(place, inputs * LOCAL_KERNEL * LOCAL_KERNEL);
        let (padding, vb_local) = (LOCAL_KERNEL / 2, vb.pp(LOCAL));
        let input = (inputs, maps.1, maps.2);
        Ok(Self {
            layers,
            local: local::build(input, maps.0, LOCAL_KERNEL, padding, draws, vb_local)?,
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

    /// The layers up to the one called `until`, or up to the local layer.
    fn run(&self, xs: &Tensor, until: Option<&str>) -> Result<Chain> {
        let (c, (h, w)) = (self.config.in_channels, self.config.image_size);
        if xs.dims().get(1..) != Some(&[c, h, w][..]) || xs.rank() != 4 {
            bail!(
                "nin: the input has shape {:?}; the plain network takes (N, {c}, {h}, {w}), set image_size in its config",
                xs.dims()
            );
        }
        let mut chain = Chain::new(xs);
        for (name, layer) in &self.layers {
            chain = match layer {
                Layer::Conv(conv) => conv.link(chain, false)?,
                Layer::Pool(pool) => pool.link(chain, false)?,
            };
            if until == Some(name.as_str()) {
                return Ok(chain);
            }
        }
        let chain = chain.then(|maps| self.local.forward(maps))?;
        match (
            self.config.head.is_fully_connected(),
            self.config.class_map_activation,
        ) {
            (false, ClassMapActivation::Identity) => Ok(chain),
            _ => chain.then(relu),
        }
    }
}

impl ModuleT for PlainCnn {
    fn forward_t(&self, xs: &Tensor, train: bool) -> Result<Tensor> {
        let logits = self.head.link(self.run(xs, None)?, train)?.finish()?;
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
        let layers = self.layers.iter().map(|(name, _)| name.as_str());
        layers.chain([LOCAL, LOGITS]).map(String::from).collect()
    }

    fn forward_features(&self, xs: &Tensor) -> Result<Tensor> {
        self.run(xs, None)?.finish()
    }

    fn forward_to(&self, xs: &Tensor, layer: &str) -> Result<Tensor> {
        let names = self.layer_names();
        match layer {
            LOGITS => self.forward(xs),
            _ if names.iter().any(|name| name == layer) => self.run(xs, Some(layer))?.finish(),
            _ => Err(unknown_layer(layer, &names)),
        }
    }
}

#[cfg(test)]
mod tests;
