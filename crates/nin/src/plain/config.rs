//! The plain network as data.

use candle_core::{Result, bail};
use serde::{Deserialize, Serialize};
use striate::Window2d;
use striate::layer_list::{
    LayerSpec, MapShape, Nonlinearity, check_dropout, check_layers, check_sizes,
    convolution_parameters, output_shapes, scaled,
};

use crate::NETWORK;
use crate::config::ClassMapActivation;
use crate::head::Head;
use crate::initialization::Initialization;

/// Side of the local layer's filters.
pub(super) const LOCAL_KERNEL: usize = 3;

/// The plain network with one of the heads.
///
/// ```
/// use nin::{Head, PlainCnnConfig};
/// let dense = PlainCnnConfig::cifar10(Head::FullyConnectedDropout { p: 0.5 });
/// let average = PlainCnnConfig::cifar10(Head::GlobalAvgPool);
/// assert!(average.parameter_count()? < dense.parameter_count()?);
/// # Ok::<(), nin::candle_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlainCnnConfig {
    /// Number of classes.
    pub classes: usize,
    /// Channels of an image.
    pub in_channels: usize,
    /// Height and width of an image: the local layer belongs to positions, so no other size will do.
    pub image_size: (usize, usize),
    /// Factor on the 64 maps of the convolutions and the 16 maps of the local layer.
    pub width: f64,
    /// The head; under global average pooling the local layer has one map for each class.
    pub head: Head,
    /// What follows the local layer under global average pooling; a ReLU under a fully connected head.
    pub class_map_activation: ClassMapActivation,
    /// What new weights are drawn from.
    pub initialization: Initialization,
}

impl PlainCnnConfig {
    /// The paper's plain network for CIFAR-10 with this head.
    pub fn cifar10(head: Head) -> Self {
        Self {
            classes: 10,
            in_channels: 3,
            image_size: (32, 32),
            width: 1.0,
            head,
            class_map_activation: ClassMapActivation::Relu,
            initialization: Initialization::Guarded,
        }
    }

    /// The convolutions and poolings in forward order; the local layer and the head follow.
    pub fn layers(&self) -> Vec<LayerSpec> {
        let layer = |i: usize| {
            let conv = LayerSpec::Conv {
                name: format!("conv{i}"),
                window: Window2d::square(5).padding(2),
                channels: scaled(64, self.width),
                nonlinearity: Nonlinearity::Relu,
            };
            let pool = LayerSpec::MaxPool {
                name: format!("pool{i}"),
                window: Window2d::square(3).stride(2).ceil(),
            };
            [conv, pool]
        };
        (1..=3).flat_map(layer).collect()
    }

    /// Scalars in all weights and biases.
    ///
    /// # Errors
    /// An image that is too small.
    pub fn parameter_count(&self) -> Result<usize> {
        let (inputs, maps) = self.local_maps()?;
        let convs = convolution_parameters(self.in_channels, &self.layers());
        let positions = maps.1.saturating_mul(maps.2);
        let local = product([
            positions,
            maps.0,
            product([inputs, LOCAL_KERNEL, LOCAL_KERNEL]).saturating_add(1),
        ]);
        let head = self.head.parameter_count(maps, self.classes);
        Ok(convs.saturating_add(local).saturating_add(head))
    }

    /// Refuses values without a meaning.
    ///
    /// # Errors
    /// No classes or channels, a width that is not positive, a dropout outside [0, 1), an image that is too small,
    /// a standard deviation of the initialization that is negative or not finite.
    pub fn check(&self) -> Result<()> {
        check_sizes(NETWORK, self.classes, self.in_channels, self.width, 64.0)?;
        check_dropout(NETWORK, "head", self.head.dropout())?;
        self.initialization.check()?;
        check_layers(NETWORK, self.in_channels, &self.layers())?;
        self.local_maps().map(|_| ())
    }

    /// The channels that the local layer reads, and the shape of its output.
    pub(super) fn local_maps(&self) -> Result<(usize, MapShape)> {
        let (h, w) = self.image_size;
        let shapes = output_shapes(NETWORK, (self.in_channels, h, w), &self.layers())?;
        let Some(&(inputs, h, w)) = shapes.last() else {
            bail!("nin: the plain network has no layers");
        };
        let channels = match self.head.is_fully_connected() {
            true => scaled(16, self.width),
            false => self.classes,
        };
        Ok((inputs, (channels, h, w)))
    }
}

fn product(sizes: [usize; 3]) -> usize {
    sizes.into_iter().fold(1, usize::saturating_mul)
}
