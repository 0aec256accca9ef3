//! The Convnet: convolutions and poolings, and a classifier on top.

use candle_core::{Result, Tensor, bail};
use candle_nn::init::{DEFAULT_KAIMING_NORMAL, Init, ZERO};
use candle_nn::{Linear, Module, ModuleT, VarBuilder};
use striate::layers::{Conv2d, Dropout, conv2d};
use striate::{Activation, Clock, Conv2dOptions, Rounding, Switches, relu};

use crate::architecture::Layer;
use crate::config::{Pooling, SwwaeConfig};
use crate::soft::SoftWhatWhere;
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
    stages: Vec<Stage>,
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
    /// Tensors of another shape in `vb`.
    pub fn new(config: &SwwaeConfig, clock: &Clock, vb: VarBuilder) -> Result<Self> {
        let mut channels = config.in_channels;
        let (mut convs, mut pools) = (0, 0);
        let mut stages = Vec::new();
        for layer in config.architecture.layers() {
            match *layer {
                Layer::Conv { maps, kernel } => {
                    convs += 1;
                    let vb = vb.pp(format!("conv{convs}"));
                    let options = same(kernel, Activation::Relu);
                    stages.push(Stage::Conv(conv2d(channels, maps, kernel, options, vb)?));
                    channels = maps;
                }
                Layer::Pool { size } => {
                    pools += 1;
                    let dropout = dropout(config.pool_dropout, &format!("pool{pools}"), clock);
                    stages.push(Stage::Pool { size, dropout });
                }
                Layer::Fc { .. } => break,
            }
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

    /// The maps behind the first `count` layers.
    pub(crate) fn run(&self, xs: &Tensor, train: bool, count: usize) -> Result<Encoding> {
        let mut levels = Vec::new();
        let mut features = xs.clone();
        for stage in self.stages.iter().take(count) {
            match stage {
                Stage::Conv(conv) => features = conv.forward(&features)?,
                Stage::Pool { size, dropout } => {
                    let level = self.pool(&features, *size)?;
                    features = match dropout {
                        Some(dropout) => dropout.forward_t(&level.what, train)?,
                        None => level.what.clone(),
                    };
                    levels.push(level);
                }
            }
        }
        Ok(Encoding { levels, features })
    }

    /// Names of the layers: `conv1`, `pool1`, ..
    pub(crate) fn names(&self) -> Vec<String> {
        let (mut convs, mut pools) = (0, 0);
        let name = |stage: &Stage| match stage {
            Stage::Conv(_) => {
                convs += 1;
                format!("conv{convs}")
            }
            Stage::Pool { .. } => {
                pools += 1;
                format!("pool{pools}")
            }
        };
        self.stages.iter().map(name).collect()
    }

    /// The convolutions in forward order.
    pub(crate) fn convs(&self) -> impl Iterator<Item = &Conv2d> {
        self.stages.iter().filter_map(|stage| match stage {
            Stage::Conv(conv) => Some(conv),
            Stage::Pool { .. } => None,
        })
    }

    fn pool(&self, xs: &Tensor, size: usize) -> Result<Level> {
        match self.pooling {
            Pooling::Hard => {
                let WhatWhere { what, switches } = WhatWhere::pool(xs, size, self.rounding)?;
                Ok(Level {
                    what,
                    place: Place::Hard(switches),
                })
            }
            Pooling::Soft { beta } => {
                let pooled = SoftWhatWhere::pool(xs, size, self.rounding, beta)?;
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

/// The fully connected layers: ReLU between them, dropout in front of each.
///
/// # Convention
/// Tensors are `fc1.weight` (units, inputs), `fc1.bias`, .. below the prefix of the builder.
/// Dropout streams are `dropout/fc1`, ..
#[derive(Clone, Debug)]
pub(crate) struct Classifier {
    layers: Vec<(Option<Dropout>, Linear)>,
    /// Shape of the maps that the first layer reads.
    pub(crate) maps: (usize, usize, usize),
}

impl Classifier {
    /// The classifier of `config`, or nothing if it has none.
    pub(crate) fn new(config: &SwwaeConfig, clock: &Clock, vb: VarBuilder) -> Result<Option<Self>> {
        let sizes = fc_sizes(config)?;
        let Some((maps, sizes)) = sizes else {
            return Ok(None);
        };
        let last = sizes.len() - 1;
        let mut layers = Vec::with_capacity(sizes.len());
        for (i, pair) in sizes.into_iter().enumerate() {
            let name = format!("fc{}", i + 1);
            let layer = linear(pair, i == last, vb.pp(&name))?;
            layers.push((dropout(config.fc_dropout, &name, clock), layer));
        }
        Ok(Some(Self { layers, maps }))
    }

    /// The output of the first `count` layers, or of all.
    pub(crate) fn run(&self, features: &Tensor, train: bool, count: usize) -> Result<Tensor> {
        let (_, c, h, w) = features.dims4()?;
        if (c, h, w) != self.maps {
            bail!(
                "swwae: the classifier reads maps of {:?}, the images lead to {:?}; set image_size in the config to their size",
                self.maps,
                (c, h, w)
            );
        }
        let mut ys = features.flatten_from(1)?;
        for (i, (dropout, layer)) in self.layers.iter().take(count).enumerate() {
            if let Some(dropout) = dropout {
                ys = dropout.forward_t(&ys, train)?;
            }
            ys = layer.forward(&ys)?;
            if i + 1 < self.layers.len() {
                ys = relu(&ys)?;
            }
        }
        Ok(ys)
    }

    pub(crate) fn layers(&self) -> impl Iterator<Item = &Linear> {
        self.layers.iter().map(|(_, layer)| layer)
    }
}

/// The maps that the classifier reads, and (inputs, units) of each of its layers.
type FcSizes = ((usize, usize, usize), Vec<(usize, usize)>);

fn fc_sizes(config: &SwwaeConfig) -> Result<Option<FcSizes>> {
    let layers = config.architecture.layers();
    let shapes = config.output_shapes()?;
    let Some(first) = layers
        .iter()
        .position(|layer| matches!(layer, Layer::Fc { .. }))
    else {
        return Ok(None);
    };
    // The parser refuses a fully connected layer that comes first.
    let Some(&maps) = first.checked_sub(1).and_then(|before| shapes.get(before)) else {
        bail!(
            "swwae {}: a fully connected layer comes first; put a convolution before it",
            config.architecture
        );
    };
    let mut inputs = maps.0 * maps.1 * maps.2;
    let sizes = shapes[first..].iter().map(|&(units, _, _)| {
        let pair = (inputs, units);
        inputs = units;
        pair
    });
    Ok(Some((maps, sizes.collect())))
}

/// A fully connected layer: He's draw in front of a ReLU, its square root of 2 less in a last layer; biases 0.
pub(crate) fn linear(
    (inputs, units): (usize, usize),
    is_last: bool,
    vb: VarBuilder,
) -> Result<Linear> {
    let weight = vb.get_with_hints((units, inputs), "weight", draw(inputs, is_last))?;
    Ok(Linear::new(
        weight,
        Some(vb.get_with_hints(units, "bias", ZERO)?),
    ))
}

/// The draw of the weights of a layer with so many inputs to a unit.
pub(crate) fn draw(fan_in: usize, is_last: bool) -> Init {
    match is_last {
        false => DEFAULT_KAIMING_NORMAL,
        true => Init::Randn {
            mean: 0.0,
            stdev: (1.0 / fan_in.max(1) as f64).sqrt(),
        },
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

fn dropout(p: f32, name: &str, clock: &Clock) -> Option<Dropout> {
    (p > 0.0).then(|| Dropout::with_clock(p, name, clock))
}
