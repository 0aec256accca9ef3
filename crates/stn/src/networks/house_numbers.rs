//! SVHN: the CNN with five heads, and its transformers, Single and Multi.

use candle_core::{Result, Tensor, bail};
use candle_nn::{Linear, Module, ModuleT, VarBuilder};
use serde::{Deserialize, Serialize};
use striate::layers::{Conv2d, Dropout, Link};
use striate::network::unknown_layer;
use striate::{Activation, Chain, Clock, Conv2dOptions, Network, Window2d, layers, relu};

use crate::dense::dense;
use crate::grid::{AffineGrid, GridGenerator};
use crate::module::{
    ConvLocalisation, ConvLocalisationConfig, FcLocalisation, LocalisationNet, SpatialTransformer,
    Transformed,
};
use crate::options::AlignCorners;
use crate::size::{check_maps, product};

/// Output maps of the eight convolutions (appendix A.5, from memory).
const MAPS: [usize; 8] = [48, 64, 128, 160, 192, 192, 192, 192];
/// Digits of the longest number, and classes of each: ten digits and none.
const DIGITS: usize = 5;
const CLASSES: usize = 11;
/// The number of convolutions, from the first on, with a transformer before them in Multi.
const MULTI: usize = 4;
/// Units of the two hidden layers of Multi's localisation nets (section 4.2).
const MULTI_HIDDEN: [usize; 2] = [32, 32];

/// Where the transformers are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Placement {
    /// Nowhere: the plain CNN.
    #[default]
    None,
    /// One after the input, with a convolutional localisation net: ST-CNN Single.
    Single,
    /// One before each of the first four convolutions, with fully connected nets: ST-CNN Multi.
    Multi,
}

/// The network of section 4.2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HouseNumberConfig {
    /// Side of the image: 64 or 128 in the paper.
    pub side: usize,
    /// Where the transformers are.
    pub placement: Placement,
    /// Share of the paper's maps and units; 1 for the paper's network.
    pub width: f64,
    /// Dropout after every hidden layer but the first convolution.
    pub dropout: f32,
    /// Factor of the gradient to the localisation nets.
    pub gradient_scale: f64,
}

impl HouseNumberConfig {
    /// The paper's network on images of `side` x `side`.
    pub fn paper(side: usize, placement: Placement) -> Self {
        Self {
            side,
            placement,
            width: 1.0,
            dropout: 0.5,
            gradient_scale: 0.1,
        }
    }

    fn scaled(&self, paper: usize) -> usize {
        ((paper as f64 * self.width).round() as usize).max(1)
    }
}

type AnyTransformer = SpatialTransformer<Box<dyn LocalisationNet>, AffineGrid>;

/// Reads a whole house number: eight convolutions, three fully connected layers, five heads.
///
/// conv 5x5 (padding 2) with 48, 64, 128, 160, 192, 192, 192, 192 maps, max 2x2 after the first, third, fifth and seventh;
/// then three layers of 3072 units and five softmax layers of 11 classes, the last class for "no digit".
///
/// # Shapes
/// (N, 3, side, side) to logits (N, 5, 11).
///
/// # Convention
/// Tensors `conv1` .. `conv8`, `fc1` .. `fc3`, `digit1` .. `digit5`, and `st1.*` .. of the localisation nets.
/// Layer names: `conv1` .. `conv8` (after ReLU and pooling), `fc1` .. `fc3`, `digit1` .. `digit5`, `logits`.
///
/// # Source
/// Jaderberg et al. 2015, section 4.2 and appendix A.5 (from memory).
///
/// ```
/// use stn::candle_core::{DType, Device, Result, Tensor};
/// use stn::candle_nn::ModuleT;
/// use stn::networks::{HouseNumberConfig, HouseNumberNet, Placement};
/// use striate::Parameters;
/// fn main() -> Result<()> {
///     let config = HouseNumberConfig { width: 0.05, ..HouseNumberConfig::paper(32, Placement::Multi) };
///     let vb = Parameters::new(1, DType::F32, &Device::Cpu).builder();
///     let network = HouseNumberNet::new(&config, vb)?;
///     let xs = Tensor::zeros((1, 3, 32, 32), DType::F32, &Device::Cpu)?;
///     assert_eq!(network.forward_t(&xs, false)?.dims(), [1, 5, 11]);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct HouseNumberNet {
    /// Of the image.
    side: usize,
    /// Before convolution i, if there is one.
    transformers: Vec<std::sync::Arc<AnyTransformer>>,
    convs: Vec<Conv2d>,
    hidden: Vec<Linear>,
    heads: Vec<Linear>,
    /// After convolution 2 and every later layer.
    dropouts: Vec<Dropout>,
    clock: Clock,
}

impl HouseNumberNet {
    /// The network of `config`.
    ///
    /// # Errors
    /// An image too small for four poolings, a width that is not above 0, tensors of another shape in `vb`.
    pub fn new(config: &HouseNumberConfig, vb: VarBuilder) -> Result<Self> {
        if !(config.width > 0.0 && config.width <= 16.0) {
            bail!(
                "house numbers: width {} must be above 0 and at most 16",
                config.width
            );
        }
        if config.side < 16 {
            bail!(
                "house numbers: images of {0}x{0} are too small; the smallest are 16x16",
                config.side
            );
        }
        let clock = Clock::new(0);
        let (mut channels, mut side) = (3, config.side);
        let (mut transformers, mut convs, mut dropouts) = (Vec::new(), Vec::new(), Vec::new());
        for (at, &maps) in MAPS.iter().enumerate() {
            let transformed = match config.placement {
                Placement::None => false,
                Placement::Single => at == 0,
                Placement::Multi => at < MULTI,
            };
            if transformed {
                let vb = vb.pp(format!("st{}", at + 1));
                transformers.push(transformer(config, channels, side, vb)?.into());
            }
            let maps = config.scaled(maps);
            let options = Conv2dOptions {
                padding: (2, 2),
                activation: Activation::Relu,
                ..Default::default()
            };
            convs.push(layers::conv2d(
                channels,
                maps,
                5,
                options,
                vb.pp(format!("conv{}", at + 1)),
            )?);
            if at > 0 {
                dropouts.push(Dropout::with_clock(
                    config.dropout,
                    &format!("conv{}", at + 1),
                    &clock,
                ));
            }
            channels = maps;
            if pooled(at) {
                side /= 2;
            }
        }
        let mut inputs = product(
            "house numbers",
            "the last feature map",
            &[channels, side, side],
        )?;
        let units = config.scaled(3072);
        let mut hidden = Vec::new();
        for at in 1..=3 {
            hidden.push(dense(inputs, units, vb.pp(format!("fc{at}")))?);
            dropouts.push(Dropout::with_clock(
                config.dropout,
                &format!("fc{at}"),
                &clock,
            ));
            inputs = units;
        }
        let heads = (1..=DIGITS).map(|at| dense(inputs, CLASSES, vb.pp(format!("digit{at}"))));
        Ok(Self {
            side: config.side,
            transformers,
            convs,
            hidden,
            heads: heads.collect::<Result<_>>()?,
            dropouts,
            clock,
        })
    }

    /// The result of each transformer, in evaluation mode.
    ///
    /// # Errors
    /// An input of another shape.
    pub fn transform(&self, xs: &Tensor) -> Result<Vec<Transformed>> {
        let mut seen = Vec::new();
        self.run(xs, self.transformers.len(), false, &mut seen)?;
        Ok(seen)
    }

    /// The maps after the first `count` layers, convolutions and fully connected ones counted together.
    fn run(
        &self,
        xs: &Tensor,
        count: usize,
        train: bool,
        seen: &mut Vec<Transformed>,
    ) -> Result<Tensor> {
        check_maps("house numbers", xs, [3, self.side, self.side])?;
        let mut chain = Chain::new(xs);
        for (at, conv) in self.convs.iter().enumerate().take(count) {
            if let Some(transformer) = self.transformers.get(at) {
                let transformed = transformer.transform(&chain.finish()?)?;
                chain = Chain::new(&transformed.output);
                seen.push(transformed);
            }
            chain = conv.link(chain, train)?;
            if pooled(at) {
                chain = chain.max_pool2d(&Window2d::square(2).stride(2))?;
            }
            if at > 0 {
                chain = self.dropouts[at - 1].link(chain, train)?;
            }
        }
        let mut xs = chain.finish()?;
        let hidden = count.saturating_sub(self.convs.len());
        for (at, layer) in self.hidden.iter().enumerate().take(hidden) {
            xs = relu(&layer.forward(&xs.flatten_from(1)?)?)?;
            xs = self.dropouts[self.convs.len() - 1 + at].forward_t(&xs, train)?;
        }
        Ok(xs)
    }

    fn depth(&self) -> usize {
        self.convs.len() + self.hidden.len()
    }

    fn logits(&self, xs: &Tensor, train: bool) -> Result<Tensor> {
        let features = self.run(xs, self.depth(), train, &mut Vec::new())?;
        let heads = self.heads.iter().map(|head| head.forward(&features));
        Tensor::stack(&heads.collect::<Result<Vec<_>>>()?, 1)
    }
}

/// Whether a pooling follows convolution `at`, counted from 0.
fn pooled(at: usize) -> bool {
    at.is_multiple_of(2)
}

fn transformer(
    config: &HouseNumberConfig,
    channels: usize,
    side: usize,
    vb: VarBuilder,
) -> Result<AnyTransformer> {
    let generator = AffineGrid::new((side, side), AlignCorners::Yes)?;
    let identity = generator.identity();
    let net: Box<dyn LocalisationNet> = match config.placement {
        Placement::Single => {
            let layers = ConvLocalisationConfig::svhn((side, side));
            Box::new(ConvLocalisation::new(&layers, &identity, vb)?)
        }
        _ => {
            let inputs = product("house numbers", "a feature map", &[channels, side, side])?;
            let net = FcLocalisation::new(inputs, &MULTI_HIDDEN, &identity, vb)?;
            Box::new(net)
        }
    };
    Ok(SpatialTransformer::new(net, generator)?.gradient_scale(config.gradient_scale))
}

impl ModuleT for HouseNumberNet {
    fn forward_t(&self, xs: &Tensor, train: bool) -> Result<Tensor> {
        let logits = self.logits(xs, train)?;
        if train {
            self.clock.tick();
        }
        Ok(logits)
    }
}

impl Network for HouseNumberNet {
    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn layer_names(&self) -> Vec<String> {
        let convs = (1..=self.convs.len()).map(|at| format!("conv{at}"));
        let hidden = (1..=self.hidden.len()).map(|at| format!("fc{at}"));
        let digits = (1..=DIGITS).map(|at| format!("digit{at}"));
        let layers = convs.chain(hidden).chain(digits);
        layers.chain(["logits".to_string()]).collect()
    }

    fn forward_features(&self, xs: &Tensor) -> Result<Tensor> {
        self.run(xs, self.convs.len(), false, &mut Vec::new())
    }

    fn forward_to(&self, xs: &Tensor, layer: &str) -> Result<Tensor> {
        let names = self.layer_names();
        match names.iter().position(|name| name == layer) {
            Some(at) if at < self.depth() => self.run(xs, at + 1, false, &mut Vec::new()),
            Some(at) => {
                let logits = self.logits(xs, false)?;
                match at - self.depth() {
                    DIGITS => Ok(logits),
                    digit => logits.narrow(1, digit, 1)?.squeeze(1),
                }
            }
            None => Err(unknown_layer(layer, &names)),
        }
    }
}
