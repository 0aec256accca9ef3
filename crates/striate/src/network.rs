//! The convention that all models of this family share.
//!
//! A model is built by `Model::new(&config, vb)`, runs as a Candle `ModuleT`, and offers what the experiments need beyond that:
//! its clock, the names of its layers, and the activations after each of them.

use candle_core::{Result, Tensor};
use candle_nn::ModuleT;

use crate::rng::Clock;

/// A convolutional network.
///
/// # Convention
/// Tap names are the names of the layers in forward order, as [`Network::layer_names`] lists them.
/// `forward_t(xs, true)` ticks the clock once, after the masks of the step have been drawn;
/// every other forward pass leaves it alone.
pub trait Network: ModuleT {
    /// The clock that seeds the dropout masks.
    fn clock(&self) -> &Clock;

    /// Names of the layers whose output can be read, in forward order.
    fn layer_names(&self) -> Vec<String>;

    /// The maps before the global pooling, (N, C, H, W), in evaluation mode.
    ///
    /// # Errors
    /// Those of the layers: a wrong channel count, an input too small for a window.
    fn forward_features(&self, xs: &Tensor) -> Result<Tensor>;

    /// The output of the layer called `layer`, in evaluation mode.
    ///
    /// # Errors
    /// Those of the layers, and an unknown name; the message lists the known ones ([`unknown_layer`]).
    fn forward_to(&self, xs: &Tensor, layer: &str) -> Result<Tensor>;
}

/// The error of [`Network::forward_to`] for a name that the network does not have.
pub fn unknown_layer(layer: &str, known: &[String]) -> candle_core::Error {
    candle_core::Error::Msg(format!(
        "forward_to: no layer is called {layer:?}; the layers are {}",
        known.join(", ")
    ))
    .bt()
}
