//! What was measured, and everything that says how.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Claim, Environment, Scale};
use crate::train::{Mistakes, Outcome, TrainLog};

/// The setting that names epochs in place of the experiment's.
const OTHER_EPOCHS: &str = "epochs";

/// One measured number, of one or several seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The experiment, such as `allconv/table3`.
    pub id: String,
    /// The row: which model.
    pub model: String,
    /// What was measured, such as `error`.
    pub quantity: String,
    /// The unit, such as `%`.
    pub unit: String,
    /// One value for each seed; `None` for a run that gave no number.
    pub values: Vec<Option<f64>>,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// The data set as a reader should see it, such as `Fashion-MNIST 10,000 + 2,000`.
    pub dataset: String,
    /// How much of the paper's experiment.
    pub scale: Scale,
    /// The number of images that the values are shares of, in percent: the test images for a test error; `None` if they are no such shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_images: Option<usize>,
    /// The test images that each seed's network had wrong, in the order of the seeds; empty if a run did not keep them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mistakes: Vec<Mistakes>,
    /// The error in percent on the training images while each seed's network passed over them for the last time, with dropout and augmentation, in the order of the seeds;
    /// empty if a run did not keep it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub train_errors: Vec<f64>,
    /// Epochs trained.
    #[serde(default)]
    pub epochs: usize,
    /// Scalars in the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<usize>,
    /// How the runs ended.
    #[serde(default)]
    pub outcomes: Vec<Outcome>,
    /// Seconds of training and evaluation, over all seeds, without those that the process was stopped; `None` if nothing was timed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_seconds: Option<f64>,
    /// Training speed; `None` if nothing was timed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images_per_second: Option<f64>,
    /// Training images that were used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_images: Option<usize>,
    /// What names the network, so that equal ones can be told: a digest of its settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// A digest of everything that decides its training but the seed and the pixels; `None` if nothing was trained.
    /// Records with different ones are of different runs, whatever their notes say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<String>,
    /// The folder of each seed's run, from the folder of the runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<String>,
    /// The command that measures it again.
    pub command: String,
    /// The day, as the binary gives it: `2026-01-31`.
    pub date: String,
    /// Machine and program.
    pub environment: Environment,
    /// Settings that a reader of the table should know, such as `width = "0.25"`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// Deviations from the paper, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Record {
    /// A record for a claim, still without a value.
    pub fn new(claim: &Claim, dataset: impl Into<String>, scale: Scale) -> Self {
        Self {
            id: claim.id.clone(),
            model: claim.model.clone(),
            quantity: claim.quantity.clone(),
            unit: claim.unit.clone(),
            values: Vec::new(),
            seeds: Vec::new(),
            dataset: dataset.into(),
            scale,
            test_images: None,
            mistakes: Vec::new(),
            train_errors: Vec::new(),
            epochs: 0,
            parameters: None,
            outcomes: Vec::new(),
            wall_seconds: None,
            images_per_second: None,
            train_images: None,
            network: None,
            training: None,
            runs: Vec::new(),
            command: String::new(),
            date: String::new(),
            environment: Environment::default(),
            settings: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    /// The same with the value of a seed.
    pub fn value(mut self, seed: u64, value: Option<f64>) -> Self {
        self.seeds.push(seed);
        self.values.push(value);
        self
    }

    /// The same with the final test error of a run, its cost and its outcome.
    pub fn trained(mut self, seed: u64, log: &TrainLog) -> Self {
        self.epochs = log.epochs.len();
        self.outcomes.push(log.outcome);
        self.mistakes.extend(log.mistakes.clone());
        let last = log.epochs.last();
        self.train_errors
            .extend(last.and_then(|epoch| epoch.train_error));
        self.wall_seconds = Some(self.wall_seconds.unwrap_or(0.0) + log.seconds());
        self.images_per_second = Some(log.images_per_second());
        self.value(seed, log.final_error())
    }

    /// The same with where and how it was measured; `date` is today as `2026-01-31`.
    pub fn measured_by(
        self,
        command: impl Into<String>,
        date: impl Into<String>,
        environment: &Environment,
    ) -> Self {
        Self {
            command: command.into(),
            date: date.into(),
            environment: environment.clone(),
            ..self
        }
    }

    /// The same trained for `epochs` in place of the experiment's.
    pub fn other_epochs(mut self, epochs: usize) -> Self {
        let epochs = epochs.to_string();
        self.settings.insert(OTHER_EPOCHS.to_owned(), epochs);
        self
    }

    /// Whether it was trained for other epochs than the experiment's.
    pub fn has_other_epochs(&self) -> bool {
        self.given_epochs().is_some()
    }

    /// The epochs in place of the experiment's.
    pub(super) fn given_epochs(&self) -> Option<usize> {
        self.settings.get(OTHER_EPOCHS)?.parse().ok()
    }

    /// The mean over the seeds that gave a number.
    pub fn mean(&self) -> Option<f64> {
        let values = self.numbers();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }

    /// The mean of the errors on the training images; `None` unless every seed kept its own.
    pub fn train_error(&self) -> Option<f64> {
        let n = self.train_errors.len();
        let is_of_all = n > 0 && n == self.seeds.len();
        is_of_all.then(|| self.train_errors.iter().sum::<f64>() / n as f64)
    }

    /// The sample standard deviation over the seeds that gave a number, if there are two or more.
    pub fn spread(&self) -> Option<f64> {
        let (values, mean) = (self.numbers(), self.mean()?);
        let squares = values.iter().map(|value| (value - mean).powi(2));
        (values.len() > 1).then(|| (squares.sum::<f64>() / (values.len() - 1) as f64).sqrt())
    }

    /// How many seeds gave a number.
    pub fn n(&self) -> usize {
        self.numbers().len()
    }

    /// How many seeds gave none, such as one whose loss was not a number.
    pub fn failed(&self) -> usize {
        self.seeds.len().saturating_sub(self.n())
    }

    /// The standard error of the mean, as far as it is known: the larger of two.
    ///
    /// One comes from the seeds: the sample standard deviation over the square root of their number, for two or more.
    /// The other comes from the images, for values that are shares of `n` of them ([`Self::test_images`]): `sqrt(p (1 - p) / n)`,
    /// with `p` after one more hit and one more miss, so that a share of 0 has an error too.
    /// More seeds do not make it smaller, for they are measured on the same images.
    ///
    /// ```
    /// use lab::report::{Claim, Record, Scale};
    /// let claim = Claim::new("p/t", "A", "test error", "%");
    /// let record = Record::new(&claim, "digits", Scale::Quick).value(0, Some(20.0));
    /// assert_eq!(record.standard_error(), None);
    /// let record = Record { test_images: Some(1600), ..record };
    /// assert!((record.standard_error().unwrap() - 1.0).abs() < 0.01);
    /// ```
    pub fn standard_error(&self) -> Option<f64> {
        match (self.error_of_seeds(), self.error_of_images()) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        }
    }

    /// The part of the standard error that comes from the seeds.
    pub(super) fn error_of_seeds(&self) -> Option<f64> {
        self.spread().map(|s| s / (self.n() as f64).sqrt())
    }

    /// The part of the standard error that comes from the images.
    fn error_of_images(&self) -> Option<f64> {
        let share = self.mean()? / 100.0;
        let n = self.shares_of()? as f64;
        let is_share = self.unit == "%" && (0.0..=1.0).contains(&share) && n >= 1.0;
        let p = (share * n + 1.0) / (n + 2.0);
        is_share.then(|| 100.0 * (p * (1.0 - p) / n).sqrt())
    }

    /// The images that the values are shares of; older records of test errors name them in the data set alone.
    fn shares_of(&self) -> Option<usize> {
        let described = || {
            let (before, _) = self.dataset.rsplit_once(" test images)")?;
            before.rsplit(' ').next()?.parse().ok()
        };
        let is_error = self.quantity == "test error";
        self.test_images
            .or_else(|| described().filter(|_| is_error))
    }

    fn numbers(&self) -> Vec<f64> {
        let given = self.values.iter().copied().flatten();
        given.filter(|value| value.is_finite()).collect()
    }

    /// What two records must share to be measurements of the same thing.
    pub(super) fn key(&self) -> (&str, &str, &str, &str, Scale) {
        let Self {
            id,
            model,
            quantity,
            dataset,
            scale,
            ..
        } = self;
        (id, model, quantity, dataset, *scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_none_has_no_part_in_the_mean() {
        let claim = Claim::new("p/t", "A", "test error", "%");
        let record = Record::new(&claim, "digits", Scale::Quick)
            .value(0, Some(4.0))
            .value(1, Some(f64::NAN))
            .value(2, Some(6.0));
        assert_eq!((record.mean(), record.n()), (Some(5.0), 2));
    }

    #[test]
    fn what_is_no_share_of_images_has_no_error_of_one_seed() {
        let digits = "digits (100 training and 1600 test images)";
        let error = |quantity, images| {
            let claim = Claim::new("p/t", "A", quantity, "%");
            let record = Record {
                test_images: images,
                ..Record::new(&claim, digits, Scale::Quick).value(0, Some(20.0))
            };
            record.standard_error().map(|error| error.round())
        };
        assert_eq!(error("difference within a class", None), None);
        assert_eq!(error("found", Some(100)), Some(4.0));
        // Older records of test errors.
        assert_eq!(error("test error", None), Some(1.0));
    }
}
