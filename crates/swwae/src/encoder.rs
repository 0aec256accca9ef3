//! The convolutional part of the Convnet: convolutions, and poolings that keep where.

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use candle_nn::init::{DEFAULT_KAIMING_NORMAL, ZERO};
use striate::layer_list::{LayerSpec, convolution};
use striate::layers::{Conv2d, Dropout, Link};
use striate::{Activation, Chain, Clock, Conv2dOptions, Rounding, Switches};

use crate::config::{Pooling, SwwaeConfig};
use crate::soft::{SoftWhatWhere, check_beta};
use crate::what_where::WhatWhere;

/// Where a pooling found its whats.
#[derive(Clone, Debug)]
pub enum Place {
    /// The switches of a hard pooling.
    Hard(Switches),
    /// The positions of a soft pooling, (N, C, 2, Ho, Wo), for maps of `source` (height, width) cells.
    Soft {
        /// x, then y, in [-1, 1] within the window.
        position: Tensor,
        /// Height and width of the maps that were pooled.
        source: (usize, usize),
    },
}

impl Place {
    /// Height and width of the maps that were pooled.
    pub fn source(&self) -> (usize, usize) {
        match self {
            Self::Hard(switches) => switches.source,
            Self::Soft { source, .. } => *source,
        }
    }
}

/// What one pooling passes on.
#[derive(Clone, Debug)]
pub struct Level {
    /// What goes up, before dropout.
    pub what: Tensor,
    /// Where it was: goes sideways to the decoder.
    pub place: Place,
}

/// What the encoder makes of a batch of images.
#[derive(Clone, Debug)]
pub struct Encoding {
    /// The poolings from the image up.
    pub levels: Vec<Level>,
    /// The last maps: input of the classifier and, by default, of the decoder.
    pub features: Tensor,
}

/// Convolutions with ReLU and poolings that keep where.
///
/// # Convention
/// Tensors are `conv1.weight`, `conv1.bias`, .. below the prefix of the builder.
/// Dropout streams are `dropout/pool1`, ..
#[doc(alias = "Convnet")]
#[derive(Clone, Debug)]
pub struct Encoder {
    /// The layers with their names.
    stages: Vec<(String, Stage)>,
    rounding: Rounding,
    pooling: Pooling,
}

#[derive(Clone, Debug)]
enum Stage {
    Conv(Conv2d),
    Pool {
        size: usize,
        dropout: Option<Dropout>,
    },
}

impl Encoder {
    /// The convolutional part of `config`, driven by `clock`.
    ///
    /// # Errors
    /// Those of [`SwwaeConfig::check`], a beta beyond the dtype that maps are computed in, and tensors of another shape in `vb`.
    pub fn new(config: &SwwaeConfig, clock: &Clock, vb: VarBuilder) -> Result<Self> {
        config.check()?;
        if let Pooling::Soft { beta } = config.pooling {
            check_beta(beta, vb.dtype())?;
        }
        let mut channels = config.in_channels;
        let mut stages = Vec::new();
        for layer in config.layers() {
            let stage = match &layer {
                LayerSpec::Conv {
                    name,
                    window,
                    channels: maps,
                    ..
                } => {
                    let draws = (DEFAULT_KAIMING_NORMAL, ZERO);
                    let sizes = (channels, *maps);
                    channels = *maps;
                    Stage::Conv(convolution(
                        window,
                        sizes,
                        Activation::Relu,
                        draws,
                        vb.pp(name),
                    )?)
                }
                LayerSpec::MaxPool { name, window } => Stage::Pool {
                    size: window.size.0,
                    dropout: dropout(config.pool_dropout, name, clock),
                },
                _ => break,
            };
            stages.push((layer.name().to_string(), stage));
        }
        Ok(Self {
            stages,
            rounding: config.rounding,
            pooling: config.pooling,
        })
    }

    /// The what and where of every pooling, and the last maps.
    ///
    /// # Errors
    /// Those of the layers: another number of channels, an image too small for a pooling.
    pub fn encode(&self, xs: &Tensor, train: bool) -> Result<Encoding> {
        self.run(xs, train, self.stages.len())
    }

    /// The maps after the first `count` layers.
    pub(crate) fn run(&self, xs: &Tensor, train: bool, count: usize) -> Result<Encoding> {
        let mut levels = Vec::new();
        let mut chain = Chain::new(xs);
        for (_, stage) in self.stages.iter().take(count) {
            match stage {
                Stage::Conv(conv) => chain = conv.link(chain, train)?,
                Stage::Pool { size, dropout } => {
                    let level = self.pool(chain, *size)?;
                    chain = Chain::new(&level.what);
                    if let Some(dropout) = dropout {
                        chain = dropout.link(chain, train)?;
                    }
                    levels.push(level);
                }
            }
        }
        let features = chain.finish()?;
        Ok(Encoding { levels, features })
    }

    /// Names of the layers: `conv1`, `pool1`, ..
    pub(crate) fn names(&self) -> Vec<String> {
        self.stages.iter().map(|(name, _)| name.clone()).collect()
    }

    /// The convolutions in forward order.
    pub(crate) fn convs(&self) -> impl Iterator<Item = &Conv2d> {
        self.stages.iter().filter_map(|(_, stage)| match stage {
            Stage::Conv(conv) => Some(conv),
            Stage::Pool { .. } => None,
        })
    }

    fn pool(&self, chain: Chain, size: usize) -> Result<Level> {
        match self.pooling {
            Pooling::Hard => {
                let WhatWhere { what, switches } =
                    WhatWhere::pool_chain(chain, size, self.rounding)?;
                Ok(Level {
                    what,
                    place: Place::Hard(switches),
                })
            }
            Pooling::Soft { beta } => {
                let pooled = SoftWhatWhere::pool(&chain.finish()?, size, self.rounding, beta)?;
                Ok(Level {
                    what: pooled.what,
                    place: Place::Soft {
                        position: pooled.place,
                        source: pooled.source,
                    },
                })
            }
        }
    }
}

/// Options of a convolution that keeps the size of its maps.
pub(crate) fn same(kernel: usize, activation: Activation) -> Conv2dOptions {
    Conv2dOptions {
        padding: (kernel / 2, kernel / 2),
        activation,
        ..Default::default()
    }
}

/// Dropout with the stream `dropout/<name>`, if there is any.
pub(crate) fn dropout(p: f32, name: &str, clock: &Clock) -> Option<Dropout> {
    (p > 0.0).then(|| Dropout::with_clock(p, name, clock))
}
