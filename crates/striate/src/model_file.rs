//! Model files: weights that know their network.
//!
//! A model file is a safetensors file whose header says what [`ModelCard`] holds: the network and its configuration,
//! what is done to a picture before the network sees it, the names of the classes, the data it was trained on,
//! what was measured, and the license.
//! So one call gives a network that answers, and nothing has to be known beside the file.
//!
//! | type | what it is |
//! |:--|:--|
//! | [`FileConfig`] | a configuration that can be kept in a file, with the network it builds |
//! | [`ModelSource`] | where a file is |
//! | [`ModelFile`] | what a file holds, before its network is built |
//! | [`Pretrained`] | the network, its preprocessing and its card |
//! | [`Preprocessing`] | pixels to what the network sees |
//! | [`ModelError`] | why a file gives no network |
//!
//! Any safetensors reader finds the weights under their names; tensors of the preprocessing begin with `preprocessing.`.

mod card;
mod error;
mod kept;
mod packed;
#[cfg(feature = "image")]
mod picture;
mod place;
mod preprocessing;
mod pretrained;
mod read;
mod write;

pub use card::{Measured, ModelCard};
pub use error::ModelError;
#[cfg(feature = "image")]
pub use picture::{open_picture, picture_beside, save_picture};
pub use preprocessing::{Canvas, Normalization, Preprocessing, Whitening, normalize_contrast};
pub use pretrained::{Answer, Pretrained};
pub use read::{ModelFile, ModelSource};
pub use write::Precision;

use candle_core::Result;
use candle_nn::VarBuilder;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A configuration that a model file can hold, and the network that it builds.
pub trait FileConfig: Serialize + DeserializeOwned {
    /// The name of the configuration in a file, such as `allconv::Config`.
    const NAME: &'static str;

    /// What it builds.
    type Network;

    /// Builds the network with its tensors from `vb`.
    ///
    /// # Errors
    /// Those of the network's constructor.
    fn build(&self, vb: VarBuilder) -> Result<Self::Network>;

    /// Channels, height and width of the images that the network is made for.
    fn image_shape(&self) -> (usize, usize, usize);

    /// The number of classes that the network gives a logit each; none for a network that does not classify.
    fn classes(&self) -> Option<usize>;
}

/// What the names of the preprocessing's tensors begin with.
const PREPROCESSING: &str = "preprocessing.";

#[cfg(test)]
mod tests;
