//! Pairs of a layer of the network and a module of the file.

use std::path::Path;

use candle_core::{Result, bail};

use super::Modules;
use super::file::Module;
use super::matching::{self, Found};
use super::network::{Layer, Network, side_by_side};

/// Pairs of (layer, module), by their indices.
pub(super) fn pair(
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
        // Of what is paired here, the caller lists what does not fit.
        Found::None => {
            let named = by_name(network, &names);
            if named.len() == count {
                Ok(named)
            } else if is_ordered || matching::differ_in_numbers_alone(&names) {
                Ok(in_order)
            } else {
                bail!(
                    "{}: no order of its modules fits the network, and not all of their names are names of its layers\n{}",
                    path.display(),
                    side_by_side(network, found)
                )
            }
        }
        Found::Several => bail!(
            "{}: names and shapes of its modules leave more than one order\n{}",
            path.display(),
            side_by_side(network, found)
        ),
    }
}

/// Pairs of a layer and the module that is called like it.
fn by_name(network: &Network, names: &[&str]) -> Vec<(usize, usize)> {
    let layers = network.layers.iter().enumerate();
    let pair = |(i, layer): (usize, &Layer)| {
        let module = names.iter().position(|name| *name == layer.name)?;
        Some((i, module))
    };
    layers.filter_map(pair).collect()
}
