//! Localisation nets: from a feature map to the parameters theta of a transformation.
//!
//! Every net here ends in a regression layer theta = identity + projection h + offset whose tensors start at zero,
//! so that an untrained transformer passes its input through; without that start training often fails.

use std::fmt::Debug;

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use striate::layers::Link;
use striate::{Activation, Chain, Conv2dOptions, Padding, Window2d, layers};

use super::regression::Regression;
use crate::size::{check_maps, check_weight, product};

/// theta = f_loc(U): any net that maps a feature map to P numbers an image.
///
/// # Source
/// Jaderberg et al. 2015, section 3.1.
#[doc(alias = "localization")]
pub trait LocalisationNet: Debug + Send + Sync {
    /// P: how many numbers it predicts an image.
    fn parameter_count(&self) -> usize;

    /// theta, (N, P), of the feature maps `xs`.
    ///
    /// # Errors
    /// An input of another shape than the net was made for.
    fn theta(&self, xs: &Tensor) -> Result<Tensor>;
}

impl<L: LocalisationNet + ?Sized> LocalisationNet for Box<L> {
    fn parameter_count(&self) -> usize {
        (**self).parameter_count()
    }

    fn theta(&self, xs: &Tensor) -> Result<Tensor> {
        (**self).theta(xs)
    }
}

/// A fully connected localisation net: FC - ReLU - .. - FC theta.
///
/// # Convention
/// Tensors `fc1.weight`, `fc1.bias`, .., `theta.projection` (P, width), `theta.offset` (P); the last two start at zero
/// and are added to the identity.
///
/// # Source
/// Jaderberg et al. 2015, appendix A.4: three hidden layers of 32 units in ST-FCN (from memory).
///
/// ```
/// use stn::candle_core::{DType, Device, Result, Tensor};
/// use stn::{AffineGrid, AlignCorners, FcLocalisation, GridGenerator, LocalisationNet};
/// use striate::Parameters;
/// fn main() -> Result<()> {
///     let identity = AffineGrid::new((28, 28), AlignCorners::Yes)?.identity();
///     let vb = Parameters::new(1, DType::F32, &Device::Cpu).builder();
///     let net = FcLocalisation::new(28 * 28, &[32, 32, 32], &identity, vb)?;
///     let theta = net.theta(&Tensor::ones((1, 1, 28, 28), DType::F32, &Device::Cpu)?)?;
///     assert_eq!(theta.to_vec2::<f32>()?, [[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]]);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct FcLocalisation {
    regression: Regression,
}

impl FcLocalisation {
    /// The paper's hidden layers.
    pub const PAPER_HIDDEN: [usize; 3] = [32, 32, 32];

    /// A net on maps of `inputs` values (C * H * W) that starts at the transformation `identity`.
    ///
    /// # Errors
    /// No inputs, no parameters, a hidden layer without units; tensors of another shape in `vb`.
    pub fn new(inputs: usize, hidden: &[usize], identity: &[f64], vb: VarBuilder) -> Result<Self> {
        let regression = Regression::new(inputs, hidden, identity, vb)?;
        Ok(Self { regression })
    }
}

impl LocalisationNet for FcLocalisation {
    fn parameter_count(&self) -> usize {
        self.regression.parameter_count()
    }

    fn theta(&self, xs: &Tensor) -> Result<Tensor> {
        self.regression.forward(xs)
    }
}

/// One convolution of a localisation net, followed by a ReLU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvStage {
    /// Output maps.
    pub filters: usize,
    /// Side of the square kernel.
    pub kernel: usize,
    /// Step of the kernel.
    pub stride: usize,
    /// Zeros around the input.
    pub padding: usize,
    /// Whether 2x2 max pooling with stride 2 follows.
    pub pool: Pool,
}

/// What follows a convolution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pool {
    /// Nothing.
    #[default]
    None,
    /// Max pooling 2x2 with stride 2.
    Max2,
}

/// The layers of a convolutional localisation net.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvLocalisationConfig {
    /// Channels of the feature map.
    pub in_channels: usize,
    /// (height, width) of the feature map.
    pub size: (usize, usize),
    /// Average pooling before the first convolution, by this factor; 1 for none.
    pub downsample: usize,
    /// The convolutions.
    pub stages: Vec<ConvStage>,
    /// Units of the hidden fully connected layers.
    pub hidden: Vec<usize>,
}

impl ConvLocalisationConfig {
    /// ST-CNN on distorted MNIST: the input at half size, conv 5x5 20, max pooling, conv 5x5 20, FC 20 (appendix A.4, from memory).
    pub fn mnist(in_channels: usize, size: (usize, usize)) -> Self {
        let stage = |pool| ConvStage {
            filters: 20,
            kernel: 5,
            stride: 1,
            padding: 0,
            pool,
        };
        Self {
            in_channels,
            size,
            downsample: 2,
            stages: vec![stage(Pool::Max2), stage(Pool::None)],
            hidden: vec![20],
        }
    }

    /// ST-CNN Single on SVHN: conv 5x5 32, max pooling, conv 5x5 32, FC 32, FC 32 (appendix A.5, from memory).
    ///
    /// Padding 2, which keeps the size, as in the classifier.
    pub fn svhn(size: (usize, usize)) -> Self {
        let stage = |pool| ConvStage {
            filters: 32,
            kernel: 5,
            stride: 1,
            padding: 2,
            pool,
        };
        Self {
            in_channels: 3,
            size,
            downsample: 1,
            stages: vec![stage(Pool::Max2), stage(Pool::None)],
            hidden: vec![32, 32],
        }
    }

    /// Co-localisation in 84x84 scenes: conv 9x9 8 with stride 4, max pooling, FC 8, FC 8 (appendix A.2).
    pub fn colocalisation(size: (usize, usize)) -> Self {
        Self {
            in_channels: 1,
            size,
            downsample: 1,
            stages: vec![ConvStage {
                filters: 8,
                kernel: 9,
                stride: 4,
                padding: 0,
                pool: Pool::Max2,
            }],
            hidden: vec![8, 8],
        }
    }

    /// (channels, height, width) after the convolutions.
    ///
    /// # Errors
    /// A feature map that is too small.
    pub fn features(&self) -> Result<(usize, usize, usize)> {
        let (mut c, (mut h, mut w)) = (self.in_channels, self.size);
        if self.downsample != 1 {
            (h, w) = downsampling(self.downsample).output_size(h, w)?;
        }
        for stage in &self.stages {
            let window = Window2d::square(stage.kernel)
                .stride(stage.stride)
                .padding(stage.padding);
            (h, w) = window.output_size(h, w)?;
            if stage.pool == Pool::Max2 {
                (h, w) = halving().output_size(h, w)?;
            }
            c = stage.filters;
        }
        Ok((c, h, w))
    }
}

fn halving() -> Window2d {
    Window2d::square(2).stride(2)
}

fn downsampling(factor: usize) -> Window2d {
    Window2d::square(factor).stride(factor)
}

/// A convolutional localisation net: (downsampling) - conv - ReLU - (pooling) - .. - FC - ReLU - .. - FC theta.
///
/// # Convention
/// Tensors `conv1.weight`, `conv1.bias`, .., `fc1.weight`, .., `theta.projection`, `theta.offset`.
///
/// # Source
/// Jaderberg et al. 2015, appendix A.
///
/// ```
/// use stn::candle_core::{DType, Device, Result, Tensor};
/// use stn::{ConvLocalisation, ConvLocalisationConfig, LocalisationNet};
/// use striate::Parameters;
/// fn main() -> Result<()> {
///     let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
///     let config = ConvLocalisationConfig::mnist(1, (42, 42));
///     let net = ConvLocalisation::new(&config, &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0], parameters.builder())?;
///     assert_eq!(parameters.count(), 17_086);
///     let theta = net.theta(&Tensor::zeros((2, 1, 42, 42), DType::F32, &Device::Cpu)?)?;
///     assert_eq!(theta.dims(), [2, 6]);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct ConvLocalisation {
    config: ConvLocalisationConfig,
    convs: Vec<layers::Conv2d>,
    regression: Regression,
}

impl ConvLocalisation {
    /// A net that starts at the transformation `identity`.
    ///
    /// # Errors
    /// A feature map that is too small for the convolutions; tensors of another shape in `vb`.
    pub fn new(config: &ConvLocalisationConfig, identity: &[f64], vb: VarBuilder) -> Result<Self> {
        let (c, h, w) = config.features()?;
        let inputs = product("localisation", "the feature map (c, h, w)", &[c, h, w])?;
        let mut channels = config.in_channels;
        let mut convs = Vec::with_capacity(config.stages.len());
        for (at, stage) in config.stages.iter().enumerate() {
            let options = Conv2dOptions {
                stride: (stage.stride, stage.stride),
                padding: (stage.padding, stage.padding),
                activation: Activation::Relu,
                ..Default::default()
            };
            let vb = vb.pp(format!("conv{}", at + 1));
            let inputs = [channels, stage.kernel, stage.kernel];
            check_weight(&vb.prefix(), stage.filters, &inputs)?;
            convs.push(layers::conv2d(
                channels,
                stage.filters,
                stage.kernel,
                options,
                vb,
            )?);
            channels = stage.filters;
        }
        Ok(Self {
            config: config.clone(),
            convs,
            regression: Regression::new(inputs, &config.hidden, identity, vb)?,
        })
    }

    /// The layers.
    pub fn config(&self) -> &ConvLocalisationConfig {
        &self.config
    }
}

impl LocalisationNet for ConvLocalisation {
    fn parameter_count(&self) -> usize {
        self.regression.parameter_count()
    }

    fn theta(&self, xs: &Tensor) -> Result<Tensor> {
        let (h, w) = self.config.size;
        check_maps("localisation", xs, [self.config.in_channels, h, w])?;
        let mut chain = match self.config.downsample {
            1 => Chain::new(xs),
            factor => Chain::new(xs).avg_pool2d(&downsampling(factor), Padding::Counted)?,
        };
        for (conv, stage) in self.convs.iter().zip(&self.config.stages) {
            chain = conv.link(chain, false)?;
            if stage.pool == Pool::Max2 {
                chain = chain.max_pool2d(&halving())?;
            }
        }
        self.regression.forward(&chain.finish()?)
    }
}
