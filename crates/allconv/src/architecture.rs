//! The twelve CIFAR networks by name: three base models, four variants of each.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A base model of the paper's Table 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BaseModel {
    /// One 5x5 convolution before each pooling.
    A,
    /// A 5x5 and a 1x1 convolution before each pooling.
    B,
    /// Two 3x3 convolutions before each pooling.
    C,
}

/// What stands in the place of the pooling layers (the paper's Table 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Variant {
    /// 3x3 max pooling with stride 2.
    Base,
    /// No pooling: the convolution before it takes its stride.
    Strided,
    /// The pooling stays and gets one more dense convolution in front: the control for [`Variant::AllConv`].
    ConvPool,
    /// A 3x3 convolution with stride 2 in the place of the pooling.
    AllConv,
}

/// One of the twelve networks; `Display` and `FromStr` use the paper's names.
///
/// ```
/// use allconv::{Architecture, BaseModel, Variant};
/// let network: Architecture = "Strided-CNN-A".parse()?;
/// assert_eq!(network, Architecture::new(BaseModel::A, Variant::Strided));
/// assert_eq!(Architecture::new(BaseModel::C, Variant::AllConv).to_string(), "All-CNN-C");
/// assert_eq!(Architecture::new(BaseModel::B, Variant::Base).to_string(), "B");
/// # Ok::<(), allconv::UnknownArchitecture>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Architecture {
    /// The base model.
    pub base: BaseModel,
    /// The variant.
    pub variant: Variant,
}

impl Architecture {
    /// All twelve in the order of the paper's Table 3, row by row.
    pub const ALL: [Self; 12] = {
        use BaseModel::{A, B, C};
        use Variant::{AllConv, Base, ConvPool, Strided};
        [
            Self::new(A, Base),
            Self::new(A, Strided),
            Self::new(A, ConvPool),
            Self::new(A, AllConv),
            Self::new(B, Base),
            Self::new(B, Strided),
            Self::new(B, ConvPool),
            Self::new(B, AllConv),
            Self::new(C, Base),
            Self::new(C, Strided),
            Self::new(C, ConvPool),
            Self::new(C, AllConv),
        ]
    };

    /// The network of this base model and variant.
    pub const fn new(base: BaseModel, variant: Variant) -> Self {
        Self { base, variant }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = match self.variant {
            Variant::Base => "",
            Variant::Strided => "Strided-CNN-",
            Variant::ConvPool => "ConvPool-CNN-",
            Variant::AllConv => "All-CNN-",
        };
        // `pad` keeps width and alignment of the format string working.
        f.pad(&format!("{prefix}{:?}", self.base))
    }
}

/// A name that is none of the twelve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no All-CNN architecture is called {0:?}; use A, B or C, or one of these letters after Strided-CNN-, ConvPool-CNN- or All-CNN-"
)]
pub struct UnknownArchitecture(pub String);

impl FromStr for Architecture {
    type Err = UnknownArchitecture;

    /// Case does not matter.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|known| known.to_string().eq_ignore_ascii_case(name))
            .ok_or_else(|| UnknownArchitecture(name.to_string()))
    }
}

impl TryFrom<String> for Architecture {
    type Error = UnknownArchitecture;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<Architecture> for String {
    fn from(architecture: Architecture) -> Self {
        architecture.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for architecture in Architecture::ALL {
            assert_eq!(architecture.to_string().parse(), Ok(architecture));
        }
        assert_eq!(
            "all-cnn-c".parse(),
            Ok(Architecture::new(BaseModel::C, Variant::AllConv))
        );
        assert_eq!(format!("{:>4}", Architecture::ALL[0]), "   A");
    }

    #[test]
    fn errors() {
        let error = "All-CNN-D".parse::<Architecture>().unwrap_err().to_string();
        assert!(
            error.contains("All-CNN-D") && error.contains("ConvPool-CNN-"),
            "{error}"
        );
    }
}
