//! A small network with any of the ideas.
//!
//! ```text
//! [transformer] - conv1 - pooling - conv2 - pooling or conv with stride - conv3 - class maps - dense layer or mean
//!                          where                                            |
//!                            +------------- unpooling - conv - upsampling --+   conv: the image again
//! ```

use candle_core::{Result, Tensor};
use candle_nn::{Linear, Module, ModuleT, VarBuilder};
use serde::Serialize;
use stn::{
    AffineGrid, AlignCorners, ConvLocalisation, ConvLocalisationConfig, GridGenerator,
    SpatialTransformer,
};
use striate::layers::{Conv2d, conv2d};
use striate::network::unknown_layer;
use striate::{
    Activation, Clock, Conv2dOptions, Network, Rounding, Window2d, global_avg_pool, lp_pool2d,
    max_pool2d,
};
use swwae::WhatWhere;
use swwae::upsample::copy_unpool2d;

use super::ideas::{Halving, Ideas};

/// The sizes of a network, and its ideas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Config {
    pub(super) ideas: Ideas,
    /// Maps of the first convolution; the others have twice as many.
    pub(super) maps: usize,
    pub(super) classes: usize,
    /// Channels of an image.
    pub(super) in_channels: usize,
    /// Height and width of an image.
    pub(super) image_size: (usize, usize),
}

/// The network of a [`Config`].
#[derive(Debug)]
pub(super) struct Composed {
    transformer: Option<SpatialTransformer<ConvLocalisation, AffineGrid>>,
    conv1: Conv2d,
    conv2: Conv2d,
    second: Second,
    conv3: Conv2d,
    class_maps: Conv2d,
    /// In the place of the mean of each class map.
    dense: Option<Linear>,
    decoder: Option<Decoder>,
    clock: Clock,
}

/// What halves the maps for the second time.
#[derive(Debug)]
enum Second {
    MaxPooling,
    NormPooling,
    Stride(Conv2d),
}

/// From the last maps back to the image.
#[derive(Debug)]
struct Decoder {
    conv2: Conv2d,
    conv1: Conv2d,
}

/// What the decoder is to give again, and what it gave.
pub(super) struct Rebuilt {
    /// The image as the first layer saw it, and its reconstruction.
    pub(super) image: (Tensor, Tensor),
    /// What the first pooling found, and what the decoder put in its place.
    pub(super) what: (Tensor, Tensor),
}

impl Composed {
    /// A new network.
    pub(super) fn new(config: &Config, vb: VarBuilder) -> Result<Self> {
        let Config {
            ideas,
            maps,
            classes,
            in_channels,
            image_size,
        } = *config;
        let wide = 2 * maps;
        let transformer = match ideas.transformer {
            true => {
                let generator = AffineGrid::new(image_size, AlignCorners::Yes)?;
                let net = ConvLocalisationConfig::mnist(in_channels, image_size);
                let net = ConvLocalisation::new(&net, &generator.identity(), vb.pp("st"))?;
                Some(SpatialTransformer::new(net, generator)?)
            }
            false => None,
        };
        let half = |(h, w): (usize, usize)| (h.div_ceil(2), w.div_ceil(2));
        let (height, width) = half(half(image_size));
        let dense = match ideas.global_average {
            true => None,
            false => Some(candle_nn::linear(
                classes * height * width,
                classes,
                vb.pp("dense"),
            )?),
        };
        let decoder = match ideas.what_where {
            true => Some(Decoder {
                conv2: conv2d(
                    wide,
                    maps,
                    3,
                    same(1, Activation::Relu),
                    vb.pp("decoder.conv2"),
                )?,
                conv1: conv2d(
                    maps,
                    in_channels,
                    3,
                    same(1, Activation::Identity),
                    vb.pp("decoder.conv1"),
                )?,
            }),
            false => None,
        };
        let second = match ideas.halving {
            Halving::MaxPooling => Second::MaxPooling,
            Halving::NormPooling => Second::NormPooling,
            Halving::Stride => {
                let options = same(2, Activation::Relu);
                Second::Stride(conv2d(wide, wide, 3, options, vb.pp("stride"))?)
            }
        };
        Ok(Self {
            transformer,
            conv1: conv2d(
                in_channels,
                maps,
                3,
                same(1, Activation::Relu),
                vb.pp("conv1"),
            )?,
            conv2: conv2d(maps, wide, 3, same(1, Activation::Relu), vb.pp("conv2"))?,
            second,
            conv3: conv2d(wide, wide, 3, same(1, Activation::Relu), vb.pp("conv3"))?,
            class_maps: conv2d(
                wide,
                classes,
                1,
                Conv2dOptions::default(),
                vb.pp("class_maps"),
            )?,
            dense,
            decoder,
            clock: Clock::new(0),
        })
    }

    /// Class scores, (N, K), and what the decoder made, if there is one.
    pub(super) fn pass(&self, xs: &Tensor) -> Result<(Tensor, Option<Rebuilt>)> {
        let seen = self.seen(xs)?;
        let (pooled, maps) = self.encode(&seen)?;
        let rebuilt = match &self.decoder {
            Some(decoder) => Some(decoder.rebuild(&seen, &pooled, &maps)?),
            None => None,
        };
        Ok((self.scores(&maps)?, rebuilt))
    }

    /// The image as the first layer sees it.
    fn seen(&self, xs: &Tensor) -> Result<Tensor> {
        match &self.transformer {
            Some(transformer) => transformer.forward(xs),
            None => Ok(xs.clone()),
        }
    }

    /// What and where of the first pooling, and the last maps.
    fn encode(&self, seen: &Tensor) -> Result<(WhatWhere, Tensor)> {
        let pooled = WhatWhere::pool(&self.conv1.forward(seen)?, 2, Rounding::Ceil)?;
        let maps = self.conv2.forward(&pooled.what)?;
        let maps = match &self.second {
            Second::MaxPooling => max_pool2d(&maps, &pooling())?,
            Second::NormPooling => lp_pool2d(&maps, &pooling(), 2.0)?,
            Second::Stride(conv) => conv.forward(&maps)?,
        };
        Ok((pooled, self.conv3.forward(&maps)?))
    }

    fn scores(&self, maps: &Tensor) -> Result<Tensor> {
        let maps = self.class_maps.forward(maps)?;
        match &self.dense {
            Some(dense) => dense.forward(&maps.flatten_from(1)?),
            None => global_avg_pool(&maps),
        }
    }
}

impl Decoder {
    fn rebuild(&self, seen: &Tensor, pooled: &WhatWhere, maps: &Tensor) -> Result<Rebuilt> {
        let (_, _, height, width) = pooled.what.dims4()?;
        let what = self
            .conv2
            .forward(&copy_unpool2d(maps, 2, (height, width))?)?;
        let image = self.conv1.forward(&pooled.unpool(&what)?)?;
        Ok(Rebuilt {
            // The transformer is not to make images that are easy to rebuild.
            image: (seen.detach(), image),
            what: (pooled.what.clone(), what),
        })
    }
}

/// Maxima of 2x2 windows; the last ones see the cells that exist.
fn pooling() -> Window2d {
    Window2d {
        rounding: Rounding::Ceil,
        ..Window2d::square(2).stride(2)
    }
}

/// A 3x3 convolution that keeps the size of its maps, but for its stride.
fn same(stride: usize, activation: Activation) -> Conv2dOptions {
    Conv2dOptions {
        stride: (stride, stride),
        padding: (1, 1),
        activation,
        ..Default::default()
    }
}

impl ModuleT for Composed {
    fn forward_t(&self, xs: &Tensor, _train: bool) -> Result<Tensor> {
        let (_, maps) = self.encode(&self.seen(xs)?)?;
        self.scores(&maps)
    }
}

/// The layer that can be looked at.
const LAST: &str = "conv3";

impl Network for Composed {
    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn layer_names(&self) -> Vec<String> {
        vec![LAST.to_owned()]
    }

    fn forward_features(&self, xs: &Tensor) -> Result<Tensor> {
        Ok(self.encode(&self.seen(xs)?)?.1)
    }

    fn forward_to(&self, xs: &Tensor, layer: &str) -> Result<Tensor> {
        match layer {
            LAST => self.forward_features(xs),
            _ => Err(unknown_layer(layer, &self.layer_names())),
        }
    }
}
