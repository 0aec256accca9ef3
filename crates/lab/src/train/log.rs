//! What a run did, epoch by epoch.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Mistakes;

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All epochs were trained.
    #[default]
    Trained,
    /// The loss was still at `ln(classes)` at the end: the network never started to learn.
    DeadStart,
    /// It was asked to stop; the checkpoint holds everything to go on.
    Interrupted,
}

/// A run's history.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainLog {
    /// How it ended.
    pub outcome: Outcome,
    /// Training steps done.
    pub steps: u64,
    /// Images trained on, counted anew in every epoch.
    pub images: u64,
    /// Time spent in training steps, without waiting for images and evaluation, over all sessions.
    pub train_seconds: f64,
    /// Time spent in evaluation.
    pub eval_seconds: f64,
    /// The test images that the network had wrong after the last epoch, if evaluated; logs of earlier versions lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mistakes: Option<Mistakes>,
    /// One entry for each epoch that is done.
    pub epochs: Vec<EpochLog>,
}

/// One epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochLog {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Training steps done at its end.
    pub step: u64,
    /// The learning rate of its last step.
    pub lr: f64,
    /// Mean loss over its images, in training mode.
    pub train_loss: f64,
    /// Share of its images that were classified wrongly, in training mode, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_error: Option<f64>,
    /// Mean loss on the test set, if evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_loss: Option<f64>,
    /// Share of the test set that is classified wrongly, in percent, if evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_error: Option<f64>,
    /// Seconds of training.
    pub seconds: f64,
    /// Seconds that training waited for images, which are not among `seconds`; 0 in logs of earlier versions.
    #[serde(default)]
    pub waiting_seconds: f64,
    /// Images trained on per second.
    pub images_per_second: f64,
    /// Means of the loss's named terms.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub terms: BTreeMap<String, f64>,
}

impl TrainLog {
    /// The test error after the last epoch, in percent: the number that a report may use.
    pub fn final_error(&self) -> Option<f64> {
        self.epochs.last()?.test_error
    }

    /// Images trained on per second over the whole run.
    pub fn images_per_second(&self) -> f64 {
        self.images as f64 / self.train_seconds.max(1e-9)
    }

    /// Seconds that the run took: training, waiting for images and evaluation, over all sessions.
    pub fn seconds(&self) -> f64 {
        let waiting = self.epochs.iter().map(|epoch| epoch.waiting_seconds);
        self.train_seconds + waiting.sum::<f64>() + self.eval_seconds
    }

    /// (epoch, test error) of every evaluation, for a curve.
    pub fn test_curve(&self) -> Vec<(f64, f64)> {
        self.curve(|epoch| epoch.test_error)
    }

    /// (epoch, value) of every epoch that has the value, for a curve.
    pub fn curve(&self, value: impl Fn(&EpochLog) -> Option<f64>) -> Vec<(f64, f64)> {
        let point = |epoch: &EpochLog| Some((epoch.epoch as f64, value(epoch)?));
        self.epochs.iter().filter_map(point).collect()
    }
}

impl EpochLog {
    /// The share of the time of training steps that was spent waiting for images, in percent.
    pub fn waiting(&self) -> f64 {
        100.0 * self.waiting_seconds / (self.seconds + self.waiting_seconds).max(1e-9)
    }
}

/// A line of `log.jsonl` and of the JSON progress.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum LogLine<'a> {
    /// A session begins at this step.
    Start {
        step: u64,
        label: &'a str,
        unix_time: f64,
    },
    /// A training step.
    Step {
        step: u64,
        epoch: usize,
        lr: f64,
        loss: f64,
        images_per_second: f64,
    },
    /// An epoch is done.
    Epoch(&'a EpochLog),
    /// Something worth knowing.
    Note { step: u64, text: &'a str },
    /// The session ends.
    End {
        step: u64,
        outcome: Outcome,
        train_seconds: f64,
    },
}
