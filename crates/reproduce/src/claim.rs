//! What a paper claims, and how sure we are of having read it right.

use serde::{Deserialize, Serialize};

/// Where a paper's number was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mark {
    /// Seen in a source that quotes the paper.
    Verified,
    /// From memory, no source at hand.
    FromMemory,
}

impl Mark {
    /// The sign that follows the number in a table.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Verified => "",
            Self::FromMemory => " (?)",
        }
    }
}

/// A number in a paper.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Claim {
    /// Test error in percent.
    pub(crate) error: f64,
    /// How sure we are.
    pub(crate) mark: Mark,
    /// The paper's data set and conditions.
    pub(crate) conditions: &'static str,
}

impl Claim {
    /// A number that a source quotes.
    pub(crate) const fn verified(error: f64, conditions: &'static str) -> Self {
        Self {
            error,
            mark: Mark::Verified,
            conditions,
        }
    }

    /// A number from memory.
    pub(crate) const fn from_memory(error: f64, conditions: &'static str) -> Self {
        Self {
            error,
            mark: Mark::FromMemory,
            conditions,
        }
    }
}
