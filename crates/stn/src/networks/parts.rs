//! Fine-grained classification: several transformers crop parts of a picture, a backbone describes each (section 4.3).

use candle_core::{Result, Tensor, bail};
use candle_nn::{Linear, Module, VarBuilder};
use serde::{Deserialize, Serialize};
use striate::network::unknown_layer;
use striate::{Clock, Network};

use crate::dense::dense;
use crate::grid::{AttentionGrid, GridGenerator};
use crate::module::{LocalisationNet, Transformed, scale_gradient};
use crate::options::{AlignCorners, GridSampleOptions};
use crate::sample::grid_sample;
use crate::size::product;

/// Sizes of a network of parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartsConfig {
    /// Parts: 2 or 4 in the paper.
    pub parts: usize,
    /// Side of a crop, which the backbones take: 224 in the paper.
    pub crop: usize,
    /// Side of a crop's window as a share of the picture's.
    pub window: f64,
    /// Values of a backbone's description of a crop.
    pub descriptors: usize,
    /// Classes: 200 in the paper.
    pub classes: usize,
    /// Factor of the gradient to the localisation net.
    pub gradient_scale: f64,
}

impl PartsConfig {
    /// The paper's birds, with crops of half the picture's width (the appendix is not certain about it).
    pub fn birds(parts: usize, descriptors: usize) -> Self {
        Self {
            parts,
            crop: 224,
            window: 0.5,
            descriptors,
            classes: 200,
            gradient_scale: 1e-4,
        }
    }
}

/// Attention windows of fixed size on a picture, a backbone for each, and one softmax layer over all descriptions.
///
/// The localisation net predicts the centers (x, y) of all windows, 2 numbers a part;
/// [`PartsNet::start`] gives the start, windows spread over the picture.
///
/// # Shapes
/// Pictures (N, C, H, W), of any size, to logits (N, classes).
/// The localisation net takes the whole picture at the size of a crop.
///
/// # Source
/// Jaderberg et al. 2015, section 4.3, Table 3.
#[derive(Clone, Debug)]
pub struct PartsNet<L, B> {
    localisation: L,
    backbones: Vec<B>,
    generator: AttentionGrid,
    head: Linear,
    config: PartsConfig,
    clock: Clock,
}

impl<L: LocalisationNet, B: Module> PartsNet<L, B> {
    /// A network around backbones, one a part, each a map from (N, C, crop, crop) to (N, descriptors).
    ///
    /// # Errors
    /// Another number of backbones or of predicted parameters than the parts ask for; tensors of another shape in `vb`.
    pub fn new(
        config: &PartsConfig,
        localisation: L,
        backbones: Vec<B>,
        vb: VarBuilder,
    ) -> Result<Self> {
        let parts = config.parts;
        if parts == 0 || backbones.len() != parts || localisation.parameter_count() != 2 * parts {
            bail!(
                "parts network: {parts} parts need as many backbones and twice as many parameters; there are {} and {}",
                backbones.len(),
                localisation.parameter_count()
            );
        }
        if !(config.window > 0.0 && config.window <= 1.0) {
            bail!(
                "parts network: window {} must be above 0 and at most 1",
                config.window
            );
        }
        let inputs = product(
            "parts network",
            "the descriptions",
            &[parts, config.descriptors],
        )?;
        Ok(Self {
            localisation,
            backbones,
            generator: AttentionGrid::new((config.crop, config.crop), AlignCorners::Yes)?,
            head: dense(inputs, config.classes, vb.pp("head"))?,
            config: config.clone(),
            clock: Clock::new(0),
        })
    }

    /// Centers of the windows at the start: on a circle, so that no two parts start alike.
    pub fn start(parts: usize) -> Vec<f64> {
        let angle = |part: usize| std::f64::consts::TAU * part as f64 / parts.max(1) as f64;
        let center = |part| match parts {
            1 => [0.0, 0.0],
            _ => [0.25 * f64::cos(angle(part)), 0.25 * f64::sin(angle(part))],
        };
        (0..parts).flat_map(center).collect()
    }

    /// The crops.
    ///
    /// # Errors
    /// Those of the localisation net and of the sampler.
    pub fn transform(&self, xs: &Tensor) -> Result<Vec<Transformed>> {
        let (n, options) = (xs.dim(0)?, GridSampleOptions::default());
        let whole = Tensor::new(self.generator.identity(), xs.device())?.to_dtype(xs.dtype())?;
        let whole = self
            .generator
            .grid(&whole.broadcast_as((n, 3))?.contiguous()?)?;
        let centers = self
            .localisation
            .theta(&grid_sample(xs, &whole, &options)?)?;
        let centers = scale_gradient(&centers, self.config.gradient_scale)?;
        let scale = (centers.narrow(1, 0, 1)?.ones_like()? * self.config.window)?;
        let part = |part: usize| {
            let theta = Tensor::cat(&[&scale, &centers.narrow(1, 2 * part, 2)?], 1)?;
            let grid = self.generator.grid(&theta)?;
            let output = grid_sample(xs, &grid, &options)?;
            Ok(Transformed {
                output,
                theta,
                grid,
            })
        };
        (0..self.config.parts).map(part).collect()
    }

    /// The descriptions of the crops by the backbones, concatenated: (N, parts * descriptors).
    ///
    /// # Errors
    /// Those of [`PartsNet::transform`] and of the backbones.
    pub fn describe(&self, xs: &Tensor) -> Result<Tensor> {
        let crops = self.transform(xs)?;
        let described = crops
            .iter()
            .zip(&self.backbones)
            .map(|(crop, backbone)| backbone.forward(&crop.output));
        Tensor::cat(&described.collect::<Result<Vec<_>>>()?, 1)
    }
}

impl<L: LocalisationNet, B: Module> Module for PartsNet<L, B> {
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        self.head.forward(&self.describe(xs)?)
    }
}

impl<L: LocalisationNet, B: Module> Network for PartsNet<L, B> {
    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn layer_names(&self) -> Vec<String> {
        let crops = (1..=self.config.parts).map(|part| format!("crop{part}"));
        crops
            .chain(["descriptors", "logits"].map(String::from))
            .collect()
    }

    /// The crops, one after the other as channels: (N, parts * C, crop, crop).
    fn forward_features(&self, xs: &Tensor) -> Result<Tensor> {
        let crops: Vec<Tensor> = self.transform(xs)?.into_iter().map(|c| c.output).collect();
        Tensor::cat(&crops, 1)
    }

    fn forward_to(&self, xs: &Tensor, layer: &str) -> Result<Tensor> {
        let names = self.layer_names();
        let Some(at) = names.iter().position(|name| name == layer) else {
            return Err(unknown_layer(layer, &names));
        };
        match self.transform(xs)?.into_iter().nth(at) {
            Some(crop) => Ok(crop.output),
            None if at == self.config.parts => self.describe(xs),
            None => self.forward(xs),
        }
    }
}
