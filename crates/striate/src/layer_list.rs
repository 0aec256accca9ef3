//! Layer lists: what can be known of a network before it is built.
//!
//! The networks of this family are lists of convolutions, poolings, dropouts and fully connected layers.
//! A list as data gives the size of every map and the number of parameters without a single tensor,
//! and tells how small an image may be.
//!
//! ```
//! use striate::Window2d;
//! use striate::layer_list::{LayerSpec, Nonlinearity, output_shapes};
//! let layers = [
//!     LayerSpec::Conv {
//!         name: "conv1".into(),
//!         window: Window2d::square(5).padding(2),
//!         channels: 16,
//!         nonlinearity: Nonlinearity::Relu,
//!     },
//!     LayerSpec::MaxPool { name: "pool1".into(), window: Window2d::square(3).stride(2) },
//! ];
//! assert_eq!(output_shapes("net", (3, 32, 32), &layers)?, [(16, 32, 32), (16, 15, 15)]);
//! assert_eq!(layers[0].parameter_count((3, 32, 32)), 16 * (3 * 25 + 1));
//! # Ok::<(), striate::candle_core::Error>(())
//! ```

mod build;
mod check;

use std::fmt;

use candle_core::{Result, bail};
use serde::{Deserialize, Serialize};

use crate::window::Window2d;

pub use build::convolution;
pub use check::{check_dropout, check_input, check_layers, check_sizes};

/// Channels, height and width of the maps of one image.
pub type MapShape = (usize, usize, usize);

/// Side of the largest square image that [`minimum_input`] tries.
const LARGEST: usize = 4096;

/// What follows the class maps, before each of them is averaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassMapActivation {
    /// ReLU, as Table 1 of the All-CNN paper and the definition files of Network In Network have it: no map is negative.
    /// If every class map of every image is negative before it, no gradient is left and the network stays at chance.
    #[default]
    Relu,
    /// Nothing: the averages are ordinary logits.
    Identity,
}

impl From<ClassMapActivation> for Nonlinearity {
    fn from(activation: ClassMapActivation) -> Self {
        match activation {
            ClassMapActivation::Relu => Self::Relu,
            ClassMapActivation::Identity => Self::Identity,
        }
    }
}

/// What follows a convolution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Nonlinearity {
    /// Nothing.
    Identity,
    /// max(0, x), fused into the convolution.
    Relu,
    /// x above 0, `slope` times x below.
    LeakyRelu {
        /// The factor below 0.
        slope: f64,
    },
}

/// One layer of a network.
#[derive(Clone, Debug, PartialEq)]
pub enum LayerSpec {
    /// A convolution with bias; its tensors are `<name>.weight` and `<name>.bias`.
    Conv {
        /// Name of the layer and prefix of its tensors.
        name: String,
        /// Kernel, stride, padding and dilation; a convolution rounds down.
        window: Window2d,
        /// Output channels.
        channels: usize,
        /// What follows.
        nonlinearity: Nonlinearity,
    },
    /// Max pooling.
    MaxPool {
        /// Name of the layer.
        name: String,
        /// Window, stride and rounding.
        window: Window2d,
    },
    /// Average pooling; padding counts as zeros.
    AvgPool {
        /// Name of the layer.
        name: String,
        /// Window, stride and rounding.
        window: Window2d,
    },
    /// Dropout in training.
    Dropout {
        /// Name of the layer; its masks come from the stream `dropout/<name>`.
        name: String,
        /// Probability that a value is zeroed.
        p: f32,
    },
    /// A fully connected layer with bias on all values of the maps; its tensors are `<name>.weight` and `<name>.bias`.
    Linear {
        /// Name of the layer and prefix of its tensors.
        name: String,
        /// Output units.
        units: usize,
    },
}

impl LayerSpec {
    /// The name of the layer.
    pub fn name(&self) -> &str {
        match self {
            Self::Conv { name, .. }
            | Self::MaxPool { name, .. }
            | Self::AvgPool { name, .. }
            | Self::Dropout { name, .. }
            | Self::Linear { name, .. } => name,
        }
    }

    /// The window that slides over the input, if there is one.
    pub fn window(&self) -> Option<&Window2d> {
        match self {
            Self::Conv { window, .. }
            | Self::MaxPool { window, .. }
            | Self::AvgPool { window, .. } => Some(window),
            Self::Dropout { .. } | Self::Linear { .. } => None,
        }
    }

    /// Scalars in weight and bias on maps of this shape, of which a convolution asks for the channels only.
    ///
    /// `usize::MAX` stands for every number that large or larger.
    pub fn parameter_count(&self, (c, h, w): MapShape) -> usize {
        let product = |sizes: [usize; 3]| sizes.into_iter().fold(1, usize::saturating_mul);
        let (units, inputs) = match self {
            Self::Conv {
                window, channels, ..
            } => (*channels, product([c, window.size.0, window.size.1])),
            Self::Linear { units, .. } => (*units, product([c, h, w])),
            Self::MaxPool { .. } | Self::AvgPool { .. } | Self::Dropout { .. } => return 0,
        };
        units.saturating_mul(inputs.saturating_add(1))
    }
}

/// Scalars in all weights and biases of convolutions on images of `in_channels` channels.
///
/// `usize::MAX` stands for every number that large or larger.
/// Layers that are no convolutions count nothing.
pub fn convolution_parameters(in_channels: usize, layers: &[LayerSpec]) -> usize {
    let (mut count, mut inputs) = (0usize, in_channels);
    for layer in layers {
        if let LayerSpec::Conv { channels, .. } = layer {
            count = count.saturating_add(layer.parameter_count((inputs, 1, 1)));
            inputs = *channels;
        }
    }
    count
}

/// The shape after each layer, for one image of shape `input`; (units, 1, 1) after a fully connected layer.
///
/// # Errors
/// An image that is too small; the message names the `network`, the layer and the smallest image that fits.
pub fn output_shapes(
    network: impl fmt::Display,
    input: MapShape,
    layers: &[LayerSpec],
) -> Result<Vec<MapShape>> {
    let mut shape = input;
    let mut shapes = Vec::with_capacity(layers.len());
    for layer in layers {
        shape = match after(shape, layer) {
            Some(shape) => shape,
            None => bail!(
                "{network}: an image of {}x{} is too small, {} cannot take its maps of {}x{}; the smallest is {}",
                input.1,
                input.2,
                layer.name(),
                shape.1,
                shape.2,
                match minimum_input(layers) {
                    Some(side) => format!("{side}x{side}"),
                    None => format!("larger than {LARGEST}x{LARGEST}"),
                }
            ),
        };
        shapes.push(shape);
    }
    Ok(shapes)
}

/// Side of the smallest square image that leaves at least one position in every layer.
///
/// `None` when no image of up to 4096 pixels a side does.
pub fn minimum_input(layers: &[LayerSpec]) -> Option<usize> {
    let fits = |side: usize| {
        let mut layers = layers.iter();
        layers.try_fold((1, side, side), after).is_some()
    };
    (1..=LARGEST).find(|&side| fits(side))
}

/// The shape after a layer, if anything is left.
fn after((c, h, w): MapShape, layer: &LayerSpec) -> Option<MapShape> {
    match layer {
        LayerSpec::Linear { units, .. } => Some((*units, 1, 1)),
        LayerSpec::Dropout { .. } => Some((c, h, w)),
        LayerSpec::Conv {
            window, channels, ..
        } => {
            let (h, w) = window.output_size(h, w).ok()?;
            Some((*channels, h, w))
        }
        LayerSpec::MaxPool { window, .. } | LayerSpec::AvgPool { window, .. } => {
            let (h, w) = window.output_size(h, w).ok()?;
            Some((c, h, w))
        }
    }
}

/// The paper's number of channels times the width, rounded, at least one.
pub fn scaled(paper: usize, width: f64) -> usize {
    ((paper as f64 * width).round() as usize).max(1)
}

#[cfg(test)]
mod tests;
