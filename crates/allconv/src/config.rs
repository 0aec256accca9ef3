//! The CIFAR networks of Tables 1 and 2: options, presets, layer lists.

use candle_core::Result;
use serde::{Deserialize, Serialize};
use striate::layer_list::{check_dropout, check_sizes, scaled};
use striate::{Rounding, Window2d};

use crate::architecture::{Architecture, BaseModel, Variant};
use crate::builder::Builder;
use crate::layer::{LayerSpec, MapShape, output_shapes, parameter_count};

pub use striate::layer_list::ClassMapActivation;

/// How the first convolution of the head treats the border.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeadPadding {
    /// Unpadded: a 32x32 image ends in 6x6 class maps, as Table 1 says.
    #[default]
    Valid,
    /// Padded by one cell: 8x8 class maps, as several later implementations have it.
    Same,
}

/// One of the twelve CIFAR networks.
///
/// The presets are the paper's networks for CIFAR-10; change fields for anything else:
///
/// ```
/// use allconv::Config;
/// let cifar100 = Config { classes: 100, ..Config::all_cnn_c() };
/// assert_eq!(Config::all_cnn_c().parameter_count(), 1_369_738);
/// assert_eq!(cifar100.parameter_count(), 1_387_108);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Base model and variant.
    pub architecture: Architecture,
    /// Number of classes.
    pub classes: usize,
    /// Channels of an image.
    pub in_channels: usize,
    /// Height and width of the images that the network is meant for.
    /// It runs on every size that is not too small.
    pub image_size: (usize, usize),
    /// Factor on the 96 and 192 channels of the paper, rounded to whole channels.
    pub width: f64,
    /// What follows the last convolution.
    pub class_map_activation: ClassMapActivation,
    /// How the first convolution of the head treats the border.
    pub head_padding: HeadPadding,
    /// How the poolings round; ceil halves 32 to 16, floor gives 15.
    pub pool_rounding: Rounding,
    /// Dropout on the image.
    pub input_dropout: f32,
    /// Dropout after each pooling, or after the layer in its place.
    pub dropout: f32,
}

macro_rules! presets {
    ($($name:ident $base:ident $variant:ident $text:literal;)*) => {
        /// The paper's networks for CIFAR-10.
        impl Config {
            $(
                #[doc = concat!($text, " for CIFAR-10.")]
                pub fn $name() -> Self {
                    Self::cifar10(Architecture::new(BaseModel::$base, Variant::$variant))
                }
            )*
        }
    };
}

presets! {
    base_a A Base "Base model A (Table 1)";
    strided_cnn_a A Strided "Strided-CNN-A";
    conv_pool_cnn_a A ConvPool "ConvPool-CNN-A";
    all_cnn_a A AllConv "All-CNN-A";
    base_b B Base "Base model B (Table 1)";
    strided_cnn_b B Strided "Strided-CNN-B";
    conv_pool_cnn_b B ConvPool "ConvPool-CNN-B";
    all_cnn_b B AllConv "All-CNN-B";
    base_c C Base "Base model C (Table 1)";
    strided_cnn_c C Strided "Strided-CNN-C (Table 2)";
    conv_pool_cnn_c C ConvPool "ConvPool-CNN-C (Table 2)";
    all_cnn_c C AllConv "All-CNN-C (Table 2)";
}

impl Config {
    /// The paper's network `architecture` for CIFAR-10.
    pub fn cifar10(architecture: Architecture) -> Self {
        Self {
            architecture,
            classes: 10,
            in_channels: 3,
            image_size: (32, 32),
            width: 1.0,
            class_map_activation: ClassMapActivation::Relu,
            head_padding: HeadPadding::Valid,
            // The paper's framework rounds pooled sizes up, and 6x6 class maps need 16 and 8.
            pool_rounding: Rounding::Ceil,
            input_dropout: 0.2,
            dropout: 0.5,
        }
    }

    /// The paper's network `architecture` for CIFAR-100.
    pub fn cifar100(architecture: Architecture) -> Self {
        Self {
            classes: 100,
            ..Self::cifar10(architecture)
        }
    }

    /// The layers in forward order; global average pooling follows the last one.
    pub fn layers(&self) -> Vec<LayerSpec> {
        let mut list = Builder::default();
        list.dropout(self.input_dropout, "drop_in".to_string());
        for (block, channels) in [(1, self.channels(96)), (2, self.channels(192))] {
            self.block(block, channels, &mut list);
        }
        let channels = self.channels(192);
        let padding = match self.head_padding {
            HeadPadding::Valid => 0,
            HeadPadding::Same => 1,
        };
        list.conv(Window2d::square(3).padding(padding), channels);
        list.conv(Window2d::square(1), channels);
        list.class_maps(self.classes, self.class_map_activation);
        list.layers
    }

    /// Convolutions of one block and what reduces the size of its maps.
    fn block(&self, block: usize, channels: usize, list: &mut Builder) {
        let kernels: &[usize] = match self.architecture.base {
            BaseModel::A => &[5],
            BaseModel::B => &[5, 1],
            BaseModel::C => &[3, 3],
        };
        let same = |kernel: usize| Window2d::square(kernel).padding(kernel / 2);
        for (i, &kernel) in kernels.iter().enumerate() {
            let is_last = i + 1 == kernels.len();
            let strided = is_last && self.architecture.variant == Variant::Strided;
            list.conv(same(kernel).stride(if strided { 2 } else { 1 }), channels);
        }
        let pool = Window2d {
            rounding: self.pool_rounding,
            ..Window2d::square(3).stride(2)
        };
        match self.architecture.variant {
            Variant::Base => list.pool(pool, block),
            Variant::Strided => {}
            Variant::ConvPool => {
                list.conv(same(3), channels);
                list.pool(pool, block);
            }
            Variant::AllConv => list.conv(same(3).stride(2), channels),
        }
        list.dropout(self.dropout, format!("drop{block}"));
    }

    /// Scalars in all weights and biases.
    pub fn parameter_count(&self) -> usize {
        parameter_count(self.in_channels, &self.layers())
    }

    /// The shape (channels, height, width) after each of [`Config::layers`], for an image of [`Config::image_size`].
    ///
    /// # Errors
    /// An image that is too small.
    pub fn output_shapes(&self) -> Result<Vec<MapShape>> {
        let (h, w) = self.image_size;
        output_shapes((self.in_channels, h, w), &self.layers())
    }

    /// Refuses values without a meaning.
    ///
    /// # Errors
    /// No classes or channels, a width that is not positive, a dropout outside [0, 1), an image that is too small.
    pub fn check(&self) -> Result<()> {
        let name = self.architecture;
        check_sizes(name, self.classes, self.in_channels, self.width, 64.0)?;
        check_dropout(name, "input_dropout", self.input_dropout)?;
        check_dropout(name, "dropout", self.dropout)?;
        self.output_shapes().map(|_| ())
    }

    fn channels(&self, paper: usize) -> usize {
        scaled(paper, self.width)
    }
}

#[cfg(test)]
mod tests;
