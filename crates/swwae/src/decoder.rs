//! The Deconvnet: the mirror of the encoder.
//!
//! Every pooling becomes an unpooling and every convolution one of the same kernel with its channels exchanged.
//! A ReLU follows each hidden layer and nothing the last one, since images may be negative.

use candle_core::{Result, Tensor, bail};
use candle_nn::init::ZERO;
use candle_nn::{Linear, Module, VarBuilder};
use striate::layers::{Conv2d, Link};
use striate::ops::cpu::dense;
use striate::{Activation, Chain, relu};

use crate::architecture::Layer;
use crate::classifier::{Classifier, draw, linear};
use crate::config::{DecoderInput, DecoderWeights, SwwaeConfig, Unpooling};
use crate::encoder::{Encoder, Encoding, Place, same};
use crate::soft::soft_unpool2d;
use crate::upsample::{copy_unpool2d, fixed_unpool2d};

/// What the decoder makes of an encoding.
#[derive(Clone, Debug)]
pub struct Decoding {
    /// The decoder's state before the unpooling of each level, from the image up: the partner of the encoder's what.
    /// Nothing for a level whose what is the decoder's input, which would be compared with itself.
    pub states: Vec<Option<Tensor>>,
    /// The image, (N, C, H, W).
    pub reconstruction: Tensor,
}

/// The mirror of an [`Encoder`].
///
/// # Convention
/// `conv1` mirrors the encoder's `conv1`, so it comes last; tensors are `conv1.weight` (C_in, C_out, K, K of the encoder's
/// layer), `conv1.bias`, .. below the prefix of the builder, only biases where weights are tied.
/// A tied weight is the encoder's, transposed and turned by 180 degrees, which makes the mirror its transposed convolution.
#[doc(alias = "Deconvnet")]
#[derive(Clone, Debug)]
pub struct Decoder {
    /// Mirrors of the classifier's layers, in the decoder's order; empty if the decoder starts from the features.
    dense: Vec<Linear>,
    /// Shape of the maps that the dense layers make.
    maps: (usize, usize, usize),
    stages: Vec<Stage>,
    unpooling: Unpooling,
}

#[derive(Clone, Debug)]
enum Stage {
    Conv {
        conv: Conv2d,
        weights: DecoderWeights,
    },
    Unpool {
        level: usize,
        size: usize,
    },
}

impl Decoder {
    /// The mirror of `encoder`, and of `classifier` if the decoder starts from the logits.
    ///
    /// # Errors
    /// Tensors of another shape in `vb`.
    pub(crate) fn new(
        config: &SwwaeConfig,
        encoder: &Encoder,
        classifier: Option<&Classifier>,
        vb: VarBuilder,
    ) -> Result<Self> {
        let mut stages = Vec::new();
        let mut convs = encoder.convs().enumerate();
        let mut level = 0;
        for layer in config.architecture.layers() {
            match *layer {
                Layer::Conv { .. } => {
                    let Some((i, conv)) = convs.next() else {
                        bail!("swwae: the encoder has fewer convolutions than its config");
                    };
                    let vb = vb.pp(format!("conv{}", i + 1));
                    stages.push(mirror(conv, config.decoder_weights, i == 0, vb)?);
                }
                Layer::Pool { size } => {
                    stages.push(Stage::Unpool { level, size });
                    level += 1;
                }
                Layer::Fc { .. } => break,
            }
        }
        stages.reverse();
        let classifier = classifier.filter(|_| config.decoder_input == DecoderInput::Logits);
        let mut dense = Vec::new();
        for (i, layer) in classifier
            .iter()
            .flat_map(|classifier| classifier.layers())
            .enumerate()
        {
            let (units, inputs) = layer.weight().dims2()?;
            let vb = vb.pp(format!("fc{}", i + 1));
            dense.push(match config.decoder_weights {
                DecoderWeights::Untied => linear((units, inputs), i == 0, vb)?,
                DecoderWeights::Tied => {
                    // A view: it follows the encoder's weight.
                    let bias = vb.get_with_hints(inputs, "bias", ZERO)?;
                    Linear::new(layer.weight().t()?, Some(bias))
                }
            });
        }
        dense.reverse();
        Ok(Self {
            dense,
            maps: classifier.map_or((0, 0, 0), |classifier| classifier.maps),
            stages,
            unpooling: config.unpooling,
        })
    }

    /// Decodes the features of `encoding` with its wheres.
    ///
    /// # Errors
    /// For a decoder that starts from logits, that none are given; features and wheres that do not fit each other.
    pub fn decode(&self, encoding: &Encoding) -> Result<Decoding> {
        if !self.dense.is_empty() {
            bail!("swwae: this decoder starts from the logits; use decode_logits");
        }
        self.run(&encoding.features, encoding, true)
    }

    /// Decodes `logits`, (N, classes), with the wheres of `encoding`.
    ///
    /// # Errors
    /// For a decoder that starts from features; logits of another rank or number, or of other images than the wheres.
    pub fn decode_logits(&self, logits: &Tensor, encoding: &Encoding) -> Result<Decoding> {
        let Some(first) = self.dense.first() else {
            bail!(
                "swwae: this decoder starts from the features; use decode, or DecoderInput::Logits in the config"
            );
        };
        let classes = first.weight().dim(1)?;
        if logits.rank() != 2 || logits.dim(1)? != classes {
            bail!(
                "swwae: the logits have shape {:?}; the decoder starts from (N, {classes}), the units of the last fully connected layer",
                logits.dims()
            );
        }
        let mut ys = dense("swwae decoder", logits)?;
        for (i, layer) in self.dense.iter().enumerate() {
            ys = layer.forward(&ys)?;
            if i + 1 < self.dense.len() {
                ys = relu(&ys)?;
            }
        }
        let (c, h, w) = self.maps;
        self.run(&ys.reshape(((), c, h, w))?, encoding, false)
    }

    fn run(&self, features: &Tensor, encoding: &Encoding, from_features: bool) -> Result<Decoding> {
        let mut states = vec![None; encoding.levels.len()];
        let mut chain = Chain::new(features);
        for (i, stage) in self.stages.iter().enumerate() {
            chain = match stage {
                Stage::Conv { conv, weights } => match weights {
                    DecoderWeights::Untied => conv.link(chain, false)?,
                    DecoderWeights::Tied => {
                        let weight = conv.weight().transpose(0, 1)?.contiguous()?.flip(&[2, 3])?;
                        chain.conv2d(&weight, conv.bias(), conv.options())?
                    }
                },
                Stage::Unpool { level, size } => {
                    let Some(found) = encoding.levels.get(*level) else {
                        bail!(
                            "swwae: the encoding has {} levels, the decoder needs level {}",
                            encoding.levels.len(),
                            level + 1
                        );
                    };
                    let what = chain.finish()?;
                    let chain = self.unpool(Chain::new(&what), *size, &found.place)?;
                    if i > 0 || !from_features {
                        states[*level] = Some(what);
                    }
                    chain
                }
            };
        }
        Ok(Decoding {
            states,
            reconstruction: chain.finish()?,
        })
    }

    fn unpool(&self, what: Chain, size: usize, place: &Place) -> Result<Chain> {
        match (self.unpooling, place) {
            (Unpooling::Copy, place) => what.then(|what| copy_unpool2d(what, size, place.source())),
            (Unpooling::Fixed, place) => {
                what.then(|what| fixed_unpool2d(what, size, place.source()))
            }
            (Unpooling::Where, Place::Hard(switches)) => {
                what.max_unpool2d(switches, switches.source)
            }
            (Unpooling::Where, Place::Soft { position, source }) => {
                what.then(|what| soft_unpool2d(what, position, size, *source))
            }
        }
    }
}

/// The mirror of one convolution.
fn mirror(conv: &Conv2d, weights: DecoderWeights, is_last: bool, vb: VarBuilder) -> Result<Stage> {
    let (maps, channels, kernel, _) = conv.weight().dims4()?;
    let activation = if is_last {
        Activation::Identity
    } else {
        Activation::Relu
    };
    let weight = match weights {
        DecoderWeights::Tied => conv.weight().clone(),
        DecoderWeights::Untied => {
            let draw = draw(maps.saturating_mul(kernel).saturating_mul(kernel), is_last);
            vb.get_with_hints((channels, maps, kernel, kernel), "weight", draw)?
        }
    };
    let bias = vb.get_with_hints(channels, "bias", ZERO)?;
    let conv = Conv2d::new(weight, Some(bias), same(kernel, activation));
    Ok(Stage::Conv { conv, weights })
}
