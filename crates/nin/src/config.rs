//! The networks as data: presets, layer lists, sizes, parameter counts.

use std::fmt;

use candle_core::{Result, bail};
use serde::{Deserialize, Serialize};
use striate::Window2d;

use crate::head::Head;
use crate::initialization::{Initialization, Place};
use crate::mlpconv::MlpConvConfig;

/// What follows the class maps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassMapActivation {
    /// ReLU, as in the authors' files: the maps are confidences, never negative.
    #[default]
    Relu,
    /// Nothing, as in the fastest known reproduction (MatConvNet).
    Identity,
}

/// A pooling between two blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Pool {
    /// The maximum of each window.
    Max(Window2d),
    /// The mean of each window; padding counts as zeros.
    Average(Window2d),
}

impl Pool {
    /// Overlapping 3x3 max pooling with stride 2 that rounds up, as the paper's framework does: 32, 16, 8.
    pub fn overlapping_max() -> Self {
        Self::Max(Window2d::square(3).stride(2).ceil())
    }

    /// The window.
    pub fn window(&self) -> &Window2d {
        match self {
            Self::Max(window) | Self::Average(window) => window,
        }
    }
}

/// An mlpconv layer and the pooling behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockConfig {
    /// The mlpconv layer; in the last block without the class maps, which are added from [`NinConfig::classes`].
    pub mlpconv: MlpConvConfig,
    /// The pooling behind it, with dropout behind that.
    pub pool: Option<Pool>,
}

/// A network of mlpconv blocks.
///
/// The presets are the networks of the authors' definition files; change fields for anything else:
///
/// ```
/// use nin::{Head, NinConfig};
/// let dense = NinConfig { head: Head::FullyConnected, ..NinConfig::cifar10() };
/// assert_eq!(NinConfig::cifar10().parameter_count()?, 966_986);
/// assert_eq!(dense.parameter_count()?, 966_986 + 10 * 641);
/// # Ok::<(), nin::candle_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NinConfig {
    /// The mlpconv blocks in forward order.
    pub blocks: Vec<BlockConfig>,
    /// Number of classes, and of class maps.
    pub classes: usize,
    /// Channels of an image.
    pub in_channels: usize,
    /// Height and width of the images that the network is meant for.
    /// With global average pooling it runs on every size that is not too small.
    pub image_size: (usize, usize),
    /// Factor on the maps of every layer but the class maps, rounded to whole maps.
    pub width: f64,
    /// What follows the class maps.
    pub class_map_activation: ClassMapActivation,
    /// Dropout behind each pooling.
    pub dropout: f32,
    /// What turns class maps into logits.
    pub head: Head,
    /// What new weights are drawn from.
    pub initialization: Initialization,
}

impl NinConfig {
    /// CIFAR-10: 966,986 parameters.
    pub fn cifar10() -> Self {
        let blocks = [
            (5, vec![192, 160, 96]),
            (5, vec![192, 192, 192]),
            (3, vec![192, 192]),
        ];
        Self::new(3, (32, 32), blocks)
    }

    /// CIFAR-100: the CIFAR-10 network with 100 class maps, 984,356 parameters.
    pub fn cifar100() -> Self {
        Self {
            classes: 100,
            ..Self::cifar10()
        }
    }

    /// Street View House Numbers: 1,986,026 parameters.
    pub fn svhn() -> Self {
        let blocks = [
            (5, vec![128, 96, 64]),
            (5, vec![320, 256, 128]),
            (5, vec![384, 256]),
        ];
        Self::new(3, (32, 32), blocks)
    }

    /// MNIST: 349,674 parameters.
    pub fn mnist() -> Self {
        let blocks = [
            (5, vec![96, 64, 48]),
            (5, vec![128, 96, 48]),
            (5, vec![128, 96]),
        ];
        Self::new(1, (28, 28), blocks)
    }

    /// CIFAR-10 as in the authors' copy in the Caffe model zoo: the second pooling averages.
    pub fn cifar10_model_zoo() -> Self {
        let mut config = Self::cifar10();
        config.blocks[1].pool = Some(Pool::Average(Window2d::square(3).stride(2).ceil()));
        config
    }

    /// CIFAR-10 as in the common PyTorch port: the model zoo's network with poolings that pad by one cell and round down.
    ///
    /// [`torch::load`](crate::torch::load) reads the weights of that port.
    pub fn cifar10_pytorch_port() -> Self {
        let mut config = Self::cifar10();
        let window = Window2d::square(3).stride(2).padding(1);
        config.blocks[0].pool = Some(Pool::Max(window));
        config.blocks[1].pool = Some(Pool::Average(window));
        config
    }

    /// Three blocks of (kernel, maps), a pooling behind the first two.
    fn new(
        in_channels: usize,
        image_size: (usize, usize),
        blocks: [(usize, Vec<usize>); 3],
    ) -> Self {
        let last = blocks.len() - 1;
        let block = |(i, (kernel, channels)): (usize, (usize, Vec<usize>))| BlockConfig {
            mlpconv: MlpConvConfig::same(kernel, &channels),
            pool: (i < last).then(Pool::overlapping_max),
        };
        Self {
            blocks: blocks.into_iter().enumerate().map(block).collect(),
            classes: 10,
            in_channels,
            image_size,
            width: 1.0,
            class_map_activation: ClassMapActivation::Relu,
            dropout: 0.5,
            head: Head::GlobalAvgPool,
            initialization: Initialization::Guarded,
        }
    }

    /// Scalars in all weights and biases.
    ///
    /// # Errors
    /// With a fully connected head, an image that is too small.
    pub fn parameter_count(&self) -> Result<usize> {
        let convs = self.convs().into_iter().flatten();
        let count: usize = convs.map(|conv| conv.channels * (conv.fan_in() + 1)).sum();
        match self.head.is_fully_connected() {
            false => Ok(count),
            true => {
                let (c, h, w) = self.class_map_shape(self.image_size)?;
                Ok(count + self.head.parameter_count((c, h, w), self.classes))
            }
        }
    }

    /// The name of each layer and the shape (channels, height, width) behind it, for an image of [`NinConfig::image_size`].
    ///
    /// # Errors
    /// An image that is too small.
    pub fn output_shapes(&self) -> Result<Vec<NamedShape>> {
        self.shapes(self.image_size)
    }

    /// The shape of the class maps for an image of this size.
    pub(crate) fn class_map_shape(&self, size: (usize, usize)) -> Result<(usize, usize, usize)> {
        match self.shapes(size)?.pop() {
            Some((_, shape)) => Ok(shape),
            None => bail!("nin: a network without blocks has no class maps; add one to blocks"),
        }
    }

    fn shapes(&self, size: (usize, usize)) -> Result<Vec<NamedShape>> {
        let mut shapes = Vec::new();
        let (mut channels, (mut h, mut w)) = (self.in_channels, size);
        for (name, window, out) in self.windows() {
            (h, w) = match window.output_size(h, w) {
                Ok(size) => size,
                Err(_) => bail!(
                    "nin: an image of {}x{} is too small, nothing is left of it at {name}; the smallest is {}",
                    size.0,
                    size.1,
                    self.smallest_image()
                ),
            };
            channels = out.unwrap_or(channels);
            shapes.push((name, (channels, h, w)));
        }
        Ok(shapes)
    }

    /// Name, window and output channels of each layer that has a window.
    fn windows(&self) -> Vec<(String, Window2d, Option<usize>)> {
        let mut windows = Vec::new();
        for (i, (block, convs)) in self.blocks.iter().zip(self.convs()).enumerate() {
            windows.extend(
                convs
                    .into_iter()
                    .map(|c| (c.name, c.window, Some(c.channels))),
            );
            let pool = block.pool.iter();
            windows.extend(pool.map(|pool| (pool_name(i), *pool.window(), None)));
        }
        windows
    }

    fn smallest_image(&self) -> String {
        let windows = self.windows();
        let fits = |side: usize| {
            let mut size = Ok((side, side));
            for (_, window, _) in &windows {
                size = size.and_then(|(h, w)| window.output_size(h, w));
            }
            size.is_ok()
        };
        match (1..=4096).find(|&side| fits(side)) {
            Some(side) => format!("{side}x{side}"),
            None => "larger than 4096x4096".to_string(),
        }
    }

    /// Refuses values without a meaning.
    ///
    /// # Errors
    /// No blocks, maps, classes or channels, a width that is not positive, a dropout outside [0, 1), an image that is too small.
    pub fn check(&self) -> Result<()> {
        check_sizes(self.classes, self.in_channels, self.width)?;
        for (what, p) in [("dropout", self.dropout), ("head", self.head.dropout())] {
            check_dropout(what, p)?;
        }
        for (i, convs) in self.convs().iter().enumerate() {
            let named = i + 1;
            if convs.is_empty() || self.blocks[i].mlpconv.channels.contains(&0) {
                bail!(
                    "nin: block {named} has a layer without maps, or no layer; list at least one map for each"
                );
            }
        }
        self.class_map_shape(self.image_size).map(|_| ())
    }

    /// The convolutions, block by block.
    pub(crate) fn convs(&self) -> Vec<Vec<ConvSpec>> {
        let mut inputs = self.in_channels;
        let mut cccps = 0;
        let mut convs = Vec::with_capacity(self.blocks.len());
        for (i, block) in self.blocks.iter().enumerate() {
            let is_last = i + 1 == self.blocks.len();
            let hidden = block
                .mlpconv
                .channels
                .iter()
                .map(|&c| scaled(c, self.width));
            let classes = is_last.then_some(self.classes);
            let channels: Vec<usize> = hidden.chain(classes).collect();
            let mut list = Vec::with_capacity(channels.len());
            for (j, &out) in channels.iter().enumerate() {
                let is_class_maps = is_last && j + 1 == channels.len();
                let (name, window) = if j == 0 {
                    (format!("conv{}", i + 1), block.mlpconv.window)
                } else {
                    cccps += 1;
                    (format!("cccp{cccps}"), Window2d::square(1))
                };
                let place = match (i, j) {
                    _ if is_class_maps && self.head.is_fully_connected() => Place::DenseInput,
                    _ if is_class_maps && self.class_map_activation == ClassMapActivation::Relu => {
                        Place::ReluClassMaps
                    }
                    _ if is_class_maps => Place::Logits,
                    (0, 0) => Place::FirstConv,
                    (0, _) => Place::FirstCccp,
                    (_, 0) if self.blocks[i - 1].pool.is_some() => Place::BehindPool,
                    _ => Place::Hidden,
                };
                list.push(ConvSpec {
                    name,
                    window,
                    in_channels: inputs,
                    channels: out,
                    place,
                });
                inputs = out;
            }
            convs.push(list);
        }
        convs
    }
}

/// `NIN 5x5(192-160-96) max3/2 5x5(192-192-192) max3/2 3x3(192-192-10) global average pooling`.
impl fmt::Display for NinConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NIN")?;
        for (block, convs) in self.blocks.iter().zip(self.convs()) {
            let channels: Vec<String> = convs.iter().map(|c| c.channels.to_string()).collect();
            let (h, w) = block.mlpconv.window.size;
            write!(f, " {h}x{w}({})", channels.join("-"))?;
            if let Some(pool) = &block.pool {
                let name = match pool {
                    Pool::Max(_) => "max",
                    Pool::Average(_) => "avg",
                };
                let window = pool.window();
                write!(f, " {name}{}/{}", window.size.0, window.stride.0)?;
            }
        }
        write!(f, " {}", self.head)
    }
}

/// A layer's name and the shape (channels, height, width) behind it.
pub type NamedShape = (String, (usize, usize, usize));

/// One convolution of a network.
#[derive(Clone, Debug)]
pub(crate) struct ConvSpec {
    pub(crate) name: String,
    pub(crate) window: Window2d,
    pub(crate) in_channels: usize,
    pub(crate) channels: usize,
    pub(crate) place: Place,
}

impl ConvSpec {
    /// Inputs of one output unit.
    pub(crate) fn fan_in(&self) -> usize {
        self.in_channels * self.window.size.0 * self.window.size.1
    }
}

/// The name of the pooling behind block `index`.
pub(crate) fn pool_name(index: usize) -> String {
    format!("pool{}", index + 1)
}

/// The paper's number of maps times the width, at least one.
pub(crate) fn scaled(maps: usize, width: f64) -> usize {
    ((maps as f64 * width).round() as usize).max(1)
}

pub(crate) fn check_sizes(classes: usize, in_channels: usize, width: f64) -> Result<()> {
    if classes == 0 || in_channels == 0 {
        bail!("nin: {classes} classes and {in_channels} input channels; both must be at least 1");
    }
    if !(width > 0.0 && width <= 64.0) {
        bail!("nin: width {width} must be above 0 and at most 64");
    }
    Ok(())
}

pub(crate) fn check_dropout(what: &str, p: f32) -> Result<()> {
    if !(0.0..1.0).contains(&p) {
        bail!("nin: {what}: the dropout probability {p} must be at least 0 and below 1");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
