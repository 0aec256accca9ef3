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
//! Shapes must agree one by one.
//! The file says nothing of strides, padding and pooling: the network must be built to match.

mod file;
mod matching;

use std::path::Path;

use candle_core::{Result, Tensor, Var, bail};

use super::file::fitting;
use super::{Match, Parameters};
use file::{Module, kind, prefix};
use matching::Found;

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
/// Under [`Match::Partial`] what fits is loaded, and the rest is in the result.
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

/// One layer of the network and its tensors.
struct Layer {
    name: String,
    tensors: Vec<(String, Var)>,
}

impl Layer {
    fn tensor(&self, wanted: &str) -> Option<&(String, Var)> {
        self.tensors.iter().find(|(name, _)| kind(name) == wanted)
    }

    /// Whether the module has tensors of the same kinds and shapes.
    fn fits(&self, module: &Module) -> bool {
        let same = |(key, tensor): &(String, Tensor)| {
            let own = self.tensor(kind(key));
            own.is_some_and(|(_, var)| var.shape() == tensor.shape())
        };
        self.tensors.len() == module.tensors.len() && module.tensors.iter().all(same)
    }

    /// `conv1 [96, 3, 3, 3] [96]`, weights first as in PyTorch's files.
    fn shown(&self) -> String {
        let shapes = self.tensors.iter().rev();
        let shapes = shapes.map(|(_, var)| format!(" {:?}", var.dims()));
        format!("{}{}", self.name, shapes.collect::<String>())
    }
}

/// The tensors of a network: those of its layers in forward order, and others.
struct Network {
    layers: Vec<Layer>,
    others: Vec<String>,
}

impl Network {
    fn new(parameters: &Parameters, layers: &[String]) -> Self {
        let named = parameters.named();
        let of = |layer: &String| Layer {
            name: layer.clone(),
            tensors: named
                .iter()
                .filter(|(name, _)| prefix(name) == layer)
                .cloned()
                .collect(),
        };
        let known = |name: &String| layers.iter().any(|layer| layer == prefix(name));
        let others = named.iter().map(|(name, _)| name.clone());
        Self {
            layers: layers.iter().map(of).collect(),
            others: others.filter(|name| !known(name)).collect(),
        }
    }

    fn names(&self) -> impl Iterator<Item = String> {
        let own = self.layers.iter().flat_map(|layer| &layer.tensors);
        let own = own.map(|(name, _)| name.clone());
        own.chain(self.others.iter().cloned())
    }
}

/// Pairs of (layer, module), by their indices.
fn pair(
    network: &Network,
    found: &[Module],
    modules: &Modules,
    path: &Path,
) -> Result<Vec<(usize, usize)>> {
    let module = |name: &String| match found.iter().position(|module| module.prefix == *name) {
        Some(index) => Ok(index),
        None => bail!(
            "{}: no module is called {name:?}\n{}",
            path.display(),
            side_by_side(network, found)
        ),
    };
    let layer = |name: &String| match network.layers.iter().position(|layer| layer.name == *name) {
        Some(index) => Ok(index),
        None => bail!(
            "{}: no layer of the network is called {name:?}\n{}",
            path.display(),
            side_by_side(network, found)
        ),
    };
    let pairs: Vec<(usize, usize)> = match modules {
        Modules::Automatic => return automatic(network, found, path),
        Modules::Ordered(names) => {
            let indices = names.iter().map(module).enumerate();
            indices
                .map(|(i, module)| Ok((i, module?)))
                .collect::<Result<_>>()?
        }
        Modules::Named(pairs) => pairs
            .iter()
            .map(|(name, of)| Ok((layer(of)?, module(name)?)))
            .collect::<Result<_>>()?,
    };
    for (i, (layer, module)) in pairs.iter().enumerate() {
        if pairs[..i].iter().any(|(l, m)| l == layer || m == module) {
            bail!(
                "{}: module {:?} or the layer for it is named twice",
                path.display(),
                found[*module].prefix
            );
        }
        if *layer >= network.layers.len() {
            bail!(
                "{}: {} modules are named, the network has {} layers with tensors",
                path.display(),
                pairs.len(),
                network.layers.len()
            );
        }
    }
    Ok(pairs)
}

fn automatic(network: &Network, found: &[Module], path: &Path) -> Result<Vec<(usize, usize)>> {
    let fits = |layer: usize, module: usize| network.layers[layer].fits(&found[module]);
    let count = network.layers.len().min(found.len());
    let in_order = (0..count).map(|i| (i, i)).collect();
    let is_ordered = path.extension().is_some_and(|e| e != "safetensors");
    let all_fit = found.len() == network.layers.len() && (0..count).all(|i| fits(i, i));
    if is_ordered && all_fit {
        return Ok(in_order);
    }
    let names: Vec<&str> = found.iter().map(|module| module.prefix.as_str()).collect();
    match matching::order(network.layers.len(), &names, fits) {
        Found::One(order) => Ok(order.into_iter().enumerate().collect()),
        // What does not fit is listed by the caller.
        Found::None => Ok(in_order),
        Found::Several => bail!(
            "{}: names and shapes of its modules leave more than one order\n{}",
            path.display(),
            side_by_side(network, found)
        ),
    }
}

/// Layers and modules beside each other, and the line that says how they belong together.
fn side_by_side(network: &Network, found: &[Module]) -> String {
    let layers: Vec<String> = network.layers.iter().map(Layer::shown).collect();
    let modules: Vec<String> = found.iter().map(Module::shown).collect();
    let width = layers
        .iter()
        .map(String::len)
        .max()
        .unwrap_or(0)
        .max("network".len());
    let mut text = format!("  {:width$}  file\n", "network");
    for i in 0..layers.len().max(modules.len()) {
        let cell = |list: &[String]| list.get(i).cloned().unwrap_or_default();
        let line = format!("  {:width$}  {}", cell(&layers), cell(&modules));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    let names: Vec<&str> = found.iter().map(|module| module.prefix.as_str()).collect();
    text.push_str(&format!(
        "build the network that the file belongs to, give the modules in forward order with load_as and\n  \
         Modules::ordered({names:?})\n\
         or load what fits with Match::Partial"
    ));
    text
}

#[cfg(test)]
mod tests;
