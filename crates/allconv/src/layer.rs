//! Layer lists as data: what can be known of a network without building it.

use std::fmt;

use candle_core::{Result, bail};
use striate::Window2d;

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
        /// Kernel, stride and padding.
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
    /// Dropout in training.
    Dropout {
        /// Name of the layer; its masks come from the stream `dropout/<name>`.
        name: String,
        /// Probability that a value is zeroed.
        p: f32,
    },
}

impl LayerSpec {
    /// The name of the layer.
    pub fn name(&self) -> &str {
        match self {
            Self::Conv { name, .. } | Self::MaxPool { name, .. } | Self::Dropout { name, .. } => {
                name
            }
        }
    }

    /// The window that slides over the input, if there is one.
    pub fn window(&self) -> Option<&Window2d> {
        match self {
            Self::Conv { window, .. } | Self::MaxPool { window, .. } => Some(window),
            Self::Dropout { .. } => None,
        }
    }
}

/// Scalars in all weights and biases of `layers` on images of `in_channels` channels.
pub fn parameter_count(in_channels: usize, layers: &[LayerSpec]) -> usize {
    let mut count = 0;
    let mut inputs = in_channels;
    for layer in layers {
        if let LayerSpec::Conv {
            window, channels, ..
        } = layer
        {
            count += channels * (inputs * window.size.0 * window.size.1 + 1);
            inputs = *channels;
        }
    }
    count
}

/// The shape (channels, height, width) after each layer, for one image of shape `input`.
///
/// # Errors
/// An image that is too small; the message names the layer and the smallest image that fits.
pub fn output_shapes(
    input: (usize, usize, usize),
    layers: &[LayerSpec],
) -> Result<Vec<(usize, usize, usize)>> {
    let (mut channels, mut h, mut w) = input;
    let mut shapes = Vec::with_capacity(layers.len());
    for layer in layers {
        if let Some(window) = layer.window() {
            (h, w) = match window.output_size(h, w) {
                Ok(size) => size,
                Err(_) => bail!(
                    "all-cnn: an image of {}x{} is too small, nothing is left of it at {}; the smallest is {}",
                    input.1,
                    input.2,
                    layer.name(),
                    minimum_text(layers)
                ),
            };
        }
        if let LayerSpec::Conv { channels: out, .. } = layer {
            channels = *out;
        }
        shapes.push((channels, h, w));
    }
    Ok(shapes)
}

/// Refuses a network without classes or channels, and a width that is no sensible multiplier.
pub(crate) fn check_sizes(
    network: impl fmt::Display,
    classes: usize,
    in_channels: usize,
    width: f64,
    widest: f64,
) -> Result<()> {
    if classes == 0 || in_channels == 0 {
        bail!(
            "{network}: {classes} classes and {in_channels} input channels; both must be at least 1"
        );
    }
    if !(width > 0.0 && width <= widest) {
        bail!("{network}: width {width} must be above 0 and at most {widest}");
    }
    Ok(())
}

/// The paper's number of channels times the width, at least one.
pub(crate) fn scaled(paper: usize, width: f64) -> usize {
    ((paper as f64 * width).round() as usize).max(1)
}

/// Side of the smallest square image that leaves at least one position in every layer.
///
/// `None` when no image of up to 4096 pixels a side does.
pub fn minimum_input(layers: &[LayerSpec]) -> Option<usize> {
    let fits = |side: usize| {
        let mut size = (side, side);
        layers.iter().filter_map(LayerSpec::window).all(|window| {
            match window.output_size(size.0, size.1) {
                Ok(out) => {
                    size = out;
                    true
                }
                Err(_) => false,
            }
        })
    };
    (1..=4096).find(|&side| fits(side))
}

fn minimum_text(layers: &[LayerSpec]) -> String {
    match minimum_input(layers) {
        Some(side) => format!("{side}x{side}"),
        None => "larger than 4096x4096".to_string(),
    }
}
