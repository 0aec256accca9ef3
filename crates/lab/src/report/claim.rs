//! What a paper says, and how well that is known.

use serde::{Deserialize, Serialize};

/// How well a paper's number is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// Read in a source that quotes the paper.
    Verified,
    /// Remembered, not checked.
    FromMemory,
    /// Worked out from what the paper says.
    Computed,
    /// The paper has a number, but it is not known here.
    Unknown,
    /// The paper has no such number.
    Absent,
}

impl Mark {
    /// The sign after a number in a table.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Verified | Self::Absent => "",
            Self::FromMemory => "~",
            Self::Computed => "=",
            Self::Unknown => "?",
        }
    }

    /// What the sign means.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Verified => "no sign: checked against a source that quotes the paper",
            Self::FromMemory => "~: from memory, not checked",
            Self::Computed => "=: computed from the paper's description",
            Self::Unknown => "?: the paper's number is not known here",
            Self::Absent => "-: the paper has no such number",
        }
    }
}

/// One number of a paper.
///
/// ```
/// use lab::report::{Claim, Mark};
/// let claim = Claim::new("allconv/table3", "All-CNN-C", "error", "%")
///     .value(9.08, Mark::Verified)
///     .source("Table 3");
/// assert_eq!(claim.value, Some(9.08));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The experiment, such as `allconv/table3`.
    pub id: String,
    /// The row: which model.
    pub model: String,
    /// What was measured, such as `error`.
    pub quantity: String,
    /// The unit, such as `%`; may be empty.
    pub unit: String,
    /// The paper's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// How well it is known.
    pub mark: Mark,
    /// Where it stands.
    pub source: String,
}

impl Claim {
    /// A claim whose number is not known yet.
    pub fn new(
        id: impl Into<String>,
        model: impl Into<String>,
        quantity: impl Into<String>,
        unit: impl Into<String>,
    ) -> Self {
        Self {
            id: id.into(),
            model: model.into(),
            quantity: quantity.into(),
            unit: unit.into(),
            value: None,
            mark: Mark::Unknown,
            source: String::new(),
        }
    }

    /// The same with the paper's number.
    pub fn value(self, value: f64, mark: Mark) -> Self {
        let value = Some(value);
        Self {
            value,
            mark,
            ..self
        }
    }

    /// The same with the place in the paper.
    pub fn source(self, source: impl Into<String>) -> Self {
        let source = source.into();
        Self { source, ..self }
    }
}
