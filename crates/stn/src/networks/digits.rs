//! Digit networks: FCN, CNN, ST-FCN, ST-CNN on distorted MNIST, and 2xST-FCN on MNIST addition.

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};
use candle_nn::{Module, ModuleT, VarBuilder};
use serde::{Deserialize, Serialize};
use striate::network::unknown_layer;
use striate::{Clock, Network, Padding, Window2d, avg_pool2d};

use super::classifier::{Body, Classifier};
use crate::grid::{AffineGrid, GridGenerator, ProjectiveGrid, ThinPlateSplineGrid};
use crate::module::{
    ConvLocalisation, ConvLocalisationConfig, FcLocalisation, LocalisationNet,
    ParallelTransformers, SpatialTransformer, Transformed,
};
use crate::options::AlignCorners;
use crate::size::{check_maps, product};

/// The most transformers in parallel.
const MAX_TRANSFORMERS: usize = 64;

/// The kind of transformation that a network predicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transform {
    /// Affine: 6 parameters; "Aff" in the paper.
    Affine,
    /// Projective: 8 parameters; "Proj".
    Projective,
    /// Thin plate spline with 16 control points: 32 parameters; "TPS".
    Tps,
}

impl Transform {
    /// The generator for outputs of `side` x `side` with aligned corners.
    ///
    /// # Errors
    /// A size without pixels.
    pub fn generator(self, side: usize) -> Result<Box<dyn GridGenerator>> {
        let (size, corners) = ((side, side), AlignCorners::Yes);
        Ok(match self {
            Self::Affine => Box::new(AffineGrid::new(size, corners)?),
            Self::Projective => Box::new(ProjectiveGrid::new(size, corners)?),
            Self::Tps => Box::new(ThinPlateSplineGrid::new(
                size,
                corners,
                ThinPlateSplineGrid::PAPER_SIDE,
            )?),
        })
    }
}

/// A network for digits on square images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigitConfig {
    /// Channels of the image: 1, or 2 for addition.
    pub in_channels: usize,
    /// Side of the image.
    pub side: usize,
    /// Classes: 10, or 19 for addition.
    pub classes: usize,
    /// The classifier.
    pub body: Body,
    /// The kind of the transformers; none for the plain networks.
    pub transform: Option<Transform>,
    /// Transformers in parallel, at most 64.
    pub transformers: usize,
    /// Average pooling between transformer and classifier, by this factor; 1 for none.
    pub pool: usize,
    /// Factor of the gradient to the localisation nets.
    pub gradient_scale: f64,
}

impl DigitConfig {
    /// A plain classifier of one-channel images.
    pub fn plain(side: usize, body: Body) -> Self {
        Self {
            in_channels: 1,
            side,
            classes: 10,
            body,
            transform: None,
            transformers: 0,
            pool: 1,
            gradient_scale: 0.1,
        }
    }

    /// FCN with 256 units.
    pub fn fcn(side: usize) -> Self {
        Self::plain(side, Body::Fcn { hidden: 256 })
    }

    /// CNN with 64 filters.
    pub fn cnn(side: usize) -> Self {
        Self::plain(side, Body::Cnn { filters: 64 })
    }

    /// FCN after a transformer whose localisation net is fully connected.
    pub fn st_fcn(side: usize, transform: Transform) -> Self {
        Self::fcn(side).with_transformers(1, transform)
    }

    /// CNN after a transformer whose localisation net is convolutional.
    pub fn st_cnn(side: usize, transform: Transform) -> Self {
        Self::cnn(side).with_transformers(1, transform)
    }

    /// The network of MNIST addition: images of two channels, 42 x 42, 19 classes, `count` transformers (1 or 2 in the paper).
    pub fn addition(count: usize, transform: Transform) -> Self {
        Self {
            in_channels: 2,
            classes: 19,
            ..Self::fcn(42).with_transformers(count, transform)
        }
    }

    /// The same after `count` transformers in parallel.
    pub fn with_transformers(self, count: usize, transform: Transform) -> Self {
        Self {
            transform: Some(transform),
            transformers: count,
            ..self
        }
    }

    /// The same with 2x average pooling between transformer and classifier, as the paper's appendix has it for RTS and TC (from memory).
    ///
    /// On images of 42 x 42 a CNN does not fit after it: its layers need 24 x 24.
    pub fn pooled(self) -> Self {
        Self { pool: 2, ..self }
    }

    /// The paper's name: FCN, CNN, ST-FCN, ST-CNN, 2xST-FCN.
    pub fn name(&self) -> String {
        let body = match self.body {
            Body::Fcn { .. } => "FCN",
            Body::Cnn { .. } => "CNN",
        };
        match self.transformers {
            0 => body.to_string(),
            1 => format!("ST-{body}"),
            count => format!("{count}xST-{body}"),
        }
    }
}

type AnyTransformer = SpatialTransformer<Box<dyn LocalisationNet>, Box<dyn GridGenerator>>;
type Transformers = ParallelTransformers<Box<dyn LocalisationNet>, Box<dyn GridGenerator>>;

/// A digit network.
///
/// # Shapes
/// (N, C, side, side) to logits (N, classes).
///
/// # Convention
/// Tensors `st1.*`, `st2.*`, .. of the localisation nets, and the classifier's names.
/// Layer names: `transformed` (after the transformers and the pooling), `hidden1`, `hidden2`, `logits`.
///
/// # Source
/// Jaderberg et al. 2015, section 4.1 and appendix A.1, A.4 (the last from memory).
///
/// ```
/// use stn::candle_core::{DType, Device, Result, Tensor};
/// use stn::candle_nn::ModuleT;
/// use stn::networks::{DigitConfig, DigitNet, Transform};
/// use striate::Parameters;
/// fn main() -> Result<()> {
///     let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
///     let network = DigitNet::new(&DigitConfig::st_fcn(42, Transform::Affine), parameters.builder())?;
///     let xs = Tensor::zeros((2, 1, 42, 42), DType::F32, &Device::Cpu)?;
///     assert_eq!(network.forward_t(&xs, true)?.dims(), [2, 10]);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct DigitNet {
    /// Channels, height and width of the images.
    image: [usize; 3],
    transformers: Option<Arc<Transformers>>,
    pool: usize,
    classifier: Classifier,
    clock: Clock,
}

impl DigitNet {
    /// The network of `config`.
    ///
    /// # Errors
    /// Transformers without a kind or a kind without transformers, sizes that do not fit, tensors of another shape in `vb`.
    pub fn new(config: &DigitConfig, vb: VarBuilder) -> Result<Self> {
        let DigitConfig {
            in_channels,
            side,
            classes,
            transformers: count,
            pool,
            ..
        } = *config;
        if count > MAX_TRANSFORMERS {
            bail!("digit network: {count} transformers; at most {MAX_TRANSFORMERS} are supported");
        }
        if config.transform.is_some() != (count > 0) || pool == 0 || side / pool.max(1) == 0 {
            bail!(
                "digit network: {count} transformers of kind {:?} and pooling by {pool} on {side}x{side} images do not fit together",
                config.transform
            );
        }
        let transformers = match config.transform {
            None => None,
            Some(transform) => {
                let branches =
                    (1..=count).map(|at| transformer(config, transform, vb.pp(format!("st{at}"))));
                Some(ParallelTransformers::new(branches.collect::<Result<_>>()?)?.into())
            }
        };
        let classifier = Classifier::new(
            config.body,
            product(
                "digit network",
                "the transformed image",
                &[in_channels, count.max(1)],
            )?,
            side / pool,
            classes,
            vb,
        )?;
        Ok(Self {
            image: [in_channels, side, side],
            transformers,
            pool,
            classifier,
            clock: Clock::new(0),
        })
    }

    /// The result of each transformer on `xs`; empty for a plain network.
    ///
    /// # Errors
    /// Images of another size than the network's.
    pub fn transform(&self, xs: &Tensor) -> Result<Vec<Transformed>> {
        check_maps("digit network", xs, self.image)?;
        match &self.transformers {
            Some(transformers) => transformers.transform(xs),
            None => Ok(Vec::new()),
        }
    }

    /// The generators of the transformers, for drawing.
    pub fn generators(&self) -> Vec<&dyn GridGenerator> {
        let branches = self.transformers.iter().flat_map(|t| t.branches());
        branches
            .map(|branch| &**branch.generator() as &dyn GridGenerator)
            .collect()
    }

    /// What the classifier sees: the images after the transformers, and after the pooling where there is one.
    ///
    /// # Errors
    /// Images of another size than the network's.
    pub fn transformed(&self, xs: &Tensor) -> Result<Tensor> {
        check_maps("digit network", xs, self.image)?;
        let xs = match &self.transformers {
            Some(transformers) => transformers.forward(xs)?,
            None => xs.clone(),
        };
        match self.pool {
            1 => Ok(xs),
            factor => avg_pool2d(
                &xs,
                &Window2d::square(factor).stride(factor),
                Padding::Counted,
            ),
        }
    }
}

fn transformer(
    config: &DigitConfig,
    transform: Transform,
    vb: VarBuilder,
) -> Result<AnyTransformer> {
    let DigitConfig {
        in_channels, side, ..
    } = *config;
    // The net first, from the identity, which is that of every size: a model file without its tensors
    // is refused before the generator takes memory, at most 64 numbers a pixel in f64.
    // The net's first fully connected layer, which a file then has, grows alike: 32 numbers a pixel and channel,
    // and after the convolutions 25 a pixel but for the border.
    let identity = transform.generator(1)?.identity();
    let localisation: Box<dyn LocalisationNet> = match config.body {
        Body::Fcn { .. } => {
            let inputs = product("digit network", "the image", &[in_channels, side, side])?;
            Box::new(FcLocalisation::new(
                inputs,
                &FcLocalisation::PAPER_HIDDEN,
                &identity,
                vb,
            )?)
        }
        Body::Cnn { .. } => {
            let layers = ConvLocalisationConfig::mnist(in_channels, (side, side));
            Box::new(ConvLocalisation::new(&layers, &identity, vb)?)
        }
    };
    let generator = transform.generator(side)?;
    Ok(SpatialTransformer::new(localisation, generator)?.gradient_scale(config.gradient_scale))
}

impl ModuleT for DigitNet {
    fn forward_t(&self, xs: &Tensor, train: bool) -> Result<Tensor> {
        let logits = self.classifier.forward(&self.transformed(xs)?)?;
        if train {
            self.clock.tick();
        }
        Ok(logits)
    }
}

impl Network for DigitNet {
    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn layer_names(&self) -> Vec<String> {
        let names = ["transformed"].into_iter().chain(Classifier::NAMES);
        names.map(String::from).collect()
    }

    fn forward_features(&self, xs: &Tensor) -> Result<Tensor> {
        self.transformed(xs)
    }

    fn forward_to(&self, xs: &Tensor, layer: &str) -> Result<Tensor> {
        let names = self.layer_names();
        let Some(at) = names.iter().position(|name| name == layer) else {
            return Err(unknown_layer(layer, &names));
        };
        let maps = self.transformed(xs)?;
        match at {
            0 => Ok(maps),
            at => Ok(self.classifier.activations(&maps)?[at - 1].clone()),
        }
    }
}
