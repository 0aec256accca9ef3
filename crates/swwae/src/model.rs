//! The auto-encoder: encoder, classifier and decoder together.

use candle_core::{Result, Tensor};
use candle_nn::{ModuleT, VarBuilder};
use striate::{Clock, Network};

use crate::config::{DecoderInput, SwwaeConfig};
use crate::convnet::Convnet;
use crate::decoder::{Decoder, Decoding};
use crate::encoder::{Encoder, Encoding};

/// A stacked what-where auto-encoder.
///
/// # Shapes
/// As a module (N, C, H, W) to (N, classes), the logits of its Convnet; [`Swwae::pass`] gives the reconstruction as well.
///
/// # Convention
/// Tensor names are those of the [crate documentation](crate).
/// Taps are `conv1`, `pool1`, .., `fc1`, .. and `logits`, those of the encoder and the classifier; a pooling's tap is its what.
/// Dropout streams are `dropout/pool1`, .. after the poolings and `dropout/fc1`, .. before the fully connected layers.
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
    convnet: Convnet,
    decoder: Decoder,
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
    /// Those of [`Encoder::new`].
    pub fn new(config: &SwwaeConfig, vb: VarBuilder) -> Result<Self> {
        let convnet = Convnet::new(config, vb.clone())?;
        let (encoder, classifier) = (&convnet.encoder, convnet.classifier.as_ref());
        let decoder = Decoder::new(config, encoder, classifier, vb.pp("decoder"))?;
        Ok(Self { convnet, decoder })
    }

    /// What the network was built from.
    pub fn config(&self) -> &SwwaeConfig {
        self.convnet.config()
    }

    /// The encoder.
    pub fn encoder(&self) -> &Encoder {
        &self.convnet.encoder
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
        let (encoding, logits) = self.convnet.run(xs, train)?;
        let decoding = match (&logits, self.config().decoder_input) {
            (Some(logits), DecoderInput::Logits) => {
                self.decoder.decode_logits(logits, &encoding)?
            }
            _ => self.decoder.decode(&encoding)?,
        };
        if train {
            self.convnet.clock.tick();
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
        self.convnet.encode(xs)
    }

    /// The image that the decoder makes of `encoding`, in evaluation mode.
    ///
    /// # Errors
    /// Features and wheres that do not fit each other.
    pub fn decode(&self, encoding: &Encoding) -> Result<Tensor> {
        let decoding = match (&self.convnet.classifier, self.config().decoder_input) {
            (Some(classifier), DecoderInput::Logits) => {
                let logits = classifier.run(&encoding.features, false, usize::MAX)?;
                self.decoder.decode_logits(&logits, encoding)?
            }
            _ => self.decoder.decode(encoding)?,
        };
        Ok(decoding.reconstruction)
    }
}

impl ModuleT for Swwae {
    /// The logits of the Convnet; the decoder does not run.
    fn forward_t(&self, xs: &Tensor, train: bool) -> Result<Tensor> {
        self.convnet.forward_t(xs, train)
    }
}

impl Network for Swwae {
    fn clock(&self) -> &Clock {
        &self.convnet.clock
    }

    fn layer_names(&self) -> Vec<String> {
        self.convnet.layer_names()
    }

    fn forward_features(&self, xs: &Tensor) -> Result<Tensor> {
        self.convnet.forward_features(xs)
    }

    fn forward_to(&self, xs: &Tensor, layer: &str) -> Result<Tensor> {
        self.convnet.forward_to(xs, layer)
    }
}

#[cfg(test)]
mod tests;
