//! State dicts for PyTorch networks.

use std::path::Path;

use candle_core::{Result, Tensor, bail};

use super::Modules;
use super::file::kind;
use super::network::Network;
use crate::init::file::{write_bytes, write_whole};
use crate::init::{Parameters, torch_file};

/// Writes the parameters as a state dict that a PyTorch network reads: the counterpart of [`load_as`](super::load_as).
///
/// A file `.pt` or `.pth` is for `net.load_state_dict(torch.load(path))`,
/// a file `.safetensors` for `net.load_state_dict(safetensors.torch.load_file(path))`.
/// `layers` names the layers of the network in forward order; `modules` says what the PyTorch network calls them:
/// the same names unless given.
/// Entries are in forward order, weights first, as PyTorch has them.
///
/// ```
/// use striate::candle_core::{DType, Device};
/// use striate::init::state_dict::{self, Modules};
/// use striate::init::{Match, Parameters};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("port.pt");
/// let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
/// parameters.builder().pp("conv1").get((8, 3, 3, 3), "weight")?;
/// let layers = ["conv1".to_string()];
/// let modules = Modules::ordered(["features.0"]);
/// state_dict::save(&parameters, &layers, &path, &modules)?;
/// let map = state_dict::load(&parameters, &layers, &path, Match::Strict)?;
/// assert_eq!(map.loaded[0].0, "features.0.weight");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Another ending of the name; modules that are not one for each layer; parameters of no layer;
/// a network that is neither in f32 nor in f64; a folder that cannot be written to.
pub fn save(
    parameters: &Parameters,
    layers: &[String],
    path: impl AsRef<Path>,
    modules: &Modules,
) -> Result<()> {
    let path = path.as_ref();
    let shown = path.display();
    let network = Network::new(parameters, layers);
    if let Some(other) = network.others.first() {
        bail!(
            "{shown}: {other} belongs to no layer of [{}], so PyTorch has no place for it",
            layers.join(", ")
        );
    }
    let names = names(layers, modules).map_err(|reason| {
        candle_core::Error::Msg(format!(
            "{shown}: {reason}; give one for each of [{}]",
            layers.join(", ")
        ))
    })?;
    let mut tensors: Vec<(String, Tensor)> = Vec::new();
    for (layer, module) in network.layers.iter().zip(&names) {
        // Sorted by name, a bias comes before its weight.
        for (name, var) in layer.tensors.iter().rev() {
            let key = match module.as_str() {
                "" => kind(name).to_owned(),
                module => format!("{module}.{}", kind(name)),
            };
            tensors.push((key, var.as_detached_tensor()));
        }
    }
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("safetensors") => write_whole(path, tensors, None),
        Some("pt" | "pth") => write_bytes(path, &torch_file::write(&tensors)?),
        _ => bail!("{shown}: the name of a state dict must end in .pt, .pth or .safetensors"),
    }
}

/// The module of each layer.
fn names(layers: &[String], modules: &Modules) -> std::result::Result<Vec<String>, String> {
    let names = match modules {
        Modules::Automatic => layers.to_vec(),
        Modules::Ordered(names) => names.clone(),
        Modules::Named(pairs) => {
            let module = |layer: &String| {
                let pair = pairs.iter().find(|(_, own)| own == layer);
                let pair = pair.ok_or_else(|| format!("the layer {layer} has no module"))?;
                Ok(pair.0.clone())
            };
            layers
                .iter()
                .map(module)
                .collect::<std::result::Result<_, String>>()?
        }
    };
    if names.len() != layers.len() {
        return Err(format!("there are {} modules", names.len()));
    }
    match names
        .iter()
        .enumerate()
        .find(|(at, name)| names[..*at].contains(name))
    {
        Some((_, twice)) => Err(format!("the module {twice:?} is there twice")),
        None => Ok(names),
    }
}
