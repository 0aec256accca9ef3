//! Classification of a volume by its sum along the depth, with and without a transformer (appendix A.3).

use candle_core::{Result, Tensor};
use candle_nn::{Module, ModuleT, VarBuilder};
use serde::{Deserialize, Serialize};
use striate::network::unknown_layer;
use striate::{Clock, Network};

use super::classifier::Classifier;
use super::volume::{VolumeConfig, VolumeNet};
use crate::size::check_maps;

const NAME: &str = "shadow network";

/// Sizes of a [`ShadowNet`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShadowConfig {
    /// Whether a transformer turns the volume first; without one the gradient's factor has no part.
    pub transformer: bool,
    /// Volume and classifier.
    pub network: VolumeConfig,
}

/// Classifies a volume by its sum along the depth, after a [`VolumeNet`]'s transformer if there is one.
///
/// Without a transformer it is the network that the transformer is compared with.
///
/// # Shapes
/// (N, side, side, side), the slices as channels, to logits (N, classes).
///
/// # Convention
/// The tensors of [`VolumeNet`], and those of its classifier alone.
///
/// # Source
/// Jaderberg et al. 2015, appendix A.3.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use candle_nn::ModuleT;
/// use stn::networks::{Body, ShadowConfig, ShadowNet, VolumeConfig};
/// use striate::Parameters;
///
/// let network = VolumeConfig { side: 28, body: Body::Cnn { filters: 4 }, ..VolumeConfig::digits() };
/// let config = ShadowConfig { transformer: false, network };
/// let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
/// let network = ShadowNet::new(&config, parameters.builder())?;
/// let volumes = Tensor::zeros((2, 28, 28, 28), DType::F32, &Device::Cpu)?;
/// assert_eq!(network.forward_t(&volumes, false)?.dims(), [2, 10]);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ShadowNet {
    network: Projector,
    side: usize,
    clock: Clock,
}

#[derive(Clone, Debug)]
enum Projector {
    Plain(Classifier),
    Transformed(Box<VolumeNet>),
}

impl ShadowNet {
    /// The network of `config`.
    ///
    /// # Errors
    /// A volume too small for the convolutions, tensors of another shape in `vb`.
    pub fn new(config: &ShadowConfig, vb: VarBuilder) -> Result<Self> {
        let VolumeConfig {
            side,
            classes,
            body,
            ..
        } = config.network;
        Ok(Self {
            network: match config.transformer {
                true => Projector::Transformed(VolumeNet::new(&config.network, vb)?.into()),
                false => Projector::Plain(Classifier::new(body, 1, side, classes, vb)?),
            },
            side,
            clock: Clock::new(0),
        })
    }

    /// The pictures that are classified, (N, 1, side, side), of volumes (N, side, side, side).
    fn shadow(&self, xs: &Tensor) -> Result<Tensor> {
        check_maps(NAME, xs, [self.side; 3])?;
        match &self.network {
            Projector::Plain(_) => xs.sum_keepdim(1),
            Projector::Transformed(network) => Ok(network.project(&xs.unsqueeze(1)?)?.output),
        }
    }
}

impl ModuleT for ShadowNet {
    fn forward_t(&self, xs: &Tensor, train: bool) -> Result<Tensor> {
        let logits = match &self.network {
            Projector::Plain(classifier) => classifier.forward(&self.shadow(xs)?)?,
            Projector::Transformed(network) => {
                check_maps(NAME, xs, [self.side; 3])?;
                network.forward_t(&xs.unsqueeze(1)?, train)?
            }
        };
        if train {
            self.clock.tick();
        }
        Ok(logits)
    }
}

impl Network for ShadowNet {
    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn layer_names(&self) -> Vec<String> {
        ["shadow", "logits"].map(str::to_owned).into()
    }

    fn forward_features(&self, xs: &Tensor) -> Result<Tensor> {
        self.shadow(xs)
    }

    fn forward_to(&self, xs: &Tensor, layer: &str) -> Result<Tensor> {
        match layer {
            "shadow" => self.shadow(xs),
            "logits" => self.forward_t(xs, false),
            _ => Err(unknown_layer(layer, &self.layer_names())),
        }
    }
}
