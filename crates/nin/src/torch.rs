//! Weights of an equivalent PyTorch network.
//!
//! | state dict of the common port | here |
//! |:--|:--|
//! | `classifier.0.weight`, `classifier.0.bias` | `conv1.weight`, `conv1.bias` |
//! | `classifier.2.weight`, .. | `cccp1.weight`, .. |
//! | `classifier.4.weight`, .. | `cccp2.weight`, .. |
//! | `classifier.8.weight`, .. | `conv2.weight`, .. |
//! | .. | .. |
//!
//! Modules are matched by their order and their numbers do not matter, see [`striate::init::state_dict`];
//! so ports that place ReLUs, poolings and dropouts otherwise are read as well.
//! The file says nothing of the poolings: [`NinConfig::cifar10_pytorch_port`] has those of the common port.

use std::path::Path;

use candle_core::Result;
use striate::Parameters;
use striate::init::{Match, state_dict};
use striate::layer_list::LayerSpec;

pub use striate::init::state_dict::{KeyMap, Modules};

use crate::config::NinConfig;

/// Loads the state dict in `path` (`.safetensors`, `.pt` or `.pth`) into the parameters of the [`Nin`](crate::Nin) of `config`.
///
/// # Errors
/// Those of [`state_dict::load`].
pub fn load(
    parameters: &Parameters,
    config: &NinConfig,
    path: impl AsRef<Path>,
    strictness: Match,
) -> Result<KeyMap> {
    load_as(parameters, config, path, strictness, &Modules::Automatic)
}

/// [`load`] with the order of the file's modules from the caller, for files whose names and shapes leave it open.
///
/// # Errors
/// Those of [`state_dict::load_as`].
pub fn load_as(
    parameters: &Parameters,
    config: &NinConfig,
    path: impl AsRef<Path>,
    strictness: Match,
    modules: &Modules,
) -> Result<KeyMap> {
    state_dict::load_as(parameters, &layers(config), path, strictness, modules)
}

/// Writes the parameters of the [`Nin`](crate::Nin) of `config` as a state dict (`.pt`, `.pth` or `.safetensors`)
/// that a PyTorch network reads, whose modules have our names unless `modules` says otherwise.
///
/// # Errors
/// Those of [`state_dict::save`].
pub fn save(
    parameters: &Parameters,
    config: &NinConfig,
    path: impl AsRef<Path>,
    modules: &Modules,
) -> Result<()> {
    state_dict::save(parameters, &layers(config), path, modules)
}

/// The layers in forward order.
fn layers(config: &NinConfig) -> Vec<String> {
    let layers = config.layers();
    let convs = layers
        .iter()
        .filter(|layer| matches!(layer, LayerSpec::Conv { .. }));
    let convs = convs.map(|conv| conv.name().to_string());
    let dense = config.head.is_fully_connected().then(|| "fc".to_string());
    convs.chain(dense).collect()
}
