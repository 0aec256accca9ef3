//! The Convnet that the auto-encoder extends: encoder and classifier without a decoder.

use candle_core::{Result, Tensor, bail};
use candle_nn::{ModuleT, VarBuilder};
use striate::layer_list::check_input;
use striate::network::unknown_layer;
use striate::{Clock, Network};

use crate::classifier::Classifier;
use crate::config::SwwaeConfig;
use crate::encoder::{Encoder, Encoding};

/// Name of the tap after the last fully connected layer.
const LOGITS: &str = "logits";

/// Encoder and classifier: the network that the paper compares the auto-encoder with.
///
/// # Shapes
/// (N, C, H, W) to (N, classes), the logits.
///
/// # Convention
/// Tensor names, dropout streams and taps are those of [`Swwae`](crate::Swwae),
/// so one seed draws the same weights for both.
///
/// ```
/// use swwae::candle_core::{DType, Device, Result, Tensor};
/// use swwae::candle_nn::ModuleT;
/// use swwae::{Convnet, SwwaeConfig};
/// use striate::Parameters;
/// fn main() -> Result<()> {
///     let config = SwwaeConfig::mnist();
///     let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
///     let network = Convnet::new(&config, parameters.builder())?;
///     let images = Tensor::zeros((2, 1, 28, 28), DType::F32, &Device::Cpu)?;
///     assert_eq!(network.forward_t(&images, false)?.dims(), [2, 10]);
///     assert_eq!(parameters.count(), 75_520 + 5_770);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Convnet {
    config: SwwaeConfig,
    pub(crate) encoder: Encoder,
    pub(crate) classifier: Option<Classifier>,
    pub(crate) clock: Clock,
}

impl Convnet {
    /// The encoder and classifier of `config` with their tensors from `vb`.
    ///
    /// # Errors
    /// Those of [`Encoder::new`].
    pub fn new(config: &SwwaeConfig, vb: VarBuilder) -> Result<Self> {
        let clock = Clock::new(0);
        Ok(Self {
            config: config.clone(),
            encoder: Encoder::new(config, &clock, vb.pp("encoder"))?,
            classifier: Classifier::new(config, &clock, vb.pp("classifier"))?,
            clock,
        })
    }

    /// What the network was built from.
    pub fn config(&self) -> &SwwaeConfig {
        &self.config
    }

    /// The encoding of `xs`, and its logits if there is a classifier.
    pub(crate) fn run(&self, xs: &Tensor, train: bool) -> Result<(Encoding, Option<Tensor>)> {
        self.check_input(xs)?;
        let encoding = self.encoder.encode(xs, train)?;
        let logits = match &self.classifier {
            Some(classifier) => Some(classifier.run(&encoding.features, train, usize::MAX)?),
            None => None,
        };
        Ok((encoding, logits))
    }

    /// What and where of every pooling, in evaluation mode.
    ///
    /// # Errors
    /// An input with another number of channels, or too small.
    pub fn encode(&self, xs: &Tensor) -> Result<Encoding> {
        self.check_input(xs)?;
        self.encoder.encode(xs, false)
    }

    fn check_input(&self, xs: &Tensor) -> Result<()> {
        check_input("swwae", xs, self.config.in_channels).map(|_| ())
    }

    fn classifier(&self) -> Result<&Classifier> {
        match &self.classifier {
            Some(classifier) => Ok(classifier),
            None => bail!(
                "swwae {}: there is no classifier; add a fully connected layer such as 10fc, or use pass or reconstruct",
                self.config.architecture
            ),
        }
    }
}

impl ModuleT for Convnet {
    fn forward_t(&self, xs: &Tensor, train: bool) -> Result<Tensor> {
        self.check_input(xs)?;
        let classifier = self.classifier()?;
        let encoding = self.encoder.encode(xs, train)?;
        let logits = classifier.run(&encoding.features, train, usize::MAX)?;
        if train {
            self.clock.tick();
        }
        Ok(logits)
    }
}

impl Network for Convnet {
    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn layer_names(&self) -> Vec<String> {
        let mut names = self.encoder.names();
        if let Some(classifier) = &self.classifier {
            let hidden = classifier.layers().count().saturating_sub(1);
            names.extend((1..=hidden).map(|i| format!("fc{i}")));
            names.push(LOGITS.to_string());
        }
        names
    }

    fn forward_features(&self, xs: &Tensor) -> Result<Tensor> {
        Ok(self.encode(xs)?.features)
    }

    fn forward_to(&self, xs: &Tensor, layer: &str) -> Result<Tensor> {
        let names = self.layer_names();
        let Some(index) = names.iter().position(|name| name == layer) else {
            return Err(unknown_layer(layer, &names));
        };
        self.check_input(xs)?;
        let maps = self.encoder.names().len();
        let encoding = self.encoder.run(xs, false, index + 1)?;
        match index.checked_sub(maps) {
            None => Ok(encoding.features),
            Some(before) => self
                .classifier()?
                .run(&encoding.features, false, before + 1),
        }
    }
}
