//! The learning rate falls when training stops getting better.

use serde::{Deserialize, Serialize};

use super::{EpochLog, TrainError};

/// Times `factor` whenever `patience` epochs in a row have not brought the training error down.
///
/// An epoch counts as better if its training error is at least `min_gain` percentage points below the best so far;
/// without class scores the training loss takes the error's place.
/// The test set is never looked at.
///
/// Source: Network In Network, Sec. 4.1: a tenth of the rate once training accuracy stops improving, and once more.
///
/// ```
/// use lab::train::Plateau;
/// let plateau = Plateau { patience: 2, min_gain: 0.1, factor: 0.1, falls: 2 };
/// let factor = |errors: &[f64]| plateau.factor(errors.iter().copied());
/// assert_eq!(factor(&[50.0, 40.0, 40.0]), 1.0);
/// assert_eq!(factor(&[50.0, 40.0, 40.0, 39.95]), 0.1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plateau {
    /// Epochs in a row that may bring nothing.
    pub patience: usize,
    /// What counts as better, in percentage points of error or units of loss.
    #[serde(default)]
    pub min_gain: f64,
    /// What the rate is multiplied by.
    pub factor: f64,
    /// How often the rate falls at most.
    pub falls: usize,
}

impl Plateau {
    /// What the rate is multiplied by after epochs with these training errors.
    pub fn factor(&self, errors: impl IntoIterator<Item = f64>) -> f64 {
        let (mut best, mut waited, mut falls) = (f64::INFINITY, 0, 0);
        for error in errors {
            match error < best && best - error >= self.min_gain {
                true => (best, waited) = (error, 0),
                false => waited += 1,
            }
            if waited == self.patience {
                (waited, falls) = (0, (falls + 1).min(self.falls));
            }
        }
        self.factor.powi(falls as i32)
    }

    /// The same, read from the log of the epochs that are done.
    pub(super) fn factor_after(&self, epochs: &[EpochLog]) -> f64 {
        let error = |epoch: &EpochLog| epoch.train_error.unwrap_or(epoch.train_loss);
        self.factor(epochs.iter().map(error))
    }

    /// Refuses numbers that mean nothing.
    pub(super) fn check(&self) -> Result<(), TrainError> {
        let wrong = |key: &str, found: String, wanted: &str| {
            let key = format!("schedule.plateau.{key}");
            Err(TrainError::recipe(key, found, wanted))
        };
        if self.patience == 0 {
            return wrong("patience", "0".to_owned(), "at least 1");
        }
        if !(self.min_gain.is_finite() && self.min_gain >= 0.0) {
            let found = self.min_gain.to_string();
            return wrong("min_gain", found, "a number that is not negative");
        }
        if !(self.factor.is_finite() && self.factor > 0.0) {
            return wrong("factor", self.factor.to_string(), "a positive number");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Plateau = Plateau {
        patience: 2,
        min_gain: 0.5,
        factor: 0.1,
        falls: 2,
    };

    #[test]
    fn the_rate_falls_after_patience_epochs_without_gain() {
        let after = |errors: &[f64]| RULE.factor(errors.iter().copied());
        assert_eq!(after(&[]), 1.0);
        assert_eq!(after(&[90.0, 80.0, 70.0]), 1.0);
        // 69.8 and 69.6 are below 70, but by less than half a point.
        assert_eq!(after(&[70.0, 69.8]), 1.0);
        assert_eq!(after(&[70.0, 69.8, 69.6]), 0.1);
        // A gain resets the count.
        assert_eq!(after(&[70.0, 69.8, 60.0, 61.0]), 1.0);
        // The count begins anew after a fall, and there are two falls at most.
        assert_eq!(after(&[70.0, 70.0, 70.0, 70.0]), 0.1);
        let twice = after(&[70.0; 5]);
        assert!((twice - 0.01).abs() < 1e-12, "{twice}");
        assert_eq!(after(&[70.0; 9]), twice);
        // A loss that is not a number is no gain.
        assert_eq!(after(&[70.0, f64::NAN, f64::NAN]), 0.1);
    }

    #[test]
    fn errors() {
        let text = |rule: Plateau| rule.check().unwrap_err().to_string();
        let none = Plateau {
            patience: 0,
            ..RULE
        };
        assert!(text(none).contains("schedule.plateau.patience is 0, wanted at least 1"));
        assert!(
            text(Plateau {
                factor: 0.0,
                ..RULE
            })
            .contains("plateau.factor is 0")
        );
        assert!(
            text(Plateau {
                min_gain: -1.0,
                ..RULE
            })
            .contains("plateau.min_gain is -1")
        );
    }
}
