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

use crate::layer::LayerSpec;
use crate::model::AllConv;

/// Loads the state dict in `path` (`.safetensors`, `.pt` or `.pth`) into the parameters of `network`.
///
/// # Errors
/// Those of [`state_dict::load`].
pub fn load(
    parameters: &Parameters,
    network: &AllConv,
    path: impl AsRef<Path>,
    strictness: Match,
) -> Result<KeyMap> {
    load_as(parameters, network, path, strictness, &Modules::Automatic)
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
///     let network = AllConv::new(&Config::all_cnn_a(), parameters.builder())?;
///     let modules = Modules::ordered(["stem", "pool1", "body", "pool2", "head", "mix", "classes"]);
///     load_as(&parameters, &network, "port.safetensors", Match::Strict, &modules)?;
///     Ok(())
/// }
/// ```
///
/// # Errors
/// Those of [`state_dict::load_as`].
pub fn load_as(
    parameters: &Parameters,
    network: &AllConv,
    path: impl AsRef<Path>,
    strictness: Match,
    modules: &Modules,
) -> Result<KeyMap> {
    state_dict::load_as(parameters, &layers(network), path, strictness, modules)
}

/// Writes the parameters of `network` as a state dict (`.pt`, `.pth` or `.safetensors`) that a PyTorch network reads,
/// whose modules have the names of our layers, such as `conv1`, unless `modules` says otherwise.
///
/// ```no_run
/// use allconv::candle_core::{DType, Device, Result};
/// use allconv::torch::{Modules, save};
/// use allconv::{AllConv, Config};
/// use striate::Parameters;
/// fn main() -> Result<()> {
///     let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
///     let network = AllConv::new(&Config::all_cnn_c(), parameters.builder())?;
///     let names = (1..=8).map(|i| format!("conv{i}")).chain(["class_conv".to_owned()]);
///     save(&parameters, &network, "all-cnn-c.pt", &Modules::ordered(names))
/// }
/// ```
///
/// # Errors
/// Those of [`state_dict::save`].
pub fn save(
    parameters: &Parameters,
    network: &AllConv,
    path: impl AsRef<Path>,
    modules: &Modules,
) -> Result<()> {
    state_dict::save(parameters, &layers(network), path, modules)
}

/// The layers with tensors in forward order.
fn layers(network: &AllConv) -> Vec<String> {
    let layers = network.layers().iter();
    let convs = layers.filter(|layer| matches!(layer, LayerSpec::Conv { .. }));
    convs.map(|conv| conv.name().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use candle_core::{DType, Device, safetensors};

    use super::*;
    use crate::{Config, Nonlinearity};

    /// The commonest port of All-CNN-C has `conv1` to `conv8`, then `class_conv`, which sorts first.
    #[test]
    fn the_common_port_is_read() -> Result<()> {
        let config = Config {
            width: 1.0 / 24.0,
            ..Config::all_cnn_c()
        };
        let source = Parameters::new(1, DType::F32, &Device::Cpu);
        AllConv::new(&config, source.builder())?;
        let renamed = |name: &str| name.replace("conv9", "class_conv");
        let named = source.named().into_iter();
        let file: HashMap<_, _> = named
            .map(|(name, var)| (renamed(&name), var.as_detached_tensor()))
            .collect();
        let path = std::env::temp_dir().join(format!("all-cnn-{}.safetensors", std::process::id()));
        safetensors::save(&file, &path)?;
        let parameters = Parameters::new(2, DType::F32, &Device::Cpu);
        let network = AllConv::new(&config, parameters.builder())?;
        let map = load(&parameters, &network, &path, Match::Strict);
        std::fs::remove_file(&path)?;
        assert_eq!(map?.loaded.len(), 18);
        for ((name, wanted), (_, got)) in source.named().iter().zip(parameters.named()) {
            let values = |tensor: &candle_core::Tensor| tensor.flatten_all()?.to_vec1::<f32>();
            assert_eq!(values(wanted)?, values(&got)?, "{name}");
        }
        Ok(())
    }

    /// The layers of a list have the names that the list gives them.
    #[test]
    fn layers_of_any_name_are_written_and_read() -> Result<()> {
        let layer = |name: &str, channels| LayerSpec::Conv {
            name: name.to_owned(),
            window: striate::Window2d::square(1),
            channels,
            nonlinearity: Nonlinearity::Relu,
        };
        let build = |seed| {
            let parameters = Parameters::new(seed, DType::F32, &Device::Cpu);
            let layers = vec![layer("stem", 2), layer("classes", 3)];
            let network = AllConv::from_layers(1, layers, parameters.builder())?;
            Ok::<_, candle_core::Error>((parameters, network))
        };
        let ((parameters, network), (others, other)) = (build(1)?, build(2)?);
        let path = std::env::temp_dir().join(format!("any-name-{}.pt", std::process::id()));
        save(&parameters, &network, &path, &Modules::Automatic)?;
        let map = load(&others, &other, &path, Match::Strict);
        std::fs::remove_file(&path)?;
        assert_eq!(map?.loaded.len(), 4);
        let values = |parameters: &Parameters| {
            let vars = parameters.all_vars().into_iter();
            vars.map(|var| var.flatten_all()?.to_vec1::<f32>())
                .collect::<Result<Vec<_>>>()
        };
        assert_eq!(values(&parameters)?, values(&others)?);
        Ok(())
    }
}
