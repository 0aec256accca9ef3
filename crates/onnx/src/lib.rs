//! ONNX files of the networks of `allconv`, `nin`, `stn` and `swwae`, for runtimes in other languages and on other machines.
//!
//! [`save`] reads a model file and writes its network for inference: dropout and what else serves training alone are left out.
//!
#![doc = include_str!("../README.md")]

mod graph;
mod layers;
mod networks;
mod preprocessing;
mod proto;

use std::path::Path;

use allconv::{Config, ImageNetConfig, LargeConfig};
use candle_core::{Device, Error, Result, bail};
use nin::{NinConfig, PlainCnnConfig};
use serde::Serialize;
use stn::networks::DigitConfig;
use striate::init::write_bytes;
use striate::model_file::{FileConfig, ModelFile, Pretrained};
use swwae::{ConvnetConfig, SwwaeConfig};

use graph::Graph;
use layers::Maps;
use networks::Exported;

/// What the network of an ONNX file takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Input {
    /// `pixels`, f32 (N, C, H, W) from 0 to 255: the preprocessing is part of the file, a whitening matrix included.
    #[default]
    Pixels,
    /// `normalized`, f32 (N, C, H, W): what the preprocessing of the model file gives.
    Normalized,
}

/// The ONNX file of the network in a model file.
///
/// # Errors
/// A model file that gives no network, and a network that cannot be written; see the [crate's documentation](crate).
///
/// ```
/// use striate::ModelFile;
/// use striate_onnx::{Input, to_onnx};
/// let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/nin-mnist.safetensors");
/// let bytes = to_onnx(&ModelFile::open(path)?, Input::Pixels)?;
/// assert!(!bytes.is_empty());
/// # Ok::<(), candle_core::Error>(())
/// ```
pub fn to_onnx(file: &ModelFile, input: Input) -> Result<Vec<u8>> {
    match file.card().network.as_str() {
        Config::NAME => written::<Config>(file, input),
        LargeConfig::NAME => written::<LargeConfig>(file, input),
        ImageNetConfig::NAME => written::<ImageNetConfig>(file, input),
        NinConfig::NAME => written::<NinConfig>(file, input),
        PlainCnnConfig::NAME => written::<PlainCnnConfig>(file, input),
        DigitConfig::NAME => written::<DigitConfig>(file, input),
        SwwaeConfig::NAME => written::<SwwaeConfig>(file, input),
        ConvnetConfig::NAME => written::<ConvnetConfig>(file, input),
        other => bail!("onnx: a network of {other} is not supported"),
    }
}

/// Writes the network in the model file `from` to the ONNX file `to`.
///
/// # Errors
/// Those of [`ModelFile::open`] and [`to_onnx`]; a folder that does not exist or cannot be written to.
pub fn save(from: impl AsRef<Path>, to: impl AsRef<Path>, input: Input) -> Result<()> {
    // Whole or not at all.
    write_bytes(to.as_ref(), &to_onnx(&ModelFile::open(from)?, input)?)
}

fn written<C: FileConfig + Exported>(file: &ModelFile, input: Input) -> Result<Vec<u8>> {
    let model = file.build::<C>(&Device::Cpu)?;
    let config: C = serde_json::from_str(&model.card.config).map_err(Error::wrap)?;
    bytes_of(&config, &model, input)
}

fn bytes_of<C: FileConfig + Exported>(
    config: &C,
    model: &Pretrained<C::Network>,
    input: Input,
) -> Result<Vec<u8>> {
    let card = &model.card;
    let mut graph = Graph::new(C::NAME, &model.parameters);
    let (c, h, w) = config.image_shape();
    let name = match input {
        Input::Normalized => graph.input("normalized", &[c, h, w])?,
        Input::Pixels => {
            let (c, h, w) = model.picture_shape();
            let pixels = graph.input("pixels", &[c, h, w])?;
            let whitening = model.whitening();
            graph.preprocessed(&card.preprocessing, whitening, &pixels, (c, h, w))?
        }
    };
    let shape = (c, h, w);
    config.nodes(&mut graph, Maps { name, shape })?;
    graph.finish(vec![
        ("classes", json(&card.classes)?),
        ("data_set", card.data_set.clone()),
        ("license", card.license.clone()),
        ("measured", json(&card.measured)?),
    ])
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(Error::wrap)
}

#[cfg(test)]
mod tests;
