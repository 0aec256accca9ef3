//! What a paper claims about the rows of a table, as data.

use serde::Serialize;

use super::Mark;

/// A claim of a paper about the rows of a table or figure, as data that an experiment states as a constant.
///
/// A [`super::Claim`] is one number of the paper; a finding says how rows compare, which can be checked
/// on other data and at other scales too. [`Finding::judge`] checks it.
///
/// ```
/// use lab::report::{Finding, Relation};
/// const DROPOUT: Finding = Finding::of_error(
///     "Dropout and augmentation each lower the error.",
///     "Table 1",
///     Relation::Falls(&["NIN", "NIN + dropout", "NIN + dropout + augmentation"]),
/// );
/// assert_eq!(DROPOUT.quantity, "test error");
/// assert_eq!(DROPOUT.relation.rows(), ["NIN", "NIN + dropout", "NIN + dropout + augmentation"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What the paper says, as a sentence of its own.
    pub sentence: &'static str,
    /// Where the paper says it, such as `Table 1`, or [`Finding::OURS`].
    pub source: &'static str,
    /// How well it is known that the paper says so; of what is ours it says nothing.
    pub mark: Mark,
    /// The quantity that is compared, such as `test error`.
    pub quantity: &'static str,
    /// How the rows compare.
    pub relation: Relation,
}

/// How rows compare in one quantity. Differences and limits are in the unit of the quantity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// Each row lies below the one before it.
    Falls(&'static [&'static str]),
    /// In each pair the first row lies below the second.
    Below(&'static [(&'static str, &'static str)]),
    /// `row` is at most `times` the value of `than`: 0.75 stands for a quarter less.
    AtMostTimes {
        /// The lower row.
        row: &'static str,
        /// The largest ratio.
        times: f64,
        /// The higher row.
        than: &'static str,
    },
    /// Any two of the rows differ by at most `by`.
    Alike {
        /// The rows.
        rows: &'static [&'static str],
        /// The largest difference.
        by: f64,
    },
    /// `row` is at most `limit`.
    AtMost {
        /// The row.
        row: &'static str,
        /// The largest value.
        limit: f64,
    },
    /// Each row is at least `limit`.
    AtLeast {
        /// The rows.
        rows: &'static [&'static str],
        /// The smallest value.
        limit: f64,
    },
    /// Each row differs from `of` by at most `by`.
    Within {
        /// The rows.
        rows: &'static [&'static str],
        /// The value they should have.
        of: f64,
        /// The largest difference.
        by: f64,
    },
}

impl Finding {
    /// The source of what no paper says: an expectation of the experiment's author.
    pub const OURS: &'static str = "this project";

    /// Whether no paper says it.
    pub fn is_ours(&self) -> bool {
        self.source == Self::OURS
    }

    /// Who says it, as the first words of a line on it.
    pub fn by(&self) -> &'static str {
        match (self.is_ours(), self.mark) {
            (true, _) => "This project",
            (false, Mark::FromMemory) => "The paper (from memory)",
            (false, _) => "The paper",
        }
    }

    /// A finding about any quantity, read in a source that quotes the paper unless it is [`Finding::remembered`].
    pub const fn new(
        sentence: &'static str,
        source: &'static str,
        quantity: &'static str,
        relation: Relation,
    ) -> Self {
        Self {
            sentence,
            source,
            mark: Mark::Verified,
            quantity,
            relation,
        }
    }

    /// A finding about the test error.
    pub const fn of_error(
        sentence: &'static str,
        source: &'static str,
        relation: Relation,
    ) -> Self {
        Self::new(sentence, source, "test error", relation)
    }

    /// The same from memory, not checked.
    ///
    /// ```
    /// use lab::report::{Finding, Relation};
    /// const FALLS: Finding =
    ///     Finding::of_error("B errs less than A.", "Table 1", Relation::Falls(&["A", "B"]));
    /// assert_eq!(FALLS.by(), "The paper");
    /// assert_eq!(FALLS.remembered().by(), "The paper (from memory)");
    /// ```
    pub const fn remembered(self) -> Self {
        Self {
            mark: Mark::FromMemory,
            ..self
        }
    }
}

impl Relation {
    /// The rows it speaks of, each once, in the order of the relation.
    pub fn rows(&self) -> Vec<&'static str> {
        let named: Vec<&'static str> = match *self {
            Self::Falls(rows)
            | Self::Alike { rows, .. }
            | Self::AtLeast { rows, .. }
            | Self::Within { rows, .. } => rows.to_vec(),
            Self::Below(pairs) => pairs.iter().flat_map(|&(low, high)| [low, high]).collect(),
            Self::AtMostTimes { row, than, .. } => vec![row, than],
            Self::AtMost { row, .. } => vec![row],
        };
        let mut rows = Vec::new();
        for row in named {
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_named_once() {
        assert_eq!(Relation::Falls(&["a", "b"]).rows(), ["a", "b"]);
        let star = Relation::Below(&[("a", "c"), ("b", "c")]);
        assert_eq!(star.rows(), ["a", "c", "b"]);
        let bound = Relation::AtMost {
            row: "a",
            limit: 1.0,
        };
        assert_eq!(bound.rows(), ["a"]);
    }
}
