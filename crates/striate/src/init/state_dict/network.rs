//! The layers of the network that a file is loaded into.

use candle_core::{Tensor, Var};

use super::file::{Module, kind, prefix};
use crate::init::Parameters;

/// One layer of the network and its tensors.
pub(super) struct Layer {
    pub(super) name: String,
    pub(super) tensors: Vec<(String, Var)>,
}

impl Layer {
    pub(super) fn tensor(&self, wanted: &str) -> Option<&(String, Var)> {
        self.tensors.iter().find(|(name, _)| kind(name) == wanted)
    }

    /// Whether the module has tensors of the same kinds and shapes.
    pub(super) fn fits(&self, module: &Module) -> bool {
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
pub(super) struct Network {
    pub(super) layers: Vec<Layer>,
    pub(super) others: Vec<String>,
}

impl Network {
    pub(super) fn new(parameters: &Parameters, layers: &[String]) -> Self {
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

    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        let own = self.layers.iter().flat_map(|layer| &layer.tensors);
        let own = own.map(|(name, _)| name.clone());
        own.chain(self.others.iter().cloned())
    }
}

/// Layers and modules beside each other, and the line that says how they belong together.
pub(super) fn side_by_side(network: &Network, found: &[Module]) -> String {
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
        "build the network that the file belongs to, or put those of its modules that the network has into forward order for load_as:\n  \
         Modules::ordered({names:?})\n\
         with Match::Partial, what fits in that order is loaded"
    ));
    text
}
