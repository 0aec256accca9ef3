//! All-CNN-B scaled up for ImageNet: 12 convolutions, 9.4 million parameters.

use candle_core::Result;
use serde::{Deserialize, Serialize};
use striate::Window2d;
use striate::layer_list::{ClassMapActivation, check_dropout, check_sizes, scaled};

use crate::builder::Builder;
use crate::layer::{LayerSpec, output_shapes, parameter_count};

/// The ImageNet network.
///
/// The paper says that 224x224 images end in 6x6 class maps, but not where the convolutions are padded.
/// The padding here is that of the neon model zoo: 1 on the 11x11 and the 3x3 convolutions, 0 on the 5x5 one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageNetConfig {
    /// Number of classes.
    pub classes: usize,
    /// Channels of an image.
    pub in_channels: usize,
    /// Height and width of the images that the network is meant for.
    pub image_size: (usize, usize),
    /// Factor on the 96 to 1024 channels of the paper.
    pub width: f64,
    /// What follows the last convolution.
    pub class_map_activation: ClassMapActivation,
    /// Dropout before the last three convolutions, as in the neon model zoo.
    pub dropout: f32,
}

impl ImageNetConfig {
    /// The network for ILSVRC-2012.
    pub fn ilsvrc2012() -> Self {
        Self {
            classes: 1000,
            in_channels: 3,
            image_size: (224, 224),
            width: 1.0,
            class_map_activation: ClassMapActivation::Relu,
            dropout: 0.5,
        }
    }

    /// The layers in forward order; global average pooling follows the last one.
    pub fn layers(&self) -> Vec<LayerSpec> {
        let k = Window2d::square;
        let mut list = Builder::default();
        for (first, channels) in [
            (k(11).stride(4).padding(1), 96),
            (k(5), 256),
            (k(3).padding(1), 384),
        ] {
            let channels = self.channels(channels);
            list.conv(first, channels);
            list.conv(k(1), channels);
            list.conv(k(3).stride(2).padding(1), channels);
        }
        list.dropout(self.dropout, "drop1".to_string());
        list.conv(k(3).padding(1), self.channels(1024));
        list.conv(k(1), self.channels(1024));
        list.class_maps(self.classes, self.class_map_activation);
        list.layers
    }

    /// Scalars in all weights and biases.
    pub fn parameter_count(&self) -> usize {
        parameter_count(self.in_channels, &self.layers())
    }

    /// Refuses values without a meaning.
    ///
    /// # Errors
    /// No classes or channels, a width that is not positive, a dropout outside [0, 1), an image that is too small.
    pub fn check(&self) -> Result<()> {
        check_sizes(
            "imagenet all-cnn-b",
            self.classes,
            self.in_channels,
            self.width,
            8.0,
        )?;
        check_dropout("imagenet all-cnn-b", "dropout", self.dropout)?;
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
        let config = ImageNetConfig::ilsvrc2012();
        let shapes = output_shapes((3, 224, 224), &config.layers())?;
        assert_eq!(shapes.last(), Some(&(1000, 6, 6)));
        let sides: Vec<usize> = shapes.iter().map(|shape| shape.1).collect();
        assert_eq!(sides, [54, 54, 27, 23, 23, 12, 12, 12, 6, 6, 6, 6, 6]);
        Ok(())
    }

    #[test]
    fn parameter_counts() {
        assert_eq!(ImageNetConfig::ilsvrc2012().parameter_count(), 9_372_840);
    }
}
