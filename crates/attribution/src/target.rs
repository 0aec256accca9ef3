//! The unit that an attribution starts from.

use candle_core::{DType, Device, Result, Tensor, bail};

/// A unit of a layer.
///
/// ```
/// use attribution::Target;
/// assert_eq!(Target::class(3).to_string(), "class 3");
/// assert_eq!(Target::strongest("conv6", 12).to_string(), "the strongest unit of channel 12 of conv6");
/// assert_eq!(Target::unit("conv6", 12, (4, 5)).to_string(), "unit (4, 5) of channel 12 of conv6");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    layer: String,
    unit: Unit,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Unit {
    Class(usize),
    Classes(Vec<usize>),
    Strongest(usize),
    At(usize, (usize, usize)),
}

/// The layer of the class scores, by the convention of [`striate::Network`].
const LOGITS: &str = "logits";

impl Target {
    /// The score of a class.
    pub fn class(class: usize) -> Self {
        Self {
            layer: LOGITS.to_owned(),
            unit: Unit::Class(class),
        }
    }

    /// The score of another class for each image.
    pub fn classes(classes: impl IntoIterator<Item = usize>) -> Self {
        Self {
            layer: LOGITS.to_owned(),
            unit: Unit::Classes(classes.into_iter().collect()),
        }
    }

    /// The unit of a channel that answers most to the image, a different one for each image of a batch.
    /// Of equal units the first in row-major order.
    pub fn strongest(layer: impl Into<String>, channel: usize) -> Self {
        Self {
            layer: layer.into(),
            unit: Unit::Strongest(channel),
        }
    }

    /// The unit of a channel at a position (row, column).
    pub fn unit(layer: impl Into<String>, channel: usize, position: (usize, usize)) -> Self {
        Self {
            layer: layer.into(),
            unit: Unit::At(channel, position),
        }
    }

    /// The layer's name.
    pub fn layer(&self) -> &str {
        &self.layer
    }

    /// The activation of the unit for each image, (N).
    pub(super) fn select(&self, output: &Tensor) -> Result<Tensor> {
        let layer = &self.layer;
        let (maps, channels) = match *output.dims() {
            [n, c] => (output.reshape((n, c, 1))?, c),
            [n, c, h, w] => (output.reshape((n, c, h * w))?, c),
            ref dims => {
                bail!("attribution: {layer} gives {dims:?}; (N, C) or (N, C, H, W) is wanted")
            }
        };
        let images = maps.dim(0)?;
        let check = |channel: usize| match channel < channels {
            true => Ok(channel),
            false => {
                bail!("attribution: {self} does not exist, {layer} has {channels} channels, from 0")
            }
        };
        let map = |channel: usize| maps.narrow(1, check(channel)?, 1)?.squeeze(1);
        match &self.unit {
            Unit::Class(class) => map(*class)?.mean(1),
            Unit::Classes(classes) if classes.len() != images => bail!(
                "attribution: {} classes for {images} images; give one for each",
                classes.len()
            ),
            Unit::Classes(classes) => {
                let index: Vec<u32> = classes
                    .iter()
                    .map(|&class| Ok(check(class)? as u32))
                    .collect::<Result<_>>()?;
                let index = Tensor::from_vec(index, (images, 1), output.device())?;
                maps.mean(2)?.gather(&index, 1)?.squeeze(1)
            }
            Unit::Strongest(channel) => {
                let map = map(*channel)?.contiguous()?;
                // Not every device casts to f64.
                let values = map.detach().to_device(&Device::Cpu)?;
                let values: Vec<Vec<f64>> = values.to_dtype(DType::F64)?.to_vec2()?;
                let index: Vec<u32> = values.iter().map(|row| first_maximum(row) as u32).collect();
                let index = Tensor::from_vec(index, (images, 1), output.device())?;
                map.gather(&index, 1)?.squeeze(1)
            }
            Unit::At(channel, (y, x)) => {
                let (h, w) = match *output.dims() {
                    [_, _, h, w] => (h, w),
                    _ => (1, 1),
                };
                if *y >= h || *x >= w {
                    bail!(
                        "attribution: {self} does not exist, the maps of {layer} are {h}x{w}, from (0, 0)"
                    );
                }
                map(*channel)?.narrow(1, y * w + x, 1)?.squeeze(1)
            }
        }
    }
}

/// The index of the largest value, the first of equal ones.
pub(super) fn first_maximum(values: &[f64]) -> usize {
    let better = |best: usize, at: usize| if values[at] > values[best] { at } else { best };
    (0..values.len()).fold(0, better)
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let layer = &self.layer;
        match &self.unit {
            Unit::Class(class) => write!(f, "class {class}"),
            Unit::Classes(classes) => write!(f, "classes {classes:?}"),
            Unit::Strongest(channel) => {
                write!(f, "the strongest unit of channel {channel} of {layer}")
            }
            Unit::At(channel, at) => write!(f, "unit {at:?} of channel {channel} of {layer}"),
        }
    }
}
