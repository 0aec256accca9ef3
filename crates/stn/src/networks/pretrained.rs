//! Networks from model files: weights, preprocessing and class names in one.

use candle_core::{Device, Result as CandleResult};
use candle_nn::VarBuilder;
use striate::model_file::{FileConfig, ModelError, ModelFile, ModelSource, Pretrained};

use super::{DigitConfig, DigitNet, HouseNumberConfig, HouseNumberNet, ShadowConfig, ShadowNet};

/// The usual name of the file for rotated, scaled and placed digits.
pub const RTS: &str = "stn-rts.safetensors";

/// The digit network of a model file, with what is done to pictures before it sees them.
///
/// `source` is a file, a folder with a file called [`RTS`], or bytes.
/// Other networks are read by [`ModelFile::build`] with their own configuration.
///
/// ```no_run
/// use stn::candle_core::{DType, Device, Result, Tensor};
/// fn main() -> Result<()> {
///     let model = stn::networks::pretrained("models", &Device::Cpu)?;
///     let pixels = Tensor::zeros((1, 1, 42, 42), DType::U8, &Device::Cpu)?;
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
) -> Result<Pretrained<DigitNet>, ModelError> {
    ModelFile::find(source, RTS)?.build::<DigitConfig>(device)
}

impl FileConfig for DigitConfig {
    const NAME: &'static str = "stn::DigitConfig";
    type Network = DigitNet;

    fn build(&self, vb: VarBuilder) -> CandleResult<DigitNet> {
        DigitNet::new(self, vb)
    }

    fn image_shape(&self) -> (usize, usize, usize) {
        (self.in_channels, self.side, self.side)
    }

    fn classes(&self) -> Option<usize> {
        Some(self.classes)
    }
}

impl FileConfig for HouseNumberConfig {
    const NAME: &'static str = "stn::HouseNumberConfig";
    type Network = HouseNumberNet;

    fn build(&self, vb: VarBuilder) -> CandleResult<HouseNumberNet> {
        HouseNumberNet::new(self, vb)
    }

    fn image_shape(&self) -> (usize, usize, usize) {
        (3, self.side, self.side)
    }

    fn classes(&self) -> Option<usize> {
        None
    }
}

impl FileConfig for ShadowConfig {
    const NAME: &'static str = "stn::ShadowConfig";
    type Network = ShadowNet;

    fn build(&self, vb: VarBuilder) -> CandleResult<ShadowNet> {
        ShadowNet::new(self, vb)
    }

    /// A volume is an image with its depth as channels.
    fn image_shape(&self) -> (usize, usize, usize) {
        let side = self.network.side;
        (side, side, side)
    }

    fn classes(&self) -> Option<usize> {
        Some(self.network.classes)
    }
}
