//! State dicts of PyTorch networks, matched by the order of their layers.
//!
//! A PyTorch `nn.Sequential` numbers its modules, so the keys of its state dict depend on where ReLUs, poolings and dropouts stand:
//! `0.weight`, `2.weight`, .. or `features.3.weight`, ..
//! What is left when they are counted is the order of the layers that have tensors, and this is what [`load`] uses.
//!
//! Neither kind of file keeps the order of the modules, so they are sorted by name, numbers by value (`features.10` after `features.9`).
//! A network whose modules have names in another order than the data flows needs its keys renamed first.
//! Shapes must agree one by one.
//! The file says nothing of strides, padding and pooling: the network must be built to match.

use std::cmp::Ordering;
use std::path::Path;

use candle_core::{Device, Error, Result, Tensor, Var, bail, pickle, safetensors};

use super::{Match, Parameters};

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
/// `layers` names the layers of the network in forward order: the first module of the file that has tensors goes to
/// `<layers[0]>.weight` and `<layers[0]>.bias`, the second to those of `layers[1]`, and so on.
/// Build the network first, so that `parameters` knows its tensors.
/// Nothing is changed unless everything that is to be loaded fits.
///
/// # Errors
/// A file that cannot be read; under [`Match::Strict`], anything that does not fit, listed in the message.
/// Under [`Match::Partial`] what fits is loaded, and the rest is in the result.
pub fn load(
    parameters: &Parameters,
    layers: &[String],
    path: impl AsRef<Path>,
    strictness: Match,
) -> Result<KeyMap> {
    let path = path.as_ref();
    let modules = modules(read(path)?);
    let wanted = wanted(parameters, layers);
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
    let known = |name: &String| layers.iter().any(|layer| layer == prefix(name));
    let others = parameters.named().into_iter().map(|(name, _)| name);
    map.missing.extend(others.filter(|name| !known(name)));
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
        let prefix = prefix(&key).to_string();
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

/// The network's tensors, one group for each of `layers`.
fn wanted(parameters: &Parameters, layers: &[String]) -> Vec<Named<Var>> {
    let named = parameters.named();
    let of = |layer: &String| -> Named<Var> {
        let own = named.iter().filter(|(name, _)| prefix(name) == layer);
        own.cloned().collect()
    };
    layers.iter().map(of).collect()
}

/// What stands before the last dot of a name.
fn prefix(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(prefix, _)| prefix)
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
    use std::collections::HashMap;

    use candle_core::DType;

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

    fn network() -> Result<Parameters> {
        let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
        let vb = parameters.builder();
        for (name, size) in [("conv", 2), ("a", 3)] {
            vb.pp(name).get(size, "weight")?;
            vb.pp(name).get(size, "bias")?;
        }
        Ok(parameters)
    }

    fn file(name: &str, tensors: &[(&str, f32, usize)]) -> Result<std::path::PathBuf> {
        let path = std::env::temp_dir().join(format!("striate-{}-{name}", std::process::id()));
        let full = |&(name, value, n): &(&str, f32, usize)| {
            Ok((name.to_string(), Tensor::full(value, n, &Device::Cpu)?))
        };
        let map: Result<HashMap<String, Tensor>> = tensors.iter().map(full).collect();
        safetensors::save(&map?, &path)?;
        Ok(path)
    }

    #[test]
    fn layers_are_matched_by_order_not_by_name() -> Result<()> {
        let parameters = network()?;
        let path = file(
            "order.safetensors",
            &[
                ("seq.10.weight", 3.0, 3),
                ("seq.10.bias", 4.0, 3),
                ("seq.9.weight", 1.0, 2),
                ("seq.9.bias", 2.0, 2),
            ],
        )?;
        let layers = ["conv".to_string(), "a".to_string()];
        let map = load(&parameters, &layers, &path, Match::Strict)?;
        std::fs::remove_file(path)?;
        assert_eq!((map.loaded.len(), map.missing.len()), (4, 0));
        let values: Vec<f32> = parameters
            .named()
            .iter()
            .map(|(_, var)| var.max_all()?.to_scalar::<f32>())
            .collect::<Result<_>>()?;
        // By name: a.bias, a.weight, conv.bias, conv.weight.
        assert_eq!(values, [4.0, 3.0, 2.0, 1.0]);
        Ok(())
    }

    #[test]
    fn errors() -> Result<()> {
        let parameters = network()?;
        let before = parameters.named()[1].1.copy()?;
        let path = file(
            "errors.safetensors",
            &[("0.weight", 1.0, 5), ("1.weight", 9.0, 3)],
        )?;
        let layers = ["conv".to_string(), "a".to_string()];
        let message = match load(&parameters, &layers, &path, Match::Strict) {
            Ok(map) => panic!("accepted: {map:?}"),
            Err(error) => error.to_string(),
        };
        assert!(
            message.contains("0.weight (shape [5], conv.weight has [2])"),
            "{message}"
        );
        assert!(message.contains("a.bias"), "{message}");
        // Nothing was loaded.
        let after = parameters.named()[1].1.copy()?;
        assert_eq!(before.to_vec1::<f32>()?, after.to_vec1::<f32>()?);
        let map = load(&parameters, &layers[..1], &path, Match::Partial)?;
        std::fs::remove_file(path)?;
        assert_eq!(
            map.missing,
            ["conv.bias", "conv.weight", "a.bias", "a.weight"]
        );
        let none = load(&parameters, &layers, "weights.onnx", Match::Strict);
        assert!(none.is_err_and(|error| error.to_string().contains(".safetensors, .pt or .pth")));
        Ok(())
    }
}
