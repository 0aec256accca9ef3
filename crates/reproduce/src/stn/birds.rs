//! The networks of section 4.3 as models to train: All-CNN-B as the describing network, alone or behind parallel transformers.

use std::path::PathBuf;

use allconv::layer::output_shapes;
use allconv::{AllConv, ImageNetConfig, LayerSpec};
use anyhow::Result;
use candle_core::{Device, Result as CandleResult, Tensor, bail, safetensors};
use candle_nn::{Module, VarBuilder};
use serde::Serialize;
use stn::networks::{PartsConfig, PartsNet};
use stn::{FcLocalisation, LocalisationNet};
use striate::layers::Conv2d;
use striate::{Activation, Conv2dOptions, Network, Parameters, global_avg_pool, layers};

use crate::model::{Described, Model};

/// Maps and units between the localisation net's backbone and the centers of the windows (appendix A.6).
const REDUCED: usize = 128;
/// Prefix of the localisation net's tensors.
const LOCALISATION: &str = "st";
const TRUNK: &str = "trunk";

/// A network for birds.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Birds {
    /// Parallel transformers; none: the whole picture is described once.
    pub(super) parts: usize,
    /// Side of what is described.
    pub(super) crop: usize,
    /// Kinds of birds.
    pub(super) classes: usize,
    /// The describing network; its classes are not used.
    pub(super) backbone: ImageNetConfig,
    /// Its weights, those of `allconv/imagenet`; `None`: drawn.
    pub(super) weights: Option<PathBuf>,
    /// Their digest: other weights in the same file make another run.
    pub(super) weights_sha256: Option<String>,
}

impl Birds {
    /// The layers in front of the class maps, and the shape of what comes out of them.
    fn trunk(&self) -> CandleResult<(Vec<LayerSpec>, (usize, usize, usize))> {
        let mut layers = self.backbone.layers();
        layers.pop();
        let input = (self.backbone.in_channels, self.crop, self.crop);
        match output_shapes(input, &layers)?.last() {
            Some(&shape) => Ok((layers, shape)),
            None => bail!("birds: the backbone has no layers"),
        }
    }

    fn describing(&self, vb: VarBuilder) -> CandleResult<Trunk> {
        let (layers, _) = self.trunk()?;
        Ok(Trunk(AllConv::from_layers(
            self.backbone.in_channels,
            layers,
            vb,
        )?))
    }

    /// The network with weights that were drawn.
    fn draw(&self, vb: VarBuilder) -> CandleResult<Box<dyn Network>> {
        if self.parts == 0 {
            let config = ImageNetConfig {
                classes: self.classes,
                ..self.backbone.clone()
            };
            return Ok(Box::new(AllConv::imagenet(&config, vb.pp(TRUNK))?));
        }
        let (_, (descriptors, h, w)) = self.trunk()?;
        let config = PartsConfig {
            crop: self.crop,
            classes: self.classes,
            ..PartsConfig::birds(self.parts, descriptors)
        };
        let start = PartsNet::<Finder, Trunk>::start(self.parts)?;
        let st = vb.pp(LOCALISATION);
        let options = Conv2dOptions {
            activation: Activation::Relu,
            ..Default::default()
        };
        let finder = Finder {
            trunk: self.describing(st.pp(TRUNK))?,
            reduce: layers::conv2d(descriptors, REDUCED, 1, options, st.pp("reduce"))?,
            net: FcLocalisation::new(REDUCED * h * w, &[REDUCED], &start, st)?,
        };
        let trunks = (1..=self.parts).map(|part| self.describing(vb.pp(format!("{TRUNK}{part}"))));
        let trunks = trunks.collect::<CandleResult<Vec<_>>>()?;
        Ok(Box::new(PartsNet::new(&config, finder, trunks, vb)?))
    }

    /// Puts the backbone's weights into every trunk. Class maps are left as they are: they are of other classes.
    fn fill(&self, path: &PathBuf, parameters: &Parameters) -> CandleResult<()> {
        let file = safetensors::load(path, &Device::Cpu).map_err(|error| {
            candle_core::Error::Msg(format!(
                "birds: cannot read the backbone {} ({error}); put there the weights.safetensors that allconv/imagenet leaves",
                path.display()
            ))
        })?;
        let class_maps = self.backbone.layers().pop();
        let class_maps = class_maps.map_or(String::new(), |layer| layer.name().to_owned());
        for (name, var) in parameters.named() {
            let Some(of_file) = in_file(&name).filter(|name| !name.starts_with(&class_maps)) else {
                continue;
            };
            let tensor = file.get(of_file).filter(|t| t.shape() == var.shape());
            let Some(tensor) = tensor else {
                bail!(
                    "birds: {} has no tensor {of_file} of shape {:?}; put there the weights.safetensors that allconv/imagenet leaves",
                    path.display(),
                    var.shape()
                );
            };
            var.set(&tensor.to_dtype(var.dtype())?.to_device(var.device())?)?;
        }
        Ok(())
    }
}

/// The name in the backbone's file of a tensor of a trunk: what follows `trunk`, `trunk2` or `st.trunk`.
fn in_file(name: &str) -> Option<&str> {
    let (place, rest) = name.strip_prefix("st.").unwrap_or(name).split_once('.')?;
    let number = place.strip_prefix(TRUNK)?;
    number.chars().all(|c| c.is_ascii_digit()).then_some(rest)
}

impl Model for Birds {
    fn build(&self, parameters: &Parameters) -> CandleResult<Box<dyn Network>> {
        let network = self.draw(parameters.builder())?;
        if let Some(path) = &self.weights {
            self.fill(path, parameters)?;
        }
        Ok(network)
    }

    fn settings(&self) -> Result<toml::Table> {
        Ok(toml::Table::try_from(self)?)
    }

    // The backbone is the experiment's own, so no crate could build it.
    fn described(&self) -> CandleResult<Option<Described>> {
        Ok(None)
    }
}

/// A describing network: the averages of its last maps.
#[derive(Clone, Debug)]
struct Trunk(AllConv);

impl Trunk {
    fn maps(&self, xs: &Tensor) -> CandleResult<Tensor> {
        self.0.forward_features(xs)
    }
}

impl Module for Trunk {
    fn forward(&self, xs: &Tensor) -> CandleResult<Tensor> {
        global_avg_pool(&self.maps(xs)?)
    }
}

/// Where to look: a trunk, a 1x1 convolution and a fully connected layer, shared by all windows (appendix A.6, from memory).
#[derive(Clone, Debug)]
struct Finder {
    trunk: Trunk,
    reduce: Conv2d,
    net: FcLocalisation,
}

impl LocalisationNet for Finder {
    fn parameter_count(&self) -> usize {
        self.net.parameter_count()
    }

    fn theta(&self, xs: &Tensor) -> CandleResult<Tensor> {
        self.net.theta(&self.reduce.forward(&self.trunk.maps(xs)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::DType;

    fn birds(parts: usize, weights: Option<PathBuf>) -> Birds {
        Birds {
            parts,
            crop: 96,
            classes: 5,
            backbone: ImageNetConfig {
                width: 1.0 / 24.0,
                image_size: (96, 96),
                ..ImageNetConfig::ilsvrc2012()
            },
            weights,
            weights_sha256: None,
        }
    }

    fn parameters(seed: u64) -> Parameters {
        Parameters::new(seed, DType::F32, &Device::Cpu)
    }

    #[test]
    fn every_trunk_gets_the_weights_of_the_file() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("backbone.safetensors");
        let trained = parameters(1);
        AllConv::imagenet(&birds(0, None).backbone, trained.builder())?;
        trained.save(&path)?;
        let wanted = trained
            .named()
            .into_iter()
            .find(|(name, _)| name == "conv11.weight");
        let wanted = wanted
            .expect("a tensor")
            .1
            .flatten_all()?
            .to_vec1::<f32>()?;
        for (parts, copies) in [(0, 1), (2, 3), (4, 5)] {
            let own = parameters(2);
            let network = birds(parts, Some(path.clone())).build(&own)?;
            let xs = Tensor::ones((1, 3, 120, 120), DType::F32, &Device::Cpu)?;
            assert_eq!(
                network.forward_t(&xs, true)?.dims(),
                [1, 5],
                "{parts} parts"
            );
            let mut found = 0;
            for (name, var) in own.named() {
                if name.ends_with("conv11.weight") {
                    assert_eq!(var.flatten_all()?.to_vec1::<f32>()?, wanted, "{name}");
                    found += 1;
                }
            }
            assert_eq!(found, copies, "{parts} parts");
        }
        Ok(())
    }

    #[test]
    fn errors() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("backbone.safetensors");
        let message = |birds: Birds| match birds.build(&parameters(1)) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        };
        let text = message(birds(2, Some(path.clone())));
        assert!(
            text.contains("cannot read the backbone") && text.contains("allconv/imagenet"),
            "{text}"
        );
        let other = parameters(1);
        let config = ImageNetConfig {
            width: 1.0 / 12.0,
            ..birds(0, None).backbone
        };
        AllConv::imagenet(&config, other.builder())?;
        other.save(&path)?;
        let text = message(birds(2, Some(path)));
        assert!(
            text.contains("has no tensor conv1.") && text.contains("of shape"),
            "{text}"
        );
        Ok(())
    }

    #[test]
    fn tensors_of_trunks() {
        for (name, wanted) in [
            ("trunk.conv1.weight", Some("conv1.weight")),
            ("trunk2.conv1.bias", Some("conv1.bias")),
            ("st.trunk.conv3.bias", Some("conv3.bias")),
            ("st.fc1.weight", None),
            ("head.weight", None),
            ("trunks.conv1.weight", None),
        ] {
            assert_eq!(in_file(name), wanted, "{name}");
        }
    }
}
