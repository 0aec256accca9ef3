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

pub use striate::init::state_dict::{KeyMap, Modules};

/// Loads the state dict in `path` (`.safetensors`, `.pt` or `.pth`) into the parameters of an [`AllConv`](crate::AllConv).
///
/// # Errors
/// Those of [`state_dict::load`].
pub fn load(parameters: &Parameters, path: impl AsRef<Path>, strictness: Match) -> Result<KeyMap> {
    load_as(parameters, path, strictness, &Modules::Automatic)
}

/// [`load`] with the order of the file's modules from the caller, for files whose names and shapes leave it open.
///
/// ```no_run
/// use allconv::candle_core::{DType, Device, Result};
/// use allconv::torch::{Modules, load_as};
/// use allconv::{AllConv, Config};
/// use striate::Parameters;
/// use striate::init::Match;
/// fn main() -> Result<()> {
///     let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
///     AllConv::new(&Config::all_cnn_a(), parameters.builder())?;
///     let modules = Modules::ordered(["stem", "pool1", "body", "pool2", "head", "mix", "classes"]);
///     load_as(&parameters, "port.safetensors", Match::Strict, &modules)?;
///     Ok(())
/// }
/// ```
///
/// # Errors
/// Those of [`state_dict::load_as`].
pub fn load_as(
    parameters: &Parameters,
    path: impl AsRef<Path>,
    strictness: Match,
    modules: &Modules,
) -> Result<KeyMap> {
    let convs = parameters.named().len() / 2;
    let layers: Vec<String> = (1..=convs).map(|i| format!("conv{i}")).collect();
    state_dict::load_as(parameters, &layers, path, strictness, modules)
}
