//! The networks as data: presets, layer lists, sizes, parameter counts.

use std::fmt;

use serde::{Deserialize, Serialize};
use striate::Window2d;
use striate::layer_list::LayerSpec;

use crate::head::Head;
use crate::initialization::Initialization;
use crate::mlpconv::MlpConvConfig;

pub use layers::NamedShape;
pub use striate::layer_list::ClassMapActivation;

mod layers;

/// A pooling between two blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Pool {
    /// The maximum of each window.
    Max(Window2d),
    /// The mean of each window; padding counts as zeros.
    Average(Window2d),
}

impl Pool {
    /// Overlapping 3x3 max pooling with stride 2 that rounds up, as the paper's framework does: 32, 16, 8.
    pub fn overlapping_max() -> Self {
        Self::Max(Window2d::square(3).stride(2).ceil())
    }

    /// The window.
    pub fn window(&self) -> &Window2d {
        match self {
            Self::Max(window) | Self::Average(window) => window,
        }
    }
}

/// An mlpconv layer and the pooling after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockConfig {
    /// The mlpconv layer; in the last block without the class maps, which are added from [`NinConfig::classes`].
    pub mlpconv: MlpConvConfig,
    /// The pooling after it, with dropout after that.
    pub pool: Option<Pool>,
}

/// A network of mlpconv blocks.
///
/// The presets are the networks of the authors' definition files; change fields for anything else:
///
/// ```
/// use nin::{Head, NinConfig};
/// let dense = NinConfig { head: Head::FullyConnected, ..NinConfig::cifar10() };
/// assert_eq!(NinConfig::cifar10().parameter_count()?, 966_986);
/// assert_eq!(dense.parameter_count()?, 966_986 + 10 * 641);
/// # Ok::<(), nin::candle_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NinConfig {
    /// The mlpconv blocks in forward order.
    pub blocks: Vec<BlockConfig>,
    /// Number of classes, and of class maps.
    pub classes: usize,
    /// Channels of an image.
    pub in_channels: usize,
    /// Height and width of the images that the network is meant for.
    /// With global average pooling it runs on every size that is not too small.
    pub image_size: (usize, usize),
    /// Factor on the maps of every layer but the class maps, rounded to whole maps.
    pub width: f64,
    /// What follows the class maps.
    pub class_map_activation: ClassMapActivation,
    /// Dropout after each pooling.
    pub dropout: f32,
    /// What turns class maps into logits.
    pub head: Head,
    /// What new weights are drawn from.
    pub initialization: Initialization,
}

impl NinConfig {
    /// CIFAR-10: 966,986 parameters.
    pub fn cifar10() -> Self {
        let blocks = [
            (5, vec![192, 160, 96]),
            (5, vec![192, 192, 192]),
            (3, vec![192, 192]),
        ];
        Self::new(3, (32, 32), blocks)
    }

    /// CIFAR-100: the CIFAR-10 network with 100 class maps, 984,356 parameters.
    pub fn cifar100() -> Self {
        Self {
            classes: 100,
            ..Self::cifar10()
        }
    }

    /// Street View House Numbers: 1,986,026 parameters.
    pub fn svhn() -> Self {
        let blocks = [
            (5, vec![128, 96, 64]),
            (5, vec![320, 256, 128]),
            (5, vec![384, 256]),
        ];
        Self::new(3, (32, 32), blocks)
    }

    /// MNIST: 349,674 parameters.
    pub fn mnist() -> Self {
        let blocks = [
            (5, vec![96, 64, 48]),
            (5, vec![128, 96, 48]),
            (5, vec![128, 96]),
        ];
        Self::new(1, (28, 28), blocks)
    }

    /// CIFAR-10 as in the authors' copy in the Caffe model zoo: the second pooling averages.
    pub fn cifar10_model_zoo() -> Self {
        let mut config = Self::cifar10();
        config.blocks[1].pool = Some(Pool::Average(Window2d::square(3).stride(2).ceil()));
        config
    }

    /// CIFAR-10 as in the common PyTorch port: the model zoo's network with poolings that pad by one cell and round down.
    ///
    /// [`torch::load`](crate::torch::load) reads the weights of that port.
    pub fn cifar10_pytorch_port() -> Self {
        let mut config = Self::cifar10();
        let window = Window2d::square(3).stride(2).padding(1);
        config.blocks[0].pool = Some(Pool::Max(window));
        config.blocks[1].pool = Some(Pool::Average(window));
        config
    }

    /// Three blocks of (kernel, maps), a pooling after each of the first two.
    fn new(
        in_channels: usize,
        image_size: (usize, usize),
        blocks: [(usize, Vec<usize>); 3],
    ) -> Self {
        let last = blocks.len() - 1;
        let block = |(i, (kernel, channels)): (usize, (usize, Vec<usize>))| BlockConfig {
            mlpconv: MlpConvConfig::same(kernel, &channels),
            pool: (i < last).then(Pool::overlapping_max),
        };
        Self {
            blocks: blocks.into_iter().enumerate().map(block).collect(),
            classes: 10,
            in_channels,
            image_size,
            width: 1.0,
            class_map_activation: ClassMapActivation::Relu,
            dropout: 0.5,
            head: Head::GlobalAvgPool,
            initialization: Initialization::Guarded,
        }
    }
}

/// `NIN 5x5(192-160-96) max3/2 5x5(192-192-192) max3/2 3x3(192-192-10) global average pooling`.
impl fmt::Display for NinConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NIN")?;
        for (block, layers) in self.blocks.iter().zip(self.blocks_of_layers()) {
            let channels = layers.iter().filter_map(|layer| match layer {
                LayerSpec::Conv { channels, .. } => Some(channels.to_string()),
                _ => None,
            });
            let channels: Vec<String> = channels.collect();
            let (h, w) = block.mlpconv.window.size;
            write!(f, " {h}x{w}({})", channels.join("-"))?;
            if let Some(pool) = &block.pool {
                let name = match pool {
                    Pool::Max(_) => "max",
                    Pool::Average(_) => "avg",
                };
                let window = pool.window();
                write!(f, " {name}{}/{}", window.size.0, window.stride.0)?;
            }
        }
        write!(f, " {}", self.head)
    }
}

#[cfg(test)]
mod tests;
