//! The layers of a network, their sizes and their parameters.

use candle_core::Result;
use striate::Window2d;
use striate::layer_list::{LayerSpec, MapShape, Nonlinearity, output_shapes};

use super::{DecoderInput, DecoderWeights, SwwaeConfig};
use crate::architecture::Layer;
use crate::what_where::side_by_side;

impl SwwaeConfig {
    /// What error messages call the network.
    pub(crate) fn network(&self) -> String {
        format!("swwae {}", self.architecture)
    }

    /// The layers of encoder and classifier in forward order: `conv1`, `pool1`, .., `fc1`, ..
    ///
    /// A soft pooling stands as the maximum over the same window.
    pub fn layers(&self) -> Vec<LayerSpec> {
        let (mut convs, mut pools, mut dense) = (0, 0, 0);
        let next = |count: &mut usize, kind: &str| {
            *count += 1;
            format!("{kind}{count}")
        };
        let mut layer = |layer: &Layer| match *layer {
            Layer::Conv { maps, kernel } => LayerSpec::Conv {
                name: next(&mut convs, "conv"),
                window: Window2d::square(kernel).padding(kernel / 2),
                channels: maps,
                nonlinearity: Nonlinearity::Relu,
            },
            Layer::Pool { size } => LayerSpec::MaxPool {
                name: next(&mut pools, "pool"),
                window: side_by_side(size, self.rounding),
            },
            Layer::Fc { units } => LayerSpec::Linear {
                name: next(&mut dense, "fc"),
                units,
            },
        };
        self.architecture.layers().iter().map(&mut layer).collect()
    }

    /// The shape (channels, height, width) after each layer, for an image of [`SwwaeConfig::image_size`];
    /// (units, 1, 1) after fully connected layers.
    ///
    /// # Errors
    /// An image that is too small for a pooling.
    pub fn output_shapes(&self) -> Result<Vec<MapShape>> {
        output_shapes(self.network(), self.input(), &self.layers())
    }

    fn input(&self) -> MapShape {
        (self.in_channels, self.image_size.0, self.image_size.1)
    }

    /// Scalars in weights and biases, part by part.
    ///
    /// # Errors
    /// An image that is too small.
    pub fn parameter_count(&self) -> Result<ParameterCount> {
        let mut count = ParameterCount::default();
        let add = |sum: &mut usize, number: usize| *sum = sum.saturating_add(number);
        let mut input = self.input();
        for (layer, shape) in self.layers().iter().zip(self.output_shapes()?) {
            let all = layer.parameter_count(input);
            // The mirror has as many weights, and a bias for each of the layer's inputs.
            let (part, biases, inputs, is_mirrored) = match layer {
                LayerSpec::Linear { units, .. } => {
                    let inputs = input.0.saturating_mul(input.1).saturating_mul(input.2);
                    let is_mirrored = self.decoder_input == DecoderInput::Logits;
                    (&mut count.classifier, *units, inputs, is_mirrored)
                }
                _ if all == 0 => (&mut count.encoder, 0, 0, false),
                _ => (&mut count.encoder, shape.0, input.0, true),
            };
            add(part, all);
            if is_mirrored {
                add(&mut count.decoder, inputs);
                if self.decoder_weights == DecoderWeights::Untied {
                    add(&mut count.decoder, all.saturating_sub(biases));
                }
            }
            input = shape;
        }
        Ok(count)
    }
}

/// Scalars in the parts of a network; `usize::MAX` stands for every number that large or larger.
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
        let parts = [self.encoder, self.classifier, self.decoder];
        parts.into_iter().fold(0, usize::saturating_add)
    }
}
