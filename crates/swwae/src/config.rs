//! The networks as data: options, presets, sizes, parameter counts.

use candle_core::{Result, bail};
use serde::{Deserialize, Serialize};
use striate::Rounding;

use crate::architecture::{Architecture, Layer};
use crate::what_where::side_by_side;

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
    /// Dropout in front of each fully connected layer.
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

    /// MNIST with few labels (from memory): 28, 14, 7, 3.
    pub fn mnist() -> Self {
        let conv = |kernel| Layer::Conv { maps: 64, kernel };
        let pool = Layer::Pool { size: 2 };
        let layers = vec![
            conv(5),
            pool,
            conv(3),
            pool,
            conv(3),
            pool,
            Layer::Fc { units: 10 },
        ];
        Self::new(Architecture::from_layers(layers), 1, (28, 28))
    }

    /// [`SwwaeConfig::mnist`] for images padded to 32x32, which every pooling divides.
    pub fn mnist_padded() -> Self {
        Self {
            image_size: (32, 32),
            ..Self::mnist()
        }
    }

    /// SVHN with 1000 labels (from memory).
    pub fn svhn() -> Self {
        let conv = |maps, kernel| Layer::Conv { maps, kernel };
        let pool = Layer::Pool { size: 2 };
        let layers = vec![
            conv(128, 5),
            pool,
            conv(128, 3),
            pool,
            conv(256, 3),
            pool,
            Layer::Fc { units: 10 },
        ];
        Self::new(Architecture::from_layers(layers), 3, (32, 32))
    }

    /// STL-10: 96, 24, 8, 4, 2. The layers are confirmed by a public port, the rest is from memory.
    pub fn stl10() -> Self {
        let conv = |maps| Layer::Conv { maps, kernel: 3 };
        let pool = |size| Layer::Pool { size };
        let mut layers = vec![
            conv(64),
            pool(4),
            conv(64),
            pool(3),
            conv(128),
            conv(128),
            pool(2),
        ];
        layers.extend([conv(256); 3]);
        layers.extend([conv(512); 3]);
        layers.extend([pool(2), Layer::Fc { units: 10 }]);
        Self::new(Architecture::from_layers(layers), 3, (96, 96))
    }

    /// CIFAR-10 (from memory, with little confidence).
    pub fn cifar10() -> Self {
        Self::cifar(10)
    }

    /// CIFAR-100 (from memory, with little confidence).
    pub fn cifar100() -> Self {
        Self::cifar(100)
    }

    fn cifar(units: usize) -> Self {
        let conv = |maps| Layer::Conv { maps, kernel: 3 };
        let stage = |maps| [conv(maps), conv(maps), Layer::Pool { size: 2 }];
        let mut layers: Vec<Layer> = [128, 256, 512].into_iter().flat_map(stage).collect();
        layers.push(Layer::Fc { units });
        Self::new(Architecture::from_layers(layers), 3, (32, 32))
    }

    /// The auto-encoder of Sec. 4.1, (16)5c-(32)3c-Xp on MNIST; images padded to 32x32, so that 2, 4, 8 and 16 divide them.
    pub fn necessity_of_where(pool: usize) -> Self {
        let layers = vec![
            Layer::Conv {
                maps: 16,
                kernel: 5,
            },
            Layer::Conv {
                maps: 32,
                kernel: 3,
            },
            Layer::Pool { size: pool },
        ];
        Self::new(Architecture::from_layers(layers), 1, (32, 32))
    }

    /// The auto-encoder of Sec. 4.2, (32)5c-(32)3c-2p-(32)3c-16p with soft pooling, on MNIST padded to 32x32.
    pub fn equivariance(beta: f64) -> Self {
        let conv = |kernel| Layer::Conv { maps: 32, kernel };
        let pool = |size| Layer::Pool { size };
        let layers = vec![conv(5), conv(3), pool(2), conv(3), pool(16)];
        Self {
            pooling: Pooling::Soft { beta },
            ..Self::new(Architecture::from_layers(layers), 1, (32, 32))
        }
    }

    /// The variant with dropout: 0.2 behind the poolings and 0.5 before the classifier.
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

    /// The shape (channels, height, width) behind each layer, for an image of [`SwwaeConfig::image_size`];
    /// (units, 1, 1) behind fully connected layers.
    ///
    /// # Errors
    /// An image that is too small for a pooling.
    pub fn output_shapes(&self) -> Result<Vec<(usize, usize, usize)>> {
        let (mut c, (mut h, mut w)) = (self.in_channels, self.image_size);
        let mut shapes = Vec::with_capacity(self.architecture.layers().len());
        for layer in self.architecture.layers() {
            match *layer {
                Layer::Conv { maps, .. } => c = maps,
                Layer::Fc { units } => (c, h, w) = (units, 1, 1),
                Layer::Pool { size } => {
                    (h, w) = match side_by_side(size, self.rounding).output_size(h, w) {
                        Ok(size) => size,
                        Err(_) => bail!(
                            "swwae {}: maps of {h}x{w} are too small for {layer}; use larger images, or pad them",
                            self.architecture
                        ),
                    };
                }
            }
            shapes.push((c, h, w));
        }
        Ok(shapes)
    }

    /// Scalars in weights and biases, part by part.
    ///
    /// # Errors
    /// An image that is too small.
    pub fn parameter_count(&self) -> Result<ParameterCount> {
        let mut count = ParameterCount::default();
        let mut input = (self.in_channels, self.image_size.0, self.image_size.1);
        for (layer, &shape) in self
            .architecture
            .layers()
            .iter()
            .zip(&self.output_shapes()?)
        {
            match *layer {
                Layer::Conv { maps, kernel } => {
                    let weights = maps * input.0 * kernel * kernel;
                    count.encoder += weights + maps;
                    count.decoder += input.0;
                    if self.decoder_weights == DecoderWeights::Untied {
                        count.decoder += weights;
                    }
                }
                Layer::Pool { .. } => {}
                Layer::Fc { units } => {
                    let inputs = input.0 * input.1 * input.2;
                    count.classifier += units * (inputs + 1);
                    if self.decoder_input == DecoderInput::Logits {
                        count.decoder += inputs;
                        if self.decoder_weights == DecoderWeights::Untied {
                            count.decoder += inputs * units;
                        }
                    }
                }
            }
            input = shape;
        }
        Ok(count)
    }

    /// Refuses values without a meaning.
    ///
    /// # Errors
    /// No convolution, no channels, a dropout outside [0, 1), a bad beta, an image that is too small,
    /// a decoder that starts from logits that the architecture does not have.
    pub fn check(&self) -> Result<()> {
        let name = &self.architecture;
        let is_conv = |layer: &Layer| matches!(layer, Layer::Conv { .. });
        if !name.layers().iter().any(is_conv) {
            bail!(
                "swwae {name}: no convolution; the mirror of a pooling alone has no parameters, add one"
            );
        }
        if self.in_channels == 0 {
            bail!("swwae {name}: 0 input channels; at least 1 is needed");
        }
        for (what, p) in [
            ("pool_dropout", self.pool_dropout),
            ("fc_dropout", self.fc_dropout),
        ] {
            if !(0.0..1.0).contains(&p) {
                bail!("swwae {name}: {what} {p} must be at least 0 and below 1");
            }
        }
        if let Pooling::Soft { beta } = self.pooling
            && !(0.0..f64::INFINITY).contains(&beta)
        {
            bail!(
                "swwae {name}: beta {beta} must be finite and at least 0; for maxima use Pooling::Hard"
            );
        }
        if self.decoder_input == DecoderInput::Logits && name.classes().is_none() {
            bail!(
                "swwae {name}: the decoder cannot start from logits, there is no fully connected layer; use DecoderInput::Features"
            );
        }
        self.output_shapes().map(|_| ())
    }
}

/// Scalars in the parts of a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParameterCount {
    /// The convolutions of the encoder.
    pub encoder: usize,
    /// The fully connected layers.
    pub classifier: usize,
    /// The decoder.
    pub decoder: usize,
}

impl ParameterCount {
    /// All of them.
    pub fn total(&self) -> usize {
        self.encoder + self.classifier + self.decoder
    }
}

#[cfg(test)]
mod tests;
