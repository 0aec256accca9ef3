//! The large All-CNN of the heavy augmentation experiment (appendix): 17 unpadded convolutions and the class maps.

use candle_core::{Result, bail};
use serde::{Deserialize, Serialize};
use striate::Window2d;
use striate::layer_list::{check_sizes, scaled};

use crate::builder::Builder;
use crate::layer::{LayerSpec, Nonlinearity, output_shapes, parameter_count};

/// The large All-CNN; 77.5 million parameters at full width, 126x126 images.
///
/// # Deviations
/// The paper names leaky ReLU and the dropout rates, but neither the slope nor the side of the convolution that dropout is on.
/// The slope is an option; dropout stands after its convolution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LargeConfig {
    /// Number of classes.
    pub classes: usize,
    /// Channels of an image.
    pub in_channels: usize,
    /// Height and width of the images that the network is meant for; 126 ends in exactly one position.
    pub image_size: (usize, usize),
    /// Factor on the 320 to 1920 channels of the paper.
    pub width: f64,
    /// Slope of the leaky ReLU below 0.
    pub slope: f64,
    /// Factor on the dropout rates of the paper, 0.1 to 0.5.
    pub dropout: f32,
}

impl LargeConfig {
    /// The network for CIFAR-10 images on a canvas of 126x126.
    pub fn cifar10() -> Self {
        Self {
            classes: 10,
            in_channels: 3,
            image_size: (126, 126),
            width: 1.0,
            slope: 1.0 / 3.0,
            dropout: 1.0,
        }
    }

    /// The layers in forward order; global average pooling follows the last one.
    pub fn layers(&self) -> Vec<LayerSpec> {
        let leaky = Nonlinearity::LeakyRelu { slope: self.slope };
        let mut list = Builder::default();
        let mut drops = 0;
        let mut dropout = |list: &mut Builder, p: f32| {
            drops += 1;
            list.dropout(p * self.dropout, format!("drop{drops}"));
        };
        for (channels, p) in [(320, 0.0), (640, 0.1), (960, 0.2), (1280, 0.3), (1600, 0.4)] {
            for stride in [1, 1, 2] {
                list.conv_with(
                    Window2d::square(2).stride(stride),
                    self.channels(channels),
                    leaky,
                );
                if stride == 1 && p > 0.0 {
                    dropout(&mut list, p);
                }
            }
        }
        for kernel in [2, 1] {
            list.conv_with(Window2d::square(kernel), self.channels(1920), leaky);
            dropout(&mut list, 0.5);
        }
        list.conv_with(Window2d::square(1), self.classes, Nonlinearity::Identity);
        list.layers
    }

    /// Scalars in all weights and biases.
    pub fn parameter_count(&self) -> usize {
        parameter_count(self.in_channels, &self.layers())
    }

    /// Refuses values without a meaning.
    ///
    /// # Errors
    /// No classes or channels, a width that is not positive, a dropout factor outside [0, 2), a slope that is not finite,
    /// an image that is too small.
    pub fn check(&self) -> Result<()> {
        check_sizes(
            "large all-cnn",
            self.classes,
            self.in_channels,
            self.width,
            8.0,
        )?;
        if !(0.0..2.0).contains(&self.dropout) {
            bail!(
                "large all-cnn: dropout factor {} must be at least 0 and below 2",
                self.dropout
            );
        }
        if !self.slope.is_finite() {
            bail!("large all-cnn: slope {} must be finite", self.slope);
        }
        let (h, w) = self.image_size;
        output_shapes((self.in_channels, h, w), &self.layers()).map(|_| ())
    }

    fn channels(&self, paper: usize) -> usize {
        scaled(paper, self.width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() -> Result<()> {
        let config = LargeConfig::cifar10();
        let sides: Vec<usize> = config
            .layers()
            .iter()
            .zip(output_shapes((3, 126, 126), &config.layers())?)
            .filter(|(layer, _)| layer.window().is_some())
            .map(|(_, shape)| shape.1)
            .collect();
        assert_eq!(
            sides,
            [
                125, 124, 62, 61, 60, 30, 29, 28, 14, 13, 12, 6, 5, 4, 2, 1, 1, 1
            ]
        );
        Ok(())
    }

    #[test]
    fn parameter_counts() {
        let count = LargeConfig::cifar10().parameter_count();
        assert_eq!((count as f64 / 1e5).round(), 775.0, "{count}");
    }

    #[test]
    fn errors() {
        let small = LargeConfig {
            image_size: (100, 126),
            ..LargeConfig::cifar10()
        };
        let error = small.check().expect_err("accepted").to_string();
        assert!(
            error.contains("100x126") && error.contains("smallest is"),
            "{error}"
        );
        let none = LargeConfig {
            classes: 0,
            ..LargeConfig::cifar10()
        };
        assert!(none.check().is_err());
        let steep = LargeConfig {
            slope: f64::NAN,
            ..LargeConfig::cifar10()
        };
        let error = steep.check().expect_err("accepted").to_string();
        assert!(error.contains("slope NaN must be finite"), "{error}");
    }
}
