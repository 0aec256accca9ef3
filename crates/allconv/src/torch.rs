//! Weights of an equivalent PyTorch network.
//!
//! A PyTorch `nn.Sequential` numbers its modules, so the keys of its state dict depend on where ReLUs, poolings and dropouts stand:
//! `0.weight`, `2.weight`, .. or `features.3.weight`, ..
//! What is left when they are counted is the order of the convolutions, and this is what the map uses:
//!
//! | state dict | here |
//! |:--|:--|
//! | first module with a `weight` | `conv1.weight`, `conv1.bias` |
//! | second module with a `weight` | `conv2.weight`, `conv2.bias` |
//! | .. | .. |
//!
//! Neither kind of file keeps the order of the modules, so they are sorted by name, numbers by value (`features.10` after `features.9`).
//! A network whose modules have names in another order than the data flows needs its keys renamed first.
//! Shapes must agree one by one.
//! The file says nothing of strides, padding and pooling: choose the [`Config`](crate::Config) that matches the network.

use std::cmp::Ordering;
use std::path::Path;

use candle_core::{Device, Error, Result, Tensor, bail, pickle, safetensors};
use striate::Parameters;
use striate::init::Match;

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

/// Loads the state dict in `path` (`.safetensors`, or `.pt` and `.pth` as written by `torch.save(net.state_dict(), path)`).
///
/// Build the network first, so that `parameters` knows its tensors.
/// Nothing is changed unless everything that is to be loaded fits.
///
/// # Errors
/// A file that cannot be read; under [`Match::Strict`], anything that does not fit, listed in the message.
/// Under [`Match::Partial`] what fits is loaded, and the rest is in the result.
pub fn load(parameters: &Parameters, path: impl AsRef<Path>, strictness: Match) -> Result<KeyMap> {
    let path = path.as_ref();
    let modules = modules(read(path)?);
    let wanted = wanted(parameters);
    let mut map = KeyMap::default();
    let mut updates = Vec::new();
    for (i, module) in modules.iter().enumerate() {
        for (key, tensor) in &module.tensors {
            let kind = key.rsplit('.').next().unwrap_or(key);
            let target = wanted.get(i).and_then(|layer| {
                layer
                    .iter()
                    .find(|(name, _)| name.rsplit('.').next() == Some(kind))
            });
            match target {
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
                    let tensor = tensor.to_dtype(var.dtype())?.to_device(var.device())?;
                    updates.push((var.clone(), tensor));
                }
            }
        }
    }
    let names = wanted.iter().flatten().map(|(name, _)| name);
    map.missing = names
        .filter(|name| map.loaded.iter().all(|(_, loaded)| loaded != *name))
        .cloned()
        .collect();
    if strictness == Match::Strict && !(map.missing.is_empty() && map.unused.is_empty()) {
        let unused: Vec<String> = map
            .unused
            .iter()
            .map(|(key, why)| format!("{key} ({why})"))
            .collect();
        bail!(
            "{} does not fit the network: missing [{}], unused [{}]; choose the config that matches the file, or Match::Partial",
            path.display(),
            map.missing.join(", "),
            unused.join(", ")
        );
    }
    for (var, tensor) in updates {
        var.set(&tensor)?;
    }
    Ok(map)
}

/// Tensors of one module of the state dict.
struct Module {
    prefix: String,
    tensors: Vec<(String, Tensor)>,
}

type Named<T> = Vec<(String, T)>;

fn read(path: &Path) -> Result<Named<Tensor>> {
    let describe = |error: Error| {
        Error::Msg(format!(
            "cannot read a state dict from {}: {error}",
            path.display()
        ))
    };
    let mut tensors: Named<Tensor> = match path.extension().and_then(|e| e.to_str()) {
        Some("safetensors") => safetensors::load(path, &Device::Cpu)
            .map_err(describe)?
            .into_iter()
            .collect(),
        Some("pt" | "pth") => pickle::read_all(path).map_err(describe)?,
        _ => bail!(
            "cannot read a state dict from {}: the name must end in .safetensors, .pt or .pth",
            path.display()
        ),
    };
    tensors.sort_by(|(a, _), (b, _)| natural(a, b));
    Ok(tensors)
}

/// Groups tensors by the module they belong to, in the order of first appearance.
fn modules(tensors: Named<Tensor>) -> Vec<Module> {
    let mut modules: Vec<Module> = Vec::new();
    for (key, tensor) in tensors {
        let prefix = key
            .rsplit_once('.')
            .map_or("", |(prefix, _)| prefix)
            .to_string();
        match modules.iter_mut().find(|module| module.prefix == prefix) {
            Some(module) => module.tensors.push((key, tensor)),
            None => modules.push(Module {
                prefix,
                tensors: vec![(key, tensor)],
            }),
        }
    }
    modules
}

/// The network's tensors, one group a layer, in forward order.
fn wanted(parameters: &Parameters) -> Vec<Named<candle_core::Var>> {
    let mut named = parameters.named();
    named.sort_by(|(a, _), (b, _)| natural(a, b));
    let mut layers: Vec<Named<candle_core::Var>> = Vec::new();
    let prefix = |name: &str| {
        name.rsplit_once('.')
            .map_or(String::new(), |(p, _)| p.to_string())
    };
    for (name, var) in named {
        match layers.last_mut() {
            Some(layer) if prefix(&layer[0].0) == prefix(&name) => layer.push((name, var)),
            _ => layers.push(vec![(name, var)]),
        }
    }
    layers
}

/// Order of two names in which runs of digits count as numbers.
fn natural(a: &str, b: &str) -> Ordering {
    let key = |name: &str| {
        let mut parts: Vec<(u64, String)> = Vec::new();
        let mut rest = name;
        while !rest.is_empty() {
            let digits = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            let end = if digits > 0 {
                digits
            } else {
                rest.find(|c: char| c.is_ascii_digit())
                    .unwrap_or(rest.len())
            };
            let (part, tail) = rest.split_at(end);
            // Text sorts after numbers and among itself by content.
            parts.push((part.parse().unwrap_or(u64::MAX), part.to_string()));
            rest = tail;
        }
        parts
    };
    key(a).cmp(&key(b)).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sort_by_value() {
        let mut names = [
            "features.10.weight",
            "features.9.weight",
            "features.9.bias",
            "conv2.weight",
        ];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(
            names,
            [
                "conv2.weight",
                "features.9.bias",
                "features.9.weight",
                "features.10.weight"
            ]
        );
    }
}
