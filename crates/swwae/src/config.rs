//! The networks as data: options, presets, sizes, parameter counts.

mod presets;
mod sizes;

use candle_core::{Result, bail};
use serde::{Deserialize, Serialize};
use striate::Rounding;
use striate::layer_list::{check_dropout, check_layers};

use crate::architecture::{Architecture, Layer};

pub use sizes::ParameterCount;

/// How the encoder pools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Pooling {
    /// The maximum and its place: [`WhatWhere`](crate::WhatWhere).
    #[default]
    Hard,
    /// Weighted by softmax(beta z): [`SoftWhatWhere`](crate::SoftWhatWhere).
    Soft {
        /// How sharply the weights prefer large values; the paper's value is not known.
        beta: f64,
    },
}

/// What the decoder knows of where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unpooling {
    /// Each what goes where the encoder found it.
    #[default]
    Where,
    /// No where: each what is copied to all cells of its window, the paper's baseline.
    Copy,
    /// No where: each what goes to the first cell of its window.
    Fixed,
}

/// Whether the decoder has weights of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DecoderWeights {
    /// Its own.
    #[default]
    Untied,
    /// The encoder's, transposed; biases are its own.
    Tied,
}

/// What the decoder starts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DecoderInput {
    /// The last maps, before the classifier: the common reading.
    #[default]
    Features,
    /// The logits, through mirrored fully connected layers.
    /// Reconstruction terms then reach the classifier, for unlabelled images too.
    Logits,
}

/// A stacked what-where auto-encoder.
///
/// ```
/// use swwae::SwwaeConfig;
/// let config = SwwaeConfig::mnist();
/// assert_eq!(config.architecture.to_string(), "(64)5c-2p-(64)3c-2p-(64)3c-2p-10fc");
/// let count = config.parameter_count()?;
/// assert_eq!((count.encoder, count.classifier), (75_520, 5_770));
/// # Ok::<(), swwae::candle_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwwaeConfig {
    /// The encoder and the classifier; the decoder mirrors the encoder.
    pub architecture: Architecture,
    /// Channels of an image.
    pub in_channels: usize,
    /// Height and width of the images that the network is meant for.
    /// Without fully connected layers it runs on every size that is not too small.
    pub image_size: (usize, usize),
    /// How poolings treat a size that their windows do not divide.
    pub rounding: Rounding,
    /// How the encoder pools.
    pub pooling: Pooling,
    /// What the decoder knows of where.
    pub unpooling: Unpooling,
    /// Whether the decoder has weights of its own.
    pub decoder_weights: DecoderWeights,
    /// What the decoder starts from.
    pub decoder_input: DecoderInput,
    /// Dropout on what goes up from each pooling.
    pub pool_dropout: f32,
    /// Dropout before each fully connected layer.
    pub fc_dropout: f32,
}

impl SwwaeConfig {
    /// A network of `architecture` for images of this many channels and this size: hard pooling that rounds down,
    /// unpooling with where, untied weights, no dropout.
    pub fn new(architecture: Architecture, in_channels: usize, image_size: (usize, usize)) -> Self {
        Self {
            architecture,
            in_channels,
            image_size,
            rounding: Rounding::Floor,
            pooling: Pooling::Hard,
            unpooling: Unpooling::Where,
            decoder_weights: DecoderWeights::Untied,
            decoder_input: DecoderInput::Features,
            pool_dropout: 0.0,
            fc_dropout: 0.0,
        }
    }

    /// The variant with dropout: 0.2 after the poolings and 0.5 before the classifier.
    /// The paper has such a variant; rates and places are ours.
    #[must_use]
    pub fn with_dropout(self) -> Self {
        Self {
            pool_dropout: 0.2,
            fc_dropout: 0.5,
            ..self
        }
    }

    /// A narrow version: the maps of every convolution times `width`.
    #[must_use]
    pub fn scaled(self, width: f64) -> Self {
        Self {
            architecture: self.architecture.scaled(width),
            ..self
        }
    }

    /// Refuses values without a meaning.
    ///
    /// # Errors
    /// No convolution, no channels, a dropout outside [0, 1), a bad beta, an image that is too small, sizes that overflow,
    /// a decoder that starts from logits that the architecture does not have.
    pub fn check(&self) -> Result<()> {
        let name = self.network();
        let layers = self.architecture.layers();
        let is_conv = |layer: &Layer| matches!(layer, Layer::Conv { .. });
        if !layers.iter().any(is_conv) {
            bail!(
                "{name}: no convolution; the mirror of a pooling alone has no parameters, add one"
            );
        }
        if self.in_channels == 0 {
            bail!("{name}: 0 input channels; at least 1 is needed");
        }
        check_dropout(&name, "pool_dropout", self.pool_dropout)?;
        check_dropout(&name, "fc_dropout", self.fc_dropout)?;
        if let Pooling::Soft { beta } = self.pooling
            && !(0.0..f64::INFINITY).contains(&beta)
        {
            bail!(
                "{name}: beta {beta} must be finite and at least 0; for maxima use Pooling::Hard"
            );
        }
        if self.decoder_input == DecoderInput::Logits && self.architecture.classes().is_none() {
            bail!(
                "{name}: the decoder cannot start from logits, there is no fully connected layer; use DecoderInput::Features"
            );
        }
        check_layers(&name, self.in_channels, &self.layers())?;
        if self.parameter_count()?.total() == usize::MAX {
            bail!("{name}: it has more parameters than memory holds; use fewer maps or units");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
