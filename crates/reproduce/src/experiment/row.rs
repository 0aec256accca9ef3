//! A row of a table: a network, how it is trained, and what the paper says of it.

use lab::report::{Claim, Mark, Scale};

use crate::images::{Data, Images};
use crate::training::Training;

/// A row of a table.
pub(crate) struct Row {
    /// The network's name in the table.
    pub(crate) label: String,
    /// What the row is measured on, if not what the experiment is.
    pub(super) data: Option<Data>,
    /// What the paper says of it, number by number.
    pub(crate) claims: Vec<Claim>,
    /// The training at a scale on these images; nothing: the row is not run.
    training: Make,
}

/// Makes the training of a row.
type Make = Box<dyn Fn(Scale, &Images) -> Option<Training>>;

/// What the error of a classifier is called.
const ERROR: (&str, &str) = ("test error", "%");

impl Row {
    /// A row whose test error is measured, and for which the paper has no number yet.
    pub(crate) fn new(
        label: impl Into<String>,
        training: impl Fn(Scale, &Images) -> Option<Training> + 'static,
    ) -> Self {
        Self {
            label: label.into(),
            data: None,
            claims: Vec::new(),
            training: Box::new(training),
        }
    }

    /// A row that trains nothing.
    pub(crate) fn untrained(label: impl Into<String>) -> Self {
        Self::new(label, |_, _| None)
    }

    /// The same with the paper's test error, in percent, and where it stands.
    pub(crate) fn error(self, value: f64, mark: Mark, source: &str) -> Self {
        self.number(ERROR, value, mark, source)
    }

    /// The same with a number of the paper.
    pub(crate) fn number(
        mut self,
        (quantity, unit): (&str, &str),
        value: f64,
        mark: Mark,
        source: &str,
    ) -> Self {
        let claim = Claim::new("", &self.label, quantity, unit);
        self.claims.push(claim.value(value, mark).source(source));
        self
    }

    /// The same with the test error, for which the paper has no number.
    pub(crate) fn measured_error(self) -> Self {
        self.measured(ERROR)
    }

    /// The same with something that is measured and for which the paper has no number.
    pub(crate) fn measured(mut self, (quantity, unit): (&str, &str)) -> Self {
        self.claims.push(Claim {
            mark: Mark::Absent,
            ..Claim::new("", &self.label, quantity, unit)
        });
        self
    }

    /// The same with something that the paper has a number for, which is not known here.
    pub(crate) fn unknown(mut self, (quantity, unit): (&str, &str), source: &str) -> Self {
        let claim = Claim::new("", &self.label, quantity, unit);
        self.claims.push(claim.source(source));
        self
    }

    /// The same on other data.
    pub(crate) fn on(self, data: Data) -> Self {
        Self {
            data: Some(data),
            ..self
        }
    }

    /// The training at a scale on these images.
    pub(crate) fn training(&self, scale: Scale, images: &Images) -> Option<Training> {
        (self.training)(scale, images)
    }
}
