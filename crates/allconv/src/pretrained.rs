//! Networks from model files: weights, preprocessing and class names in one.

use candle_core::{Device, Result as CandleResult};
use candle_nn::VarBuilder;
use striate::model_file::{FileConfig, ModelError, ModelFile, ModelSource, Pretrained};

use crate::{AllConv, Config, ImageNetConfig, LargeConfig};

/// The usual name of the file with All-CNN-C for CIFAR-10.
pub const CIFAR10: &str = "allconv-cifar10.safetensors";

/// The usual name of the file with C, the same network with pooling, for CIFAR-10.
pub const CIFAR10_C: &str = "allconv-cifar10-c.safetensors";

/// The network of a model file, with what is done to pictures before it sees them.
///
/// `source` is a file, a folder with a file called [`CIFAR10`], or bytes.
///
/// ```no_run
/// use allconv::candle_core::{Device, Result, Tensor};
/// fn main() -> Result<()> {
///     let model = allconv::pretrained("models", &Device::Cpu)?;
///     let pixels = Tensor::zeros((1, 3, 32, 32), allconv::candle_core::DType::U8, &Device::Cpu)?;
///     println!("{}", model.classify(&pixels)?[0].name);
///     Ok(())
/// }
/// ```
///
/// # Errors
/// Those of [`ModelFile::open`] and [`ModelFile::build`], and a file with a network of another crate.
pub fn pretrained<'a>(
    source: impl Into<ModelSource<'a>>,
    device: &Device,
) -> Result<Pretrained<AllConv>, ModelError> {
    let file = ModelFile::find(source, CIFAR10)?;
    match file.card().network.as_str() {
        LargeConfig::NAME => file.build::<LargeConfig>(device),
        ImageNetConfig::NAME => file.build::<ImageNetConfig>(device),
        // A network of another crate is refused there.
        _ => file.build::<Config>(device),
    }
}

impl FileConfig for Config {
    const NAME: &'static str = "allconv::Config";
    type Network = AllConv;

    fn build(&self, vb: VarBuilder) -> CandleResult<AllConv> {
        AllConv::new(self, vb)
    }

    fn image_shape(&self) -> (usize, usize, usize) {
        (self.in_channels, self.image_size.0, self.image_size.1)
    }

    fn classes(&self) -> Option<usize> {
        Some(self.classes)
    }
}

impl FileConfig for LargeConfig {
    const NAME: &'static str = "allconv::LargeConfig";
    type Network = AllConv;

    fn build(&self, vb: VarBuilder) -> CandleResult<AllConv> {
        AllConv::large(self, vb)
    }

    fn image_shape(&self) -> (usize, usize, usize) {
        (self.in_channels, self.image_size.0, self.image_size.1)
    }

    fn classes(&self) -> Option<usize> {
        Some(self.classes)
    }
}

impl FileConfig for ImageNetConfig {
    const NAME: &'static str = "allconv::ImageNetConfig";
    type Network = AllConv;

    fn build(&self, vb: VarBuilder) -> CandleResult<AllConv> {
        AllConv::imagenet(self, vb)
    }

    fn image_shape(&self) -> (usize, usize, usize) {
        (self.in_channels, self.image_size.0, self.image_size.1)
    }

    fn classes(&self) -> Option<usize> {
        Some(self.classes)
    }
}
