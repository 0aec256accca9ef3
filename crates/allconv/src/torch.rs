//! Weights of an equivalent PyTorch network.
//!
//! | state dict | here |
//! |:--|:--|
//! | first module with a `weight` | `conv1.weight`, `conv1.bias` |
//! | second module with a `weight` | `conv2.weight`, `conv2.bias` |
//! | .. | .. |
//!
//! See [`striate::init::state_dict`] for the order of the modules.
//! The file says nothing of strides, padding and pooling: choose the [`Config`](crate::Config) that matches the network.

use std::path::Path;

use candle_core::Result;
use striate::Parameters;
use striate::init::{Match, state_dict};

pub use striate::init::state_dict::KeyMap;

/// Loads the state dict in `path` (`.safetensors`, `.pt` or `.pth`) into the parameters of an [`AllConv`](crate::AllConv).
///
/// # Errors
/// Those of [`state_dict::load`].
pub fn load(parameters: &Parameters, path: impl AsRef<Path>, strictness: Match) -> Result<KeyMap> {
    let convs = parameters.named().len() / 2;
    let layers: Vec<String> = (1..=convs).map(|i| format!("conv{i}")).collect();
    state_dict::load(parameters, &layers, path, strictness)
}
