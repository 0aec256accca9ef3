//! Networks from model files: weights, preprocessing and class names in one.

use candle_core::{Device, Result as CandleResult};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};
use striate::model_file::{FileConfig, ModelError, ModelFile, ModelSource, Pretrained};

use crate::{Convnet, Swwae, SwwaeConfig};

/// The usual name of the file for MNIST.
pub const MNIST: &str = "swwae-mnist.safetensors";

/// The network of a model file, with what is done to pictures before it sees them.
///
/// `source` is a file, a folder with a file called [`MNIST`], or bytes.
/// A [`Convnet`] is read by [`ModelFile::build`] with [`ConvnetConfig`].
///
/// ```no_run
/// use swwae::candle_core::{DType, Device, Result, Tensor};
/// fn main() -> Result<()> {
///     let model = swwae::pretrained("models", &Device::Cpu)?;
///     let pixels = Tensor::zeros((1, 1, 28, 28), DType::U8, &Device::Cpu)?;
///     let reconstruction = model.network.reconstruct(&model.prepare(&pixels)?)?;
///     assert_eq!(reconstruction.dim(0)?, 1);
///     Ok(())
/// }
/// ```
///
/// # Errors
/// Those of [`ModelFile::open`] and [`ModelFile::build`].
pub fn pretrained<'a>(
    source: impl Into<ModelSource<'a>>,
    device: &Device,
) -> Result<Pretrained<Swwae>, ModelError> {
    ModelFile::find(source, MNIST)?.build::<SwwaeConfig>(device)
}

impl FileConfig for SwwaeConfig {
    const NAME: &'static str = "swwae::SwwaeConfig";
    type Network = Swwae;

    fn build(&self, vb: VarBuilder) -> CandleResult<Swwae> {
        Swwae::new(self, vb)
    }

    fn image_shape(&self) -> (usize, usize, usize) {
        (self.in_channels, self.image_size.0, self.image_size.1)
    }

    fn classes(&self) -> Option<usize> {
        self.architecture.classes()
    }
}

/// The configuration of a [`Convnet`] in a model file: that of the auto-encoder whose encoder and classifier it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConvnetConfig(pub SwwaeConfig);

impl FileConfig for ConvnetConfig {
    const NAME: &'static str = "swwae::ConvnetConfig";
    type Network = Convnet;

    fn build(&self, vb: VarBuilder) -> CandleResult<Convnet> {
        Convnet::new(&self.0, vb)
    }

    fn image_shape(&self) -> (usize, usize, usize) {
        self.0.image_shape()
    }

    fn classes(&self) -> Option<usize> {
        self.0.architecture.classes()
    }
}
