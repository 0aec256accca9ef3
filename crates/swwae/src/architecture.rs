//! The paper's notation for networks: `(64)5c-2p-(64)3c-2p-10fc`.
//!
//! | token | layer |
//! |:--|:--|
//! | `(64)5c` | convolution with 64 maps of 5x5 cells, padded to keep the size, and a ReLU |
//! | `2p` | max pooling over 2x2 cells, stride 2 |
//! | `10fc` | fully connected layer with 10 units |

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use striate::layer_list::scaled;

/// One layer of an [`Architecture`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layer {
    /// `(maps)kernel c`.
    Conv {
        /// Output maps.
        maps: usize,
        /// Side of the kernel, an odd number.
        kernel: usize,
    },
    /// `size p`.
    Pool {
        /// Side of a window, and its stride.
        size: usize,
    },
    /// `units fc`.
    Fc {
        /// Output units.
        units: usize,
    },
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conv { maps, kernel } => write!(f, "({maps}){kernel}c"),
            Self::Pool { size } => write!(f, "{size}p"),
            Self::Fc { units } => write!(f, "{units}fc"),
        }
    }
}

/// A network as a list of layers: convolutions and poolings, then fully connected layers.
///
/// ```
/// use swwae::{Architecture, Layer};
/// let net: Architecture = "(64)5c-2p-(64)3c-(64)3c-2p-10fc".parse()?;
/// assert_eq!(net.layers()[1], Layer::Pool { size: 2 });
/// assert_eq!(net.to_string(), "(64)5c-2p-(64)3c-(64)3c-2p-10fc");
/// let error = "(64)5c-2q".parse::<Architecture>().unwrap_err();
/// assert_eq!(error.position, 8);
/// # Ok::<(), swwae::ParseArchitectureError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Architecture {
    layers: Vec<Layer>,
}

impl Architecture {
    /// The network of these layers, which are known to follow each other rightly.
    pub(crate) fn from_layers(layers: Vec<Layer>) -> Self {
        Self { layers }
    }

    /// The layers in forward order.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The same network with every convolution's maps times `width`, rounded, at least one.
    #[must_use]
    pub fn scaled(&self, width: f64) -> Self {
        let scale = |layer: &Layer| match *layer {
            Layer::Conv { maps, kernel } => Layer::Conv {
                maps: scaled(maps, width),
                kernel,
            },
            other => other,
        };
        Self {
            layers: self.layers.iter().map(scale).collect(),
        }
    }

    /// Units of the last fully connected layer, if there is one.
    pub fn classes(&self) -> Option<usize> {
        match self.layers.last() {
            Some(&Layer::Fc { units }) => Some(units),
            _ => None,
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layers: Vec<String> = self.layers.iter().map(Layer::to_string).collect();
        f.pad(&layers.join("-"))
    }
}

/// Why a text is no architecture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("architecture {text:?}: {token:?} at character {position} {reason}")]
pub struct ParseArchitectureError {
    /// The whole text.
    pub text: String,
    /// The token that is wrong.
    pub token: String,
    /// The number of its first character, counted from 1.
    pub position: usize,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl FromStr for Architecture {
    type Err = ParseArchitectureError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut layers: Vec<Layer> = Vec::new();
        let mut position = 1;
        for token in text.split('-') {
            let layer = parse(token).and_then(|layer| after(layers.last(), layer));
            match layer {
                Ok(layer) => layers.push(layer),
                Err(reason) => {
                    return Err(ParseArchitectureError {
                        text: text.to_string(),
                        token: token.to_string(),
                        position,
                        reason,
                    });
                }
            }
            position += token.chars().count() + 1;
        }
        Ok(Self { layers })
    }
}

impl TryFrom<String> for Architecture {
    type Error = ParseArchitectureError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Architecture> for String {
    fn from(architecture: Architecture) -> Self {
        architecture.to_string()
    }
}

const UNKNOWN: &str =
    "is no layer; use (64)5c for a convolution, 2p for a pooling, 10fc for a fully connected layer";

fn parse(token: &str) -> Result<Layer, &'static str> {
    if let Some(units) = token.strip_suffix("fc") {
        return Ok(Layer::Fc {
            units: number(units)?,
        });
    }
    if let Some(size) = token.strip_suffix('p') {
        return Ok(Layer::Pool {
            size: number(size)?,
        });
    }
    let conv = token
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix('c'));
    let Some((maps, kernel)) = conv.and_then(|rest| rest.split_once(')')) else {
        return Err(UNKNOWN);
    };
    let (maps, kernel) = (number(maps)?, number(kernel)?);
    if kernel.is_multiple_of(2) {
        return Err("has an even kernel; a convolution that keeps the size needs an odd one");
    }
    Ok(Layer::Conv { maps, kernel })
}

/// A whole number from 1 to a million, without sign or leading zeros, so that `Display` gives it back.
fn number(text: &str) -> Result<usize, &'static str> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(UNKNOWN);
    }
    if text.starts_with('0') {
        return Err("has a number that is 0 or starts with 0; the smallest is 1");
    }
    match text.parse() {
        Ok(number) if number <= 1_000_000 => Ok(number),
        _ => Err("has a number above a million"),
    }
}

/// Refuses layers of maps after a layer without maps.
fn after(before: Option<&Layer>, layer: Layer) -> Result<Layer, &'static str> {
    match (before, layer) {
        (Some(Layer::Fc { .. }), Layer::Conv { .. } | Layer::Pool { .. }) => {
            Err("follows a fully connected layer, which has no maps; move it before")
        }
        (None, Layer::Fc { .. }) => {
            Err("comes first; an auto-encoder needs a convolution before its classifier")
        }
        _ => Ok(layer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, position: usize, reason: &str) {
        let error = text.parse::<Architecture>().expect_err("accepted");
        assert_eq!(error.position, position, "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }

    #[test]
    fn round_trips() {
        for text in [
            "(64)5c-2p-(64)3c-2p-(64)3c-2p-10fc",
            "(16)5c-(32)3c-16p",
            "(1)1c",
            "2p-(8)3c-500fc-10fc",
        ] {
            assert_eq!(
                text.parse().map(|a: Architecture| a.to_string()),
                Ok(text.to_string())
            );
        }
    }

    #[test]
    fn errors() {
        check("", 1, "is no layer");
        check("(64)5c-2q-10fc", 8, "\"2q\" at character 8 is no layer");
        check("(64)5c--2p", 8, "is no layer");
        check("(64)5c-", 8, "is no layer");
        check("(64)5C", 1, "is no layer");
        check(" (64)5c", 1, "is no layer");
        check("(64)5c-(32)c", 8, "is no layer");
        check("(64)5c-64)3c", 8, "is no layer");
        check("(+4)5c", 1, "is no layer");
        check("(é)5c", 1, "is no layer");
        check("(64)5c-(64)4c", 8, "even kernel");
        check("(64)5c-0p", 8, "0");
        check("(064)5c", 1, "0");
        check("(64)5c-99999999999999999999fc", 8, "above a million");
        check("(64)5c-10fc-2p", 13, "follows a fully connected layer");
        check("10fc", 1, "comes first");
    }

    #[test]
    fn scaling() -> Result<(), ParseArchitectureError> {
        let net: Architecture = "(64)5c-2p-(3)3c-10fc".parse()?;
        assert_eq!(net.scaled(0.125).to_string(), "(8)5c-2p-(1)3c-10fc");
        assert_eq!(
            (net.classes(), "(1)3c".parse::<Architecture>()?.classes()),
            (Some(10), None)
        );
        Ok(())
    }
}
