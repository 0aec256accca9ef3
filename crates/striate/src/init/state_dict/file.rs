//! The tensors of a state dict, module by module.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use candle_core::{Device, Error, Result, Tensor, bail, safetensors};

use super::matching::natural;
use crate::init::torch_file;

/// The tensors of one module of a state dict.
pub(super) struct Module {
    /// What stands before the last dot of their keys.
    pub(super) prefix: String,
    /// Key and tensor.
    pub(super) tensors: Vec<(String, Tensor)>,
}

impl Module {
    /// `conv1 [96, 3, 3, 3] [96]`.
    pub(super) fn shown(&self) -> String {
        let shapes = self
            .tensors
            .iter()
            .map(|(_, tensor)| format!(" {:?}", tensor.dims()));
        format!("{}{}", self.prefix, shapes.collect::<String>())
    }
}

/// The modules of the file in `path`: in the order of the file if it has one (`.pt`), otherwise sorted by name (`.safetensors`).
pub(super) fn read(path: &Path) -> Result<Vec<Module>> {
    let describe = |error: Error| {
        Error::Msg(format!(
            "cannot read a state dict from {}: {error}",
            path.display()
        ))
    };
    let tensors = match path.extension().and_then(|e| e.to_str()) {
        Some("safetensors") => {
            let mut tensors: Vec<(String, Tensor)> = safetensors::load(path, &Device::Cpu)
                .map_err(describe)?
                .into_iter()
                .collect();
            tensors.sort_by(|(a, _), (b, _)| natural(a, b));
            tensors
        }
        Some("pt" | "pth") => {
            let file = File::open(path).map_err(|error| describe(error.into()))?;
            torch_file::read(file).map_err(describe)?
        }
        _ => bail!(
            "cannot read a state dict from {}: the name must end in .safetensors, .pt or .pth",
            path.display()
        ),
    };
    Ok(modules(tensors))
}

/// Groups tensors by the module they belong to, in the order of first appearance.
fn modules(tensors: Vec<(String, Tensor)>) -> Vec<Module> {
    let mut modules: Vec<Module> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (key, tensor) in tensors {
        let prefix = prefix(&key).to_string();
        let place = *places.entry(prefix.clone()).or_insert_with(|| {
            let tensors = Vec::new();
            modules.push(Module { prefix, tensors });
            modules.len() - 1
        });
        modules[place].tensors.push((key, tensor));
    }
    modules
}

/// What stands before the last dot of a name.
pub(super) fn prefix(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(prefix, _)| prefix)
}

/// What stands after the last dot of a name.
pub(super) fn kind(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, kind)| kind)
}
