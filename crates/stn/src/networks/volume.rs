//! Classification of a volume by its projection: 3-D transformer, sum along the depth, picture classifier (appendix A.3).

use candle_core::{Result, Tensor, bail};
use candle_nn::{Module, ModuleT, VarBuilder};
use serde::{Deserialize, Serialize};
use striate::network::unknown_layer;
use striate::{Clock, Network};

use super::classifier::{Body, Classifier};
use crate::grid::{AffineGrid3d, SamplingGrid};
use crate::module::{ConvLocalisation, ConvLocalisationConfig, LocalisationNet, scale_gradient};
use crate::options::{AlignCorners, GridSampleOptions};
use crate::sample::grid_sample_3d;

/// Sizes of the 3-D network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeConfig {
    /// Side of the volume: 60 in the paper.
    pub side: usize,
    /// Classes.
    pub classes: usize,
    /// The classifier of the projection.
    pub body: Body,
    /// Factor of the gradient to the localisation net.
    pub gradient_scale: f64,
}

impl VolumeConfig {
    /// Extruded digits in a volume of 60 x 60 x 60.
    pub fn digits() -> Self {
        Self {
            side: 60,
            classes: 10,
            body: Body::Cnn { filters: 64 },
            gradient_scale: 0.1,
        }
    }
}

/// The projections of a batch of volumes.
#[derive(Clone, Debug)]
pub struct Projected {
    /// The transformed volumes, summed along the depth: (N, 1, side, side).
    pub output: Tensor,
    /// The parameters, (N, 12).
    pub theta: Tensor,
    /// The position in the input of each voxel.
    pub grid: SamplingGrid,
}

/// An affine transformer of volumes, the sum along the depth, and a classifier of pictures.
///
/// The paper does not print the localisation net; here it is the one of ST-CNN with slices of the volume as channels.
///
/// # Shapes
/// (N, 1, side, side, side) to logits (N, classes).
///
/// # Convention
/// Tensors `st.*` of the localisation net and the classifier's names.
///
/// # Source
/// Jaderberg et al. 2015, appendix A.3.
#[derive(Clone, Debug)]
pub struct VolumeNet {
    localisation: ConvLocalisation,
    generator: AffineGrid3d,
    classifier: Classifier,
    config: VolumeConfig,
    clock: Clock,
}

impl VolumeNet {
    /// The network of `config`.
    ///
    /// # Errors
    /// A volume too small for the convolutions, tensors of another shape in `vb`.
    pub fn new(config: &VolumeConfig, vb: VarBuilder) -> Result<Self> {
        let side = config.side;
        let generator = AffineGrid3d::new((side, side, side), AlignCorners::Yes)?;
        let layers = ConvLocalisationConfig::mnist(side, (side, side));
        Ok(Self {
            localisation: ConvLocalisation::new(&layers, &generator.identity(), vb.pp("st"))?,
            classifier: Classifier::new(config.body, 1, side, config.classes, vb)?,
            generator,
            config: config.clone(),
            clock: Clock::new(0),
        })
    }

    /// The pictures that the classifier takes.
    ///
    /// # Errors
    /// An input of another shape.
    pub fn project(&self, xs: &Tensor) -> Result<Projected> {
        let side = self.config.side;
        if !matches!(*xs.dims(), [_, 1, d, h, w] if (d, h, w) == (side, side, side)) {
            bail!(
                "volume network: the input has shape {:?}; it must be (N, 1, {side}, {side}, {side})",
                xs.dims()
            );
        }
        let theta = self.localisation.theta(&xs.squeeze(1)?)?;
        let theta = scale_gradient(&theta, self.config.gradient_scale)?;
        let grid = self.generator.grid(&theta)?;
        let output = grid_sample_3d(xs, &grid, &GridSampleOptions::default())?.sum(2)?;
        Ok(Projected {
            output,
            theta,
            grid,
        })
    }
}

impl ModuleT for VolumeNet {
    fn forward_t(&self, xs: &Tensor, train: bool) -> Result<Tensor> {
        let logits = self.classifier.forward(&self.project(xs)?.output)?;
        if train {
            self.clock.tick();
        }
        Ok(logits)
    }
}

impl Network for VolumeNet {
    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn layer_names(&self) -> Vec<String> {
        let names = ["projected"].into_iter().chain(Classifier::NAMES);
        names.map(String::from).collect()
    }

    /// The projection, (N, 1, side, side).
    fn forward_features(&self, xs: &Tensor) -> Result<Tensor> {
        Ok(self.project(xs)?.output)
    }

    fn forward_to(&self, xs: &Tensor, layer: &str) -> Result<Tensor> {
        let names = self.layer_names();
        let at = names.iter().position(|name| name == layer);
        let picture = self.forward_features(xs)?;
        match at {
            None => Err(unknown_layer(layer, &names)),
            Some(0) => Ok(picture),
            Some(at) => Ok(self.classifier.activations(&picture)?[at - 1].clone()),
        }
    }
}
