//! The layers of a network, block by block, and what follows from them: sizes, parameter counts, refusals.

use candle_core::{Result, bail};
use striate::Window2d;
use striate::layer_list::{
    LayerSpec, MapShape, Nonlinearity, check_dropout, check_layers, check_sizes,
    convolution_parameters, output_shapes, scaled,
};

use super::{BlockConfig, NinConfig, Pool};
use crate::NETWORK;

/// A layer's name and the shape (channels, height, width) after it.
pub type NamedShape = (String, MapShape);

impl NinConfig {
    /// The layers in forward order, the class maps last; the head follows.
    pub fn layers(&self) -> Vec<LayerSpec> {
        self.blocks_of_layers().concat()
    }

    /// Scalars in all weights and biases.
    ///
    /// # Errors
    /// With a fully connected head, an image that is too small.
    pub fn parameter_count(&self) -> Result<usize> {
        let count = convolution_parameters(self.in_channels, &self.layers());
        if !self.head.is_fully_connected() {
            return Ok(count);
        }
        let maps = self.class_map_shape(self.image_size)?;
        Ok(count.saturating_add(self.head.parameter_count(maps, self.classes)))
    }

    /// The name of each layer and the shape (channels, height, width) after it, for an image of [`NinConfig::image_size`].
    ///
    /// # Errors
    /// An image that is too small.
    pub fn output_shapes(&self) -> Result<Vec<NamedShape>> {
        let layers = self.layers();
        let shapes = self.shapes(&layers, self.image_size)?;
        let all = layers.iter().zip(shapes);
        let with_maps = all.filter(|(layer, _)| layer.window().is_some());
        Ok(with_maps
            .map(|(layer, shape)| (layer.name().to_string(), shape))
            .collect())
    }

    /// The shape of the class maps for an image of this size.
    pub(crate) fn class_map_shape(&self, size: (usize, usize)) -> Result<MapShape> {
        match self.shapes(&self.layers(), size)?.pop() {
            Some(shape) => Ok(shape),
            None => bail!("nin: a network without blocks has no class maps; add one to blocks"),
        }
    }

    fn shapes(&self, layers: &[LayerSpec], (h, w): (usize, usize)) -> Result<Vec<MapShape>> {
        output_shapes(NETWORK, (self.in_channels, h, w), layers)
    }

    /// Refuses values without a meaning.
    ///
    /// # Errors
    /// No blocks, maps, classes or channels, a width that is not positive, a dropout outside [0, 1), an image that is too small,
    /// a convolution that rounds up, a standard deviation that is negative or not finite.
    pub fn check(&self) -> Result<()> {
        check_sizes(NETWORK, self.classes, self.in_channels, self.width, 64.0)?;
        check_dropout(NETWORK, "dropout", self.dropout)?;
        check_dropout(NETWORK, "head", self.head.dropout())?;
        self.initialization.check()?;
        let last = self.blocks.len().saturating_sub(1);
        for (i, block) in self.blocks.iter().enumerate() {
            let hidden = &block.mlpconv.channels;
            if hidden.contains(&0) || (hidden.is_empty() && i < last) {
                bail!(
                    "nin: block {} has a layer without maps, or no layer; list at least one map for each",
                    i + 1
                );
            }
        }
        check_layers(NETWORK, self.in_channels, &self.layers())?;
        self.class_map_shape(self.image_size).map(|_| ())
    }

    /// The layers of each block: the convolutions, the pooling, dropout.
    pub(crate) fn blocks_of_layers(&self) -> Vec<Vec<LayerSpec>> {
        let mut cccps = 0;
        let blocks = self.blocks.iter().enumerate();
        blocks
            .map(|(i, block)| self.block(i, block, &mut cccps))
            .collect()
    }

    fn block(&self, i: usize, block: &BlockConfig, cccps: &mut usize) -> Vec<LayerSpec> {
        let number = i + 1;
        let classes = (number == self.blocks.len()).then_some(self.classes);
        let hidden = block.mlpconv.channels.iter();
        let hidden = hidden.map(|&maps| (scaled(maps, self.width), Nonlinearity::Relu));
        let class_maps = classes.map(|classes| (classes, self.class_map_activation.into()));
        let convs = hidden.chain(class_maps).enumerate();
        let mut layers: Vec<LayerSpec> = convs
            .map(|(j, (channels, nonlinearity))| {
                let (name, window) = if j == 0 {
                    (format!("conv{number}"), block.mlpconv.window)
                } else {
                    *cccps += 1;
                    (format!("cccp{cccps}"), Window2d::square(1))
                };
                LayerSpec::Conv {
                    name,
                    window,
                    channels,
                    nonlinearity,
                }
            })
            .collect();
        let name = format!("pool{number}");
        layers.extend(block.pool.map(|pool| match pool {
            Pool::Max(window) => LayerSpec::MaxPool { name, window },
            Pool::Average(window) => LayerSpec::AvgPool { name, window },
        }));
        if block.pool.is_some() && self.dropout > 0.0 {
            layers.push(LayerSpec::Dropout {
                name: format!("drop{number}"),
                p: self.dropout,
            });
        }
        layers
    }
}
