//! What is minimized: the loss of a batch, and how a class is read from the network.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor};
use striate::{Clock, Network};

use crate::data::Batch;

/// The loss of one batch.
#[derive(Clone, Debug)]
pub struct Loss {
    /// What is minimized; a scalar.
    pub total: Tensor,
    /// Its parts, by name, for the log; scalars.
    pub terms: Vec<(String, Tensor)>,
    /// Class scores, (N, K), from which training error and a dead start are read; (N, D, K) for sequences of D classes.
    pub logits: Option<Tensor>,
    /// The classes of the scored images, (N) or (N, D), where they are not those of the batch.
    pub labels: Option<Tensor>,
}

impl Loss {
    /// A loss of one part.
    pub fn new(total: Tensor) -> Self {
        Self {
            total,
            terms: Vec::new(),
            logits: None,
            labels: None,
        }
    }

    /// The same with class scores.
    pub fn logits(self, logits: Tensor) -> Self {
        Self {
            logits: Some(logits),
            ..self
        }
    }

    /// The same with the scores of some images of the batch, and their classes.
    pub fn scored(self, logits: Tensor, labels: Tensor) -> Self {
        Self {
            labels: Some(labels),
            ..self.logits(logits)
        }
    }

    /// The same with a named part.
    pub fn term(mut self, name: impl Into<String>, value: Tensor) -> Self {
        self.terms.push((name.into(), value));
        self
    }

    /// The values of the parts.
    pub(super) fn term_values(&self) -> Result<BTreeMap<String, f64>> {
        let value = |(name, tensor): &(String, Tensor)| Ok((name.clone(), scalar(tensor)?));
        self.terms.iter().map(value).collect()
    }
}

/// A scalar tensor's value.
pub(super) fn scalar(tensor: &Tensor) -> Result<f64> {
    tensor.to_dtype(candle_core::DType::F64)?.to_scalar()
}

/// What a run minimizes.
///
/// [`Classifier`] is the usual one; a model with several losses implements its own.
pub trait Objective {
    /// The loss of a batch, in training mode.
    ///
    /// # Errors
    /// Those of the network.
    fn loss(&self, batch: &Batch) -> Result<Loss>;

    /// Class scores, (N, K), in evaluation mode; (N, D, K) for sequences of D classes.
    ///
    /// # Errors
    /// Those of the network.
    fn predict(&self, xs: &Tensor) -> Result<Tensor>;

    /// What scores are compared with: the labels (N), unless they stand for sequences (N, D).
    ///
    /// # Errors
    /// A label that stands for no sequence.
    fn targets(&self, labels: &Tensor) -> Result<Tensor> {
        Ok(labels.clone())
    }

    /// Whether there are class scores, by which the test set is evaluated after every epoch.
    fn classifies(&self) -> bool {
        true
    }

    /// The clock of the network's dropout.
    fn clock(&self) -> &Clock;
}

/// Cross entropy of a network's output.
///
/// The output may be (N, K) or (N, K, 1, 1).
pub struct Classifier<'a> {
    model: &'a dyn Network,
}

impl<'a> Classifier<'a> {
    /// The objective of a classifying network.
    pub fn new(model: &'a dyn Network) -> Self {
        Self { model }
    }
}

impl Objective for Classifier<'_> {
    fn loss(&self, batch: &Batch) -> Result<Loss> {
        let logits = self.model.forward_t(&batch.xs, true)?.flatten_from(1)?;
        let total = striate::cross_entropy(&logits, &batch.labels)?;
        Ok(Loss::new(total).logits(logits))
    }

    fn predict(&self, xs: &Tensor) -> Result<Tensor> {
        self.model.forward_t(xs, false)?.flatten_from(1)
    }

    fn clock(&self) -> &Clock {
        self.model.clock()
    }
}
