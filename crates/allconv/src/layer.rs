//! Layer lists as data: sizes and parameter counts without a network.
//!
//! The types are those of [`striate::layer_list`], which all networks of the project share.

use candle_core::Result;
use striate::layer_list;

pub use striate::layer_list::{LayerSpec, MapShape, Nonlinearity, minimum_input};

/// What error messages call these networks.
pub(crate) const NETWORK: &str = "all-cnn";

/// Scalars in all weights and biases of `layers` on images of `in_channels` channels.
///
/// `usize::MAX` stands for every number that large or larger.
pub fn parameter_count(in_channels: usize, layers: &[LayerSpec]) -> usize {
    layer_list::convolution_parameters(in_channels, layers)
}

/// The shape (channels, height, width) after each layer, for one image of shape `input`.
///
/// # Errors
/// An image that is too small; the message names the layer and the smallest image that fits.
pub fn output_shapes(input: MapShape, layers: &[LayerSpec]) -> Result<Vec<MapShape>> {
    layer_list::output_shapes(NETWORK, input, layers)
}
