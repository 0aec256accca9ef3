//! The networks of the paper's experiments.
//!
//! | file | experiment |
//! |:--|:--|
//! | `classifier` | FCN and CNN, the plain digit classifiers |
//! | `digits` | distorted and cluttered MNIST (Table 1), MNIST addition (Table 4) |
//! | `house_numbers` | SVHN: CNN, ST-CNN Single and Multi (Table 2) |
//! | `sequence_loss` | the loss of a house number |
//! | `parts` | fine-grained classification with several transformers (Table 3) |
//! | `colocalisation` | a common object found without labels (appendix A.2) |
//! | `volume` | digits in a volume, projected to a picture (appendix A.3) |
//! | `shadow` | the same, and the classifier of the picture alone |
//! | `pretrained` | networks from model files |

mod classifier;
mod colocalisation;
mod digits;
mod house_numbers;
mod parts;
mod pretrained;
mod sequence_loss;
mod shadow;
mod volume;

pub use classifier::{Body, Classifier};
pub use colocalisation::{CoLocalisation, CoLocalisationConfig, WindowSize, triplet_loss};
pub use digits::{DigitConfig, DigitNet, Transform};
pub use house_numbers::{HouseNumberConfig, HouseNumberNet, Placement};
pub use parts::{PartsConfig, PartsNet};
pub use pretrained::{RTS, pretrained};
pub use sequence_loss::sequence_loss;
pub use shadow::{ShadowConfig, ShadowNet};
pub use volume::{Projected, VolumeConfig, VolumeNet};

#[cfg(test)]
mod tests;
