//! State dicts of PyTorch networks, whose names differ from ours.
//!
//! A PyTorch `nn.Sequential` numbers its modules, so the keys of its state dict depend on where ReLUs, poolings and dropouts stand:
//! `0.weight`, `2.weight`, .. or `features.3.weight`, ..
//! What is left when they are counted is the order of the layers that have tensors, and this is what [`load`] uses.
//!
//! | file | order of its modules |
//! |:--|:--|
//! | `.pt`, `.pth` | that of the file, which is that of their definition |
//! | `.safetensors` | unknown: names that differ in their numbers alone (`conv1`, `conv2`) are sorted by these, the rest is left to the shapes |
//!
//! Where the order of a `.pt` file does not fit the shapes, it is treated like a `.safetensors` file.
//! Where the shapes leave more than one order, [`load_as`] takes the order or the pairs from the caller.
//! Where they leave none, as with a head of other classes, the names decide if all are names of layers;
//! otherwise the order of a `.pt` file or of numbers counts, and a `.safetensors` file without one needs [`load_as`].
//! Shapes must agree one by one.
//! The file says nothing of strides, padding and pooling: the network must be built to match.

mod file;
mod matching;
mod network;
mod pairing;
mod save;

use std::path::Path;

use candle_core::{Result, bail};

use super::file::fitting;
use super::{Match, Parameters};
use file::kind;
use network::{Network, side_by_side};
use pairing::pair;

pub use save::save;

/// What [`load`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyMap {
    /// Key in the file and the tensor it was loaded into.
    pub loaded: Vec<(String, String)>,
    /// Tensors of the network that got nothing.
    pub missing: Vec<String>,
    /// Keys of the file that were not used, with the reason.
    pub unused: Vec<(String, String)>,
}

/// Which module of a file belongs to which layer of the network; a module is what stands before the last dot of its keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Modules {
    /// What the file and the shapes say, see the [module documentation](self).
    #[default]
    Automatic,
    /// The modules in forward order.
    Ordered(Vec<String>),
    /// Pairs of a module and the layer that it belongs to.
    Named(Vec<(String, String)>),
}

impl Modules {
    /// The modules in forward order.
    pub fn ordered<S: Into<String>>(modules: impl IntoIterator<Item = S>) -> Self {
        Self::Ordered(modules.into_iter().map(Into::into).collect())
    }

    /// Pairs of a module and the layer that it belongs to.
    pub fn named<S: Into<String>>(pairs: impl IntoIterator<Item = (S, S)>) -> Self {
        let pairs = pairs.into_iter();
        Self::Named(pairs.map(|(a, b)| (a.into(), b.into())).collect())
    }
}

/// Loads the state dict in `path` (`.safetensors`, or `.pt` and `.pth` as written by `torch.save(net.state_dict(), path)`).
///
/// `layers` names the layers of the network in forward order: the first module of the file that has tensors goes to
/// `<layers[0]>.weight` and `<layers[0]>.bias`, the second to those of `layers[1]`, and so on.
/// Build the network first, so that `parameters` knows its tensors.
/// Nothing is changed unless everything that is to be loaded fits.
///
/// # Errors
/// A file that cannot be read, or that holds a number that is not finite; names that leave the order of the modules open;
/// under [`Match::Strict`], anything that does not fit, listed in the message.
/// Under [`Match::Partial`] what fits in the order of the modules is loaded, and the rest is in the result.
pub fn load(
    parameters: &Parameters,
    layers: &[String],
    path: impl AsRef<Path>,
    strictness: Match,
) -> Result<KeyMap> {
    load_as(parameters, layers, path, strictness, &Modules::Automatic)
}

/// [`load`] with the order of the modules, or with names, from the caller.
///
/// ```no_run
/// use striate::candle_core::{DType, Device, Result};
/// use striate::init::{Match, Parameters, state_dict};
/// fn main() -> Result<()> {
///     let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
///     let layers = ["conv1".to_string(), "conv2".to_string()];
///     let modules = state_dict::Modules::ordered(["stem", "head"]);
///     state_dict::load_as(&parameters, &layers, "port.safetensors", Match::Strict, &modules)?;
///     Ok(())
/// }
/// ```
///
/// # Errors
/// Those of [`load`]; a name that the file or the network does not have, or that is given twice.
pub fn load_as(
    parameters: &Parameters,
    layers: &[String],
    path: impl AsRef<Path>,
    strictness: Match,
    modules: &Modules,
) -> Result<KeyMap> {
    let path = path.as_ref();
    let network = Network::new(parameters, layers);
    let found = file::read(path)?;
    let pairs = pair(&network, &found, modules, path)?;
    let mut map = KeyMap::default();
    let mut updates = Vec::new();
    for (i, module) in found.iter().enumerate() {
        let layer = pairs.iter().find(|&&(_, module)| module == i);
        let layer = layer.map(|&(layer, _)| &network.layers[layer]);
        for (key, tensor) in &module.tensors {
            match layer.and_then(|layer| layer.tensor(kind(key))) {
                None => map.unused.push((
                    key.clone(),
                    "no tensor of the network is left for it".into(),
                )),
                Some((name, var)) if var.shape() != tensor.shape() => {
                    let reason = format!("shape {:?}, {name} has {:?}", tensor.dims(), var.dims());
                    map.unused.push((key.clone(), reason));
                }
                Some((name, var)) => {
                    map.loaded.push((key.clone(), name.clone()));
                    updates.push((var.clone(), fitting(tensor, var, key, path)?));
                }
            }
        }
    }
    let loaded = |name: &String| map.loaded.iter().any(|(_, loaded)| loaded == name);
    map.missing = network.names().filter(|name| !loaded(name)).collect();
    if strictness == Match::Strict && !(map.missing.is_empty() && map.unused.is_empty()) {
        let unused = map.unused.iter().map(|(key, why)| format!("{key} ({why})"));
        bail!(
            "{} does not fit the network: missing [{}], unused [{}]\n{}",
            path.display(),
            map.missing.join(", "),
            unused.collect::<Vec<_>>().join(", "),
            side_by_side(&network, &found)
        );
    }
    for (var, tensor) in updates {
        var.set(&tensor)?;
    }
    Ok(map)
}

#[cfg(test)]
mod tests;
