//! Fine-grained classification: several transformers crop parts of a picture, a backbone describes each (section 4.3).

use candle_core::{Result, Tensor, bail};
use candle_nn::{Linear, Module, ModuleT, VarBuilder};
use serde::{Deserialize, Serialize};
use striate::layers::Dropout;
use striate::network::unknown_layer;
use striate::{Clock, Network};

use crate::dense::dense;
use crate::grid::{AttentionGrid, GridGenerator};
use crate::host;
use crate::module::{LocalisationNet, Transformed, scale_gradient};
use crate::options::{AlignCorners, GridSampleOptions};
use crate::sample::grid_sample;
use crate::size::{matrix, product};

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
    /// Dropout on the descriptions of all crops.
    pub dropout: f32,
}

impl PartsConfig {
    /// The paper's birds: crops of half the picture's width, dropout of 0.7 (appendix A.6, from memory).
    pub fn birds(parts: usize, descriptors: usize) -> Self {
        Self {
            parts,
            crop: 224,
            window: 0.5,
            descriptors,
            classes: 200,
            gradient_scale: 1e-4,
            dropout: 0.7,
        }
    }
}

/// Attention windows of fixed size on a picture, a backbone for each, and one softmax layer over all descriptions.
///
/// The localisation net predicts the centers (x, y) of all windows, 2 numbers a part;
/// [`PartsNet::start`] gives the start, windows that tile the picture.
///
/// # Shapes
/// Pictures (N, C, H, W), of any size, to logits (N, classes).
/// The localisation net takes the whole picture at the size of a crop.
///
/// # Source
/// Jaderberg et al. 2015, section 4.3, Table 3, appendix A.6 (from memory).
#[derive(Clone, Debug)]
pub struct PartsNet<L, B> {
    localisation: L,
    backbones: Vec<B>,
    generator: AttentionGrid,
    dropout: Dropout,
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
        let clock = Clock::new(0);
        Ok(Self {
            localisation,
            backbones,
            dropout: Dropout::with_clock(config.dropout, "descriptors", &clock),
            generator: AttentionGrid::new((config.crop, config.crop), AlignCorners::Yes)?,
            head: dense(inputs, config.classes, vb.pp("head"))?,
            config: config.clone(),
            clock,
        })
    }

    /// Centers of the windows at the start, which tile the picture: halves of it for two parts, quarters for four.
    ///
    /// # Errors
    /// More parts than memory can hold centers of.
    pub fn start(parts: usize) -> Result<Vec<f64>> {
        matrix("parts network", "the centers (parts, 2)", &[parts, 2])?;
        let rows = parts.isqrt().max(1);
        let columns = parts.div_ceil(rows).max(1);
        let middle = |at: usize, count: usize| (2 * at + 1) as f64 / count as f64 - 1.0;
        let center = |part| {
            [
                middle(part % columns, columns),
                middle(part / columns, rows),
            ]
        };
        Ok((0..parts).flat_map(center).collect())
    }

    /// The crops.
    ///
    /// # Errors
    /// Those of the localisation net and of the sampler.
    pub fn transform(&self, xs: &Tensor) -> Result<Vec<Transformed>> {
        let (n, options) = (xs.dim(0)?, GridSampleOptions::default());
        let whole = host::tensor(self.generator.identity(), (1, 3), xs)?;
        let whole = self.generator.grid(&whole.broadcast_as((n, 3))?)?;
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

impl<L: LocalisationNet, B: Module> ModuleT for PartsNet<L, B> {
    fn forward_t(&self, xs: &Tensor, train: bool) -> Result<Tensor> {
        let descriptions = self.dropout.forward_t(&self.describe(xs)?, train)?;
        let logits = self.head.forward(&descriptions)?;
        if train {
            self.clock.tick();
        }
        Ok(logits)
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
            None => self.forward_t(xs, false),
        }
    }
}
