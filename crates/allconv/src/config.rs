//! The CIFAR networks of Tables 1 and 2: options, presets, layer lists.

use candle_core::{Result, bail};
use serde::{Deserialize, Serialize};
use striate::{Rounding, Window2d};

use crate::architecture::{Architecture, BaseModel, Variant};
use crate::layer::{LayerSpec, Nonlinearity, check_sizes, output_shapes, parameter_count, scaled};

/// What follows the last convolution, whose outputs are the class maps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassMapActivation {
    /// ReLU, as Table 1 prints it.
    /// If every class map is negative for every image, the gradient is gone and the network stays at chance.
    #[default]
    Relu,
    /// Nothing: the averages are ordinary logits.
    Identity,
}

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
    pub fn output_shapes(&self) -> Result<Vec<(usize, usize, usize)>> {
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
        for (what, p) in [
            ("input_dropout", self.input_dropout),
            ("dropout", self.dropout),
        ] {
            if !(0.0..1.0).contains(&p) {
                bail!("{name}: {what} {p} must be at least 0 and below 1");
            }
        }
        self.output_shapes().map(|_| ())
    }

    fn channels(&self, paper: usize) -> usize {
        scaled(paper, self.width)
    }
}

/// Numbers the layers while they are listed.
#[derive(Default)]
pub(crate) struct Builder {
    pub(crate) layers: Vec<LayerSpec>,
    convs: usize,
}

impl Builder {
    pub(crate) fn conv(&mut self, window: Window2d, channels: usize) {
        self.conv_with(window, channels, Nonlinearity::Relu);
    }

    pub(crate) fn conv_with(
        &mut self,
        window: Window2d,
        channels: usize,
        nonlinearity: Nonlinearity,
    ) {
        self.convs += 1;
        self.layers.push(LayerSpec::Conv {
            name: format!("conv{}", self.convs),
            window,
            channels,
            nonlinearity,
        });
    }

    pub(crate) fn class_maps(&mut self, classes: usize, activation: ClassMapActivation) {
        let nonlinearity = match activation {
            ClassMapActivation::Relu => Nonlinearity::Relu,
            ClassMapActivation::Identity => Nonlinearity::Identity,
        };
        self.conv_with(Window2d::square(1), classes, nonlinearity);
    }

    pub(crate) fn dropout(&mut self, p: f32, name: String) {
        if p > 0.0 {
            self.layers.push(LayerSpec::Dropout { name, p });
        }
    }

    fn pool(&mut self, window: Window2d, number: usize) {
        self.layers.push(LayerSpec::MaxPool {
            name: format!("pool{number}"),
            window,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_counts() {
        // Per architecture in the order of `ALL`: 10 classes, 100 classes.
        let counts = [
            (839_242, 856_612),
            (839_242, 856_612),
            (1_254_250, 1_271_620),
            (1_254_250, 1_271_620),
            (885_610, 902_980),
            (885_610, 902_980),
            (1_300_618, 1_317_988),
            (1_300_618, 1_317_988),
            (954_730, 972_100),
            (954_730, 972_100),
            (1_369_738, 1_387_108),
            (1_369_738, 1_387_108),
        ];
        for (architecture, (ten, hundred)) in Architecture::ALL.into_iter().zip(counts) {
            assert_eq!(
                Config::cifar10(architecture).parameter_count(),
                ten,
                "{architecture}"
            );
            assert_eq!(
                Config::cifar100(architecture).parameter_count(),
                hundred,
                "{architecture}"
            );
        }
    }

    #[test]
    fn shapes() -> Result<()> {
        for architecture in Architecture::ALL {
            let valid = Config::cifar10(architecture);
            assert_eq!(
                valid.output_shapes()?.last(),
                Some(&(10, 6, 6)),
                "{architecture}"
            );
            let same = Config {
                head_padding: HeadPadding::Same,
                ..valid
            };
            assert_eq!(
                same.output_shapes()?.last(),
                Some(&(10, 8, 8)),
                "{architecture}"
            );
        }
        let floor = Config {
            pool_rounding: Rounding::Floor,
            ..Config::base_c()
        };
        assert_eq!(floor.output_shapes()?.last(), Some(&(10, 5, 5)));
        let sides: Vec<usize> = Config::all_cnn_c()
            .output_shapes()?
            .iter()
            .map(|s| s.1)
            .collect();
        assert_eq!(sides, [32, 32, 32, 16, 16, 16, 16, 8, 8, 6, 6, 6]);
        Ok(())
    }

    #[test]
    fn errors() {
        let message = |config: Config| config.check().expect_err("accepted").to_string();
        let good = Config::all_cnn_c;
        assert!(
            message(Config {
                classes: 0,
                ..good()
            })
            .contains("0 classes")
        );
        assert!(
            message(Config {
                width: 0.0,
                ..good()
            })
            .contains("width 0")
        );
        assert!(
            message(Config {
                width: f64::NAN,
                ..good()
            })
            .contains("width NaN")
        );
        assert!(
            message(Config {
                dropout: 1.0,
                ..good()
            })
            .contains("dropout 1")
        );
        let small = message(Config {
            image_size: (8, 32),
            ..good()
        });
        assert!(
            small.contains("8x32") && small.contains("smallest is 9x9"),
            "{small}"
        );
        let small = message(Config {
            image_size: (11, 11),
            ..Config::base_a()
        });
        assert!(small.contains("smallest is 12x12"), "{small}");
    }

    #[test]
    fn widths() {
        let narrow = Config {
            width: 1.0 / 6.0,
            ..Config::all_cnn_c()
        };
        let channels: Vec<usize> = narrow
            .layers()
            .iter()
            .filter_map(|layer| match layer {
                LayerSpec::Conv { channels, .. } => Some(*channels),
                _ => None,
            })
            .collect();
        assert_eq!(channels, [16, 16, 16, 32, 32, 32, 32, 32, 10]);
    }
}
