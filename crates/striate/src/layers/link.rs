//! Layers as links of a chain.

use candle_core::Result;

use super::{AvgPool2d, Conv2d, GlobalAvgPool, MaxPool2d, Relu};
use crate::ops::{self, Chain};

/// A layer that a [`Chain`] may go on with.
///
/// ```
/// use striate::candle_core::{DType, Device, Result, Tensor};
/// use striate::layers::{Dropout, GlobalAvgPool, Link, conv2d};
/// use striate::{Chain, Conv2dOptions, Parameters};
/// fn main() -> Result<()> {
///     let vb = Parameters::new(1, DType::F32, &Device::Cpu).builder();
///     let conv = conv2d(3, 8, 3, Conv2dOptions::default(), vb.pp("conv1"))?;
///     let layers: [&dyn Link; 3] = [&Dropout::new(0.2, 1), &conv, &GlobalAvgPool::new()];
///     let images = Tensor::ones((2, 3, 8, 8), DType::F32, &Device::Cpu)?;
///     let mut chain = Chain::new(&images);
///     for layer in layers {
///         chain = layer.link(chain, true)?;
///     }
///     assert_eq!(chain.finish()?.dims(), [2, 8]);
///     Ok(())
/// }
/// ```
pub trait Link {
    /// The chain with this layer as its last, in training or in evaluation mode.
    ///
    /// # Errors
    /// Those of the layer's forward pass.
    fn link(&self, chain: Chain, train: bool) -> Result<Chain>;
}

impl Link for Conv2d {
    fn link(&self, chain: Chain, _train: bool) -> Result<Chain> {
        chain.conv2d(self.weight(), self.bias(), self.options())
    }
}

impl Link for MaxPool2d {
    fn link(&self, chain: Chain, _train: bool) -> Result<Chain> {
        chain.max_pool2d(self.window())
    }
}

impl Link for AvgPool2d {
    fn link(&self, chain: Chain, _train: bool) -> Result<Chain> {
        chain.avg_pool2d(self.window(), self.padding())
    }
}

impl Link for GlobalAvgPool {
    fn link(&self, chain: Chain, _train: bool) -> Result<Chain> {
        chain.global_avg_pool()
    }
}

impl Link for Relu {
    fn link(&self, chain: Chain, _train: bool) -> Result<Chain> {
        chain.then(ops::relu)
    }
}
