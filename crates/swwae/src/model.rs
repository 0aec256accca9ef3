//! The auto-encoder: encoder, classifier and decoder together.

use candle_core::{Result, Tensor, bail};
use candle_nn::{ModuleT, VarBuilder};
use striate::network::unknown_layer;
use striate::{Clock, Network};

use crate::config::{DecoderInput, SwwaeConfig};
use crate::decoder::{Decoder, Decoding};
use crate::encoder::{Classifier, Encoder, Encoding};

/// Name of the tap behind the last fully connected layer.
const LOGITS: &str = "logits";

/// A stacked what-where auto-encoder.
///
/// # Shapes
/// As a module (N, C, H, W) to (N, classes), the logits of its Convnet; [`Swwae::pass`] gives the reconstruction as well.
///
/// # Convention
/// Tensor names are those of the [crate documentation](crate).
/// Taps are `conv1`, `pool1`, .., `fc1`, .. and `logits`, those of the encoder and the classifier; a pooling's tap is its what.
/// Dropout streams are `dropout/pool1`, .. behind the poolings and `dropout/fc1`, .. before the fully connected layers.
/// A pass in training ticks the clock once.
///
/// # Source
/// Zhao, Mathieu, Goroshin and LeCun, "Stacked What-Where Auto-encoders", 2015 (arXiv 1506.02351).
///
/// ```
/// use swwae::candle_core::{DType, Device, Result, Tensor};
/// use swwae::{Labels, LossWeights, Mode, Swwae, SwwaeConfig, SwwaeLoss, EncoderSide};
/// use striate::Parameters;
/// fn main() -> Result<()> {
///     let config = SwwaeConfig::mnist().scaled(0.125);
///     let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
///     let network = Swwae::new(&config, parameters.builder())?;
///     let images = Tensor::zeros((3, 1, 28, 28), DType::F32, &Device::Cpu)?;
///     let labels = Labels::partly(&[Some(7), None, None]);
///     let pass = network.pass(&images, true)?;
///     let loss = SwwaeLoss::new(&pass, &images, &labels, Mode::SemiSupervised, EncoderSide::Joint)?;
///     let gradients = loss.total(&LossWeights { l2_rec: 1.0, l2_m: 0.1 })?.backward()?;
///     assert_eq!(gradients.get_ids().count() > 0, true);
///     assert_eq!(pass.decoding.reconstruction.dims(), images.dims());
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Swwae {
    config: SwwaeConfig,
    encoder: Encoder,
    classifier: Option<Classifier>,
    decoder: Decoder,
    clock: Clock,
}

/// What one forward pass through all parts leaves.
#[derive(Clone, Debug)]
pub struct Pass {
    /// (N, classes), if the architecture ends in a fully connected layer.
    pub logits: Option<Tensor>,
    /// What and where of every pooling.
    pub encoding: Encoding,
    /// The decoder's states and the reconstruction.
    pub decoding: Decoding,
}

impl Swwae {
    /// The network of `config` with its tensors from `vb`.
    ///
    /// # Errors
    /// Those of [`SwwaeConfig::check`], and tensors of another shape in `vb`.
    pub fn new(config: &SwwaeConfig, vb: VarBuilder) -> Result<Self> {
        config.check()?;
        let clock = Clock::new(0);
        let encoder = Encoder::new(config, &clock, vb.pp("encoder"))?;
        let classifier = Classifier::new(config, &clock, vb.pp("classifier"))?;
        let decoder = Decoder::new(config, &encoder, classifier.as_ref(), vb.pp("decoder"))?;
        Ok(Self {
            config: config.clone(),
            encoder,
            classifier,
            decoder,
            clock,
        })
    }

    /// What the network was built from.
    pub fn config(&self) -> &SwwaeConfig {
        &self.config
    }

    /// The encoder.
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    /// The decoder.
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// Encodes, classifies and reconstructs; ticks the clock if `train`.
    ///
    /// # Errors
    /// An input with another number of channels, or too small; with a classifier, of another size.
    pub fn pass(&self, xs: &Tensor, train: bool) -> Result<Pass> {
        self.check_input(xs)?;
        let encoding = self.encoder.encode(xs, train)?;
        let logits = match &self.classifier {
            Some(classifier) => Some(classifier.run(&encoding.features, train, usize::MAX)?),
            None => None,
        };
        let decoding = match (&logits, self.config.decoder_input) {
            (Some(logits), DecoderInput::Logits) => {
                self.decoder.decode_logits(logits, &encoding)?
            }
            _ => self.decoder.decode(&encoding)?,
        };
        if train {
            self.clock.tick();
        }
        Ok(Pass {
            logits,
            encoding,
            decoding,
        })
    }

    /// The logits in evaluation mode.
    ///
    /// # Errors
    /// Those of [`Swwae::pass`]; an architecture without a fully connected layer.
    pub fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        self.forward_t(xs, false)
    }

    /// What and where of every pooling, in evaluation mode.
    ///
    /// # Errors
    /// An input with another number of channels, or too small.
    pub fn encode(&self, xs: &Tensor) -> Result<Encoding> {
        self.check_input(xs)?;
        self.encoder.encode(xs, false)
    }

    /// The image that the decoder makes of `encoding`, in evaluation mode.
    ///
    /// # Errors
    /// Features and wheres that do not fit each other.
    pub fn decode(&self, encoding: &Encoding) -> Result<Tensor> {
        let decoding = match (&self.classifier, self.config.decoder_input) {
            (Some(classifier), DecoderInput::Logits) => {
                let logits = classifier.run(&encoding.features, false, usize::MAX)?;
                self.decoder.decode_logits(&logits, encoding)?
            }
            _ => self.decoder.decode(encoding)?,
        };
        Ok(decoding.reconstruction)
    }

    fn check_input(&self, xs: &Tensor) -> Result<()> {
        let wanted = self.config.in_channels;
        let &[_, c, _, _] = xs.dims() else {
            bail!(
                "swwae: the input has shape {:?}; (N, {wanted}, H, W) is wanted",
                xs.dims()
            );
        };
        if c != wanted {
            bail!(
                "swwae: the input has {c} channels, the network takes {wanted}; set in_channels in its config or convert the images"
            );
        }
        Ok(())
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

impl ModuleT for Swwae {
    /// The logits of the Convnet; the decoder does not run.
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

impl Network for Swwae {
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

#[cfg(test)]
mod tests;
