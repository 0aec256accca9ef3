//! What the weights start from, and how a dead start is avoided.
//!
//! The authors' files draw every weight from a Gaussian with standard deviation 0.05 and put a ReLU after the class maps.
//! If all class maps of all images are negative, no gradient is left and the loss stays at ln(classes):
//! their own code is known for it, and so are ports of it.
//!
//! [`Initialization::Guarded`], the default, cannot start there.
//! The class maps start at their bias, 1, plus little: their weights are a hundredth of He's.
//! While every class map is positive, plain gradient descent leaves the sum of the class maps' weights and biases where it was,
//! because the gradient of the loss with respect to the logits of an image sums to 0; so the maps cannot sink together.
//!
//! He's draw keeps the mean square of the maps from layer to layer, but a 3x3 max pooling picks the largest of nine
//! and raises it several times over.
//! So the layer after a pooling starts at half of He's: otherwise the first steps at the authors' learning rate overshoot.

use candle_core::{Result, bail};
use candle_nn::init::{DEFAULT_KAIMING_NORMAL, Init, ZERO};
use serde::{Deserialize, Serialize};

use crate::NETWORK;
use crate::config::{ClassMapActivation, NinConfig};

/// How weights and biases are drawn when a network is built from scratch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Initialization {
    /// He's normal distribution (standard deviation sqrt(2 / fan-in)) and biases of 0 in hidden layers,
    /// half of it after a pooling;
    /// the last layer, that of the class maps or a fully connected head, starts with a hundredth of He's weights.
    /// Class maps with a ReLU start with biases of 1, so that every class has a gradient.
    #[default]
    Guarded,
    /// Gaussians and biases of 0, as in the authors' definition files.
    Gaussian {
        /// Standard deviation of the first convolution.
        first_conv: f64,
        /// Standard deviation of the 1x1 layers of the first block.
        first_cccp: f64,
        /// Standard deviation of all other layers.
        others: f64,
    },
}

impl Initialization {
    /// Standard deviation 0.05 everywhere: the authors' CIFAR-10, MNIST and SVHN files. Dead starts happen.
    pub fn paper() -> Self {
        Self::Gaussian {
            first_conv: 0.05,
            first_cccp: 0.05,
            others: 0.05,
        }
    }

    /// The authors' CIFAR-100 file: 0.001, 0.01 and 0.05.
    pub fn paper_cifar100() -> Self {
        Self::Gaussian {
            first_conv: 0.001,
            first_cccp: 0.01,
            others: 0.05,
        }
    }

    /// Refuses a standard deviation that is none.
    ///
    /// # Errors
    /// One that is negative or not finite.
    pub(crate) fn check(self) -> Result<()> {
        let Self::Gaussian {
            first_conv,
            first_cccp,
            others,
        } = self
        else {
            return Ok(());
        };
        for (name, stdev) in [
            ("first_conv", first_conv),
            ("first_cccp", first_cccp),
            ("others", others),
        ] {
            if !(0.0..f64::INFINITY).contains(&stdev) {
                bail!(
                    "{NETWORK}: initialization: the standard deviation {name} is {stdev}; it must be finite and at least 0"
                );
            }
        }
        Ok(())
    }

    /// The draws of weight and bias of a layer whose units have `fan_in` inputs each.
    pub(crate) fn draws(self, place: Position, fan_in: usize) -> (Init, Init) {
        match self {
            Self::Guarded => match place {
                Position::FirstConv
                | Position::FirstCccp
                | Position::Hidden
                | Position::DenseInput => (DEFAULT_KAIMING_NORMAL, ZERO),
                Position::AfterPool => (part_of_he(0.5, fan_in), ZERO),
                Position::Logits => (part_of_he(0.01, fan_in), ZERO),
                Position::ReluClassMaps => (part_of_he(0.01, fan_in), Init::Const(1.0)),
            },
            Self::Gaussian {
                first_conv,
                first_cccp,
                others,
            } => {
                let stdev = match place {
                    Position::FirstConv => first_conv,
                    Position::FirstCccp => first_cccp,
                    Position::Hidden
                    | Position::AfterPool
                    | Position::Logits
                    | Position::ReluClassMaps
                    | Position::DenseInput => others,
                };
                (Init::Randn { mean: 0.0, stdev }, ZERO)
            }
        }
    }
}

/// A normal draw with this share of He's standard deviation.
fn part_of_he(share: f64, fan_in: usize) -> Init {
    let stdev = share * he(fan_in);
    Init::Randn { mean: 0.0, stdev }
}

/// He's standard deviation.
pub(crate) fn he(fan_in: usize) -> f64 {
    (2.0 / fan_in.max(1) as f64).sqrt()
}

/// Where a layer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    /// The first convolution.
    FirstConv,
    /// A 1x1 layer of the first block.
    FirstCccp,
    /// The first layer after a pooling.
    AfterPool,
    /// Any other hidden layer.
    Hidden,
    /// The class maps, with a ReLU after them.
    ReluClassMaps,
    /// The class maps that a dense layer reads: a hidden layer like others.
    DenseInput,
    /// A last layer without ReLU.
    Logits,
}

impl Position {
    /// Where the convolution `index` of block `block` stands.
    pub(crate) fn of(config: &NinConfig, block: usize, index: usize) -> Self {
        let is_last_block = block + 1 == config.blocks.len();
        let is_class_maps = is_last_block && index == config.blocks[block].mlpconv.channels.len();
        match (block, index) {
            _ if is_class_maps && config.head.is_fully_connected() => Self::DenseInput,
            _ if is_class_maps && config.class_map_activation == ClassMapActivation::Relu => {
                Self::ReluClassMaps
            }
            _ if is_class_maps => Self::Logits,
            (0, 0) => Self::FirstConv,
            (0, _) => Self::FirstCccp,
            (_, 0) if config.blocks[block - 1].pool.is_some() => Self::AfterPool,
            _ => Self::Hidden,
        }
    }
}
