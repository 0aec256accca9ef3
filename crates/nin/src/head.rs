//! From class maps to logits: the global average, or a fully connected layer in its place.

use std::fmt;

use candle_core::{Result, bail};
use candle_nn::{Linear, Module, VarBuilder};
use serde::{Deserialize, Serialize};
use striate::layers::{Dropout, GlobalAvgPool, Link};
use striate::ops::cpu;
use striate::{Chain, Clock};

use crate::initialization::{Initialization, Position};

/// What stands on top of the last maps.
///
/// # Source
/// Sec. 3.2 and 4.6 (Table 5): the fully connected heads replace the average by a dense layer on the vectorized maps
/// and leave the rest of the network as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Head {
    /// The mean of each class map: S_c = mean over (i, j) of f_c\[i,j\].
    #[default]
    GlobalAvgPool,
    /// The same with dropout on the class maps, which the paper does not have.
    GlobalAvgPoolDropout {
        /// Probability that a value of a class map is zeroed.
        p: f32,
    },
    /// A dense layer on the vectorized maps.
    FullyConnected,
    /// Dropout on the vectorized maps, then a dense layer.
    FullyConnectedDropout {
        /// Probability that a value is zeroed.
        p: f32,
    },
}

impl Head {
    /// The dropout in front of the average or the dense layer.
    pub fn dropout(self) -> f32 {
        match self {
            Self::GlobalAvgPool | Self::FullyConnected => 0.0,
            Self::GlobalAvgPoolDropout { p } | Self::FullyConnectedDropout { p } => p,
        }
    }

    /// Whether a dense layer reads the maps.
    pub fn is_fully_connected(self) -> bool {
        match self {
            Self::GlobalAvgPool | Self::GlobalAvgPoolDropout { .. } => false,
            Self::FullyConnected | Self::FullyConnectedDropout { .. } => true,
        }
    }

    /// Scalars in weight and bias of the head on maps of this shape; `usize::MAX` stands for more than that.
    pub fn parameter_count(self, (c, h, w): (usize, usize, usize), classes: usize) -> usize {
        if self.is_fully_connected() {
            let inputs = c.saturating_mul(h).saturating_mul(w);
            inputs.saturating_add(1).saturating_mul(classes)
        } else {
            0
        }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.is_fully_connected() {
            "fully connected"
        } else {
            "global average pooling"
        };
        match self.dropout() {
            0.0 => f.pad(name),
            _ => f.pad(&format!("{name} + dropout")),
        }
    }
}

/// A [`Head`] with its parameters.
#[derive(Clone, Debug)]
pub(crate) struct HeadLayer {
    dropout: Option<Dropout>,
    dense: Option<Linear>,
    /// Shape of the maps that a dense layer was built for.
    maps: (usize, usize, usize),
}

impl HeadLayer {
    /// The head on `maps` (channels, height, width), with `fc.weight` and `fc.bias` from `vb` if it is dense.
    pub(crate) fn new(
        head: Head,
        maps: (usize, usize, usize),
        classes: usize,
        initialization: Initialization,
        clock: &Clock,
        vb: &VarBuilder,
    ) -> Result<Self> {
        let p = head.dropout();
        let dropout = (p > 0.0).then(|| Dropout::with_clock(p, "drop_head", clock));
        let dense = if head.is_fully_connected() {
            let (c, h, w) = maps;
            let Some(inputs) = c.checked_mul(h).and_then(|maps| maps.checked_mul(w)) else {
                bail!("nin head: {c} maps of {h} x {w} are too many for a dense layer; use fewer");
            };
            let (weight, bias) = initialization.draws(Position::Logits, inputs);
            let vb = vb.pp("fc");
            let weight = vb.get_with_hints((classes, inputs), "weight", weight)?;
            Some(Linear::new(
                weight,
                Some(vb.get_with_hints(classes, "bias", bias)?),
            ))
        } else {
            None
        };
        Ok(Self {
            dropout,
            dense,
            maps,
        })
    }
}

impl Link for HeadLayer {
    fn link(&self, maps: Chain, train: bool) -> Result<Chain> {
        let maps = match &self.dropout {
            Some(dropout) => dropout.link(maps, train)?,
            None => maps,
        };
        let Some(dense) = &self.dense else {
            return GlobalAvgPool::new().link(maps, train);
        };
        maps.then(|maps| {
            let (_, c, h, w) = maps.dims4()?;
            if (c, h, w) != self.maps {
                bail!(
                    "nin: the fully connected head was built for maps of {:?}, the input leads to {:?}; \
                     give images of the network's image_size, or use a head with global average pooling",
                    self.maps,
                    (c, h, w)
                );
            }
            let maps = cpu::dense("nin head", maps)?;
            dense.forward(&maps.flatten_from(1)?)
        })
    }
}
