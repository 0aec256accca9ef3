//! Networks from model files: weights, preprocessing and class names in one.

use candle_core::{Device, Result as CandleResult};
use candle_nn::VarBuilder;
use striate::model_file::{FileConfig, ModelError, ModelFile, ModelSource, Pretrained};

use crate::{MaxoutConfig, MaxoutNet, Nin, NinConfig, PlainCnn, PlainCnnConfig};

/// The usual name of the file for CIFAR-10.
pub const CIFAR10: &str = "nin-cifar10.safetensors";

/// The usual name of the file for MNIST.
pub const MNIST: &str = "nin-mnist.safetensors";

/// The network of a model file, with what is done to pictures before it sees them.
///
/// `source` is a file, a folder with a file called [`CIFAR10`], or bytes.
/// A [`PlainCnn`] is read by [`ModelFile::build`] with its own configuration.
///
/// ```no_run
/// use nin::candle_core::{DType, Device, Result, Tensor};
/// fn main() -> Result<()> {
///     let model = nin::pretrained("models", &Device::Cpu)?;
///     let pixels = Tensor::zeros((1, 3, 32, 32), DType::U8, &Device::Cpu)?;
///     println!("{}", model.classify(&pixels)?[0].name);
///     Ok(())
/// }
/// ```
///
/// # Errors
/// Those of [`ModelFile::open`] and [`ModelFile::build`].
pub fn pretrained<'a>(
    source: impl Into<ModelSource<'a>>,
    device: &Device,
) -> Result<Pretrained<Nin>, ModelError> {
    ModelFile::find(source, CIFAR10)?.build::<NinConfig>(device)
}

impl FileConfig for NinConfig {
    const NAME: &'static str = "nin::NinConfig";
    type Network = Nin;

    fn build(&self, vb: VarBuilder) -> CandleResult<Nin> {
        Nin::new(self, vb)
    }

    fn image_shape(&self) -> (usize, usize, usize) {
        (self.in_channels, self.image_size.0, self.image_size.1)
    }

    fn classes(&self) -> Option<usize> {
        Some(self.classes)
    }
}

impl FileConfig for MaxoutConfig {
    const NAME: &'static str = "nin::MaxoutConfig";
    type Network = MaxoutNet;

    fn build(&self, vb: VarBuilder) -> CandleResult<MaxoutNet> {
        MaxoutNet::new(self, vb)
    }

    fn image_shape(&self) -> (usize, usize, usize) {
        (self.in_channels, self.image_size.0, self.image_size.1)
    }

    fn classes(&self) -> Option<usize> {
        Some(self.classes)
    }
}

impl FileConfig for PlainCnnConfig {
    const NAME: &'static str = "nin::PlainCnnConfig";
    type Network = PlainCnn;

    fn build(&self, vb: VarBuilder) -> CandleResult<PlainCnn> {
        PlainCnn::new(self, vb)
    }

    fn image_shape(&self) -> (usize, usize, usize) {
        (self.in_channels, self.image_size.0, self.image_size.1)
    }

    fn classes(&self) -> Option<usize> {
        Some(self.classes)
    }
}
