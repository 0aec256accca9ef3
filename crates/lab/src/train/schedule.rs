//! The learning rate over a run, as a factor on the optimizer's own rate.
//!
//! Time is counted in training steps, so that a boundary falls on exactly one step
//! and a resumed run sees the same rates; the plateau rule reads the log of the epochs, which a checkpoint keeps.

use serde::{Deserialize, Serialize};

use super::{EpochLog, Plateau, TrainError};

/// How the learning rate changes over a run.
///
/// ```
/// use lab::train::LrSchedule;
/// // Ten times less after 57%, 71% and 86% of the run.
/// let schedule = LrSchedule::steps_at_fractions(&[0.57, 0.71, 0.86], 0.1);
/// assert_eq!(schedule.factor(0, 10, 100), 1.0);
/// assert_eq!(schedule.factor(57, 10, 100), 0.1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LrSchedule {
    /// Epochs of linear warm-up from almost 0 to the full rate; 0 for none, fractions allowed.
    pub warmup_epochs: f64,
    /// What happens besides.
    pub decay: Decay,
    /// What happens when training stops getting better; nothing unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plateau: Option<Plateau>,
}

/// How the learning rate falls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Decay {
    /// Not at all.
    #[default]
    Constant,
    /// Times `factor` after each of these numbers of epochs.
    StepsAtEpochs {
        /// Epochs that are done when the rate falls, ascending.
        epochs: Vec<f64>,
        /// What the rate is multiplied by each time.
        factor: f64,
    },
    /// Times `factor` after each of these fractions of the run.
    StepsAtFractions {
        /// Fractions of all steps, between 0 and 1, ascending.
        fractions: Vec<f64>,
        /// What the rate is multiplied by each time.
        factor: f64,
    },
    /// Half a cosine from 1 at the end of the warm-up to `floor` at the end of the run.
    Cosine {
        /// The last factor.
        #[serde(default)]
        floor: f64,
    },
}

impl LrSchedule {
    /// The same rate throughout.
    pub fn constant() -> Self {
        Self::default()
    }

    /// Times `factor` after each of these numbers of epochs.
    pub fn steps_at_epochs(epochs: &[f64], factor: f64) -> Self {
        Self::from(Decay::StepsAtEpochs {
            epochs: epochs.to_vec(),
            factor,
        })
    }

    /// Times `factor` after each of these fractions of the run.
    pub fn steps_at_fractions(fractions: &[f64], factor: f64) -> Self {
        Self::from(Decay::StepsAtFractions {
            fractions: fractions.to_vec(),
            factor,
        })
    }

    /// Half a cosine down to `floor`.
    pub fn cosine(floor: f64) -> Self {
        Self::from(Decay::Cosine { floor })
    }

    /// The same with a linear warm-up of this many epochs.
    pub fn warmup(self, epochs: f64) -> Self {
        Self {
            warmup_epochs: epochs,
            ..self
        }
    }

    /// The same, and falling when training stops getting better.
    pub fn plateau(self, plateau: Plateau) -> Self {
        Self {
            plateau: Some(plateau),
            ..self
        }
    }

    /// What the plateau rule makes of the epochs that are done; multiplies [`LrSchedule::factor`].
    pub(super) fn plateau_factor(&self, epochs: &[EpochLog]) -> f64 {
        self.plateau.map_or(1.0, |rule| rule.factor_after(epochs))
    }

    /// What the learning rate is multiplied by in `step` (from 0) of `total` steps, the plateau rule not counted.
    ///
    /// The warm-up multiplies the decay: a boundary inside the warm-up still counts.
    pub fn factor(&self, step: u64, steps_per_epoch: u64, total: u64) -> f64 {
        let warmup = self.warmup_steps(steps_per_epoch);
        let rise = match step < warmup {
            true => (step + 1) as f64 / warmup as f64,
            false => 1.0,
        };
        let passed = |bounds: &[f64], unit: u64| {
            let reached = |bound: f64| step >= (bound * unit as f64).round() as u64;
            bounds.iter().filter(|&&bound| reached(bound)).count()
        };
        let fall = match &self.decay {
            Decay::Constant => 1.0,
            Decay::StepsAtEpochs { epochs, factor } => {
                factor.powi(passed(epochs, steps_per_epoch) as i32)
            }
            Decay::StepsAtFractions { fractions, factor } => {
                factor.powi(passed(fractions, total) as i32)
            }
            Decay::Cosine { floor } => {
                let length = total.saturating_sub(warmup).max(1) as f64;
                let done = (step.saturating_sub(warmup) as f64 / length).min(1.0);
                floor + (1.0 - floor) * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
            }
        };
        rise * fall
    }

    /// Steps of the warm-up.
    pub(super) fn warmup_steps(&self, steps_per_epoch: u64) -> u64 {
        (self.warmup_epochs * steps_per_epoch as f64).round() as u64
    }

    /// Refuses numbers that mean nothing.
    pub(super) fn check(&self) -> Result<(), TrainError> {
        let wrong = |key: &str, found: String, wanted: &str| {
            Err(TrainError::recipe(format!("schedule.{key}"), found, wanted))
        };
        if !(self.warmup_epochs.is_finite() && self.warmup_epochs >= 0.0) {
            let found = self.warmup_epochs.to_string();
            return wrong("warmup_epochs", found, "a number that is not negative");
        }
        if let Some(plateau) = &self.plateau {
            plateau.check()?;
        }
        let (key, bounds, last, factor) = match &self.decay {
            Decay::Constant => return Ok(()),
            Decay::Cosine { floor } if (0.0..=1.0).contains(floor) => return Ok(()),
            Decay::Cosine { floor } => {
                return wrong("decay.floor", floor.to_string(), "a number from 0 to 1");
            }
            Decay::StepsAtEpochs { epochs, factor } => ("epochs", epochs, f64::MAX, factor),
            Decay::StepsAtFractions { fractions, factor } => ("fractions", fractions, 1.0, factor),
        };
        let in_range = bounds.iter().all(|bound| (0.0..=last).contains(bound));
        if !(in_range && bounds.is_sorted()) {
            let wanted = match key {
                "fractions" => "ascending numbers from 0 to 1",
                _ => "ascending numbers that are not negative",
            };
            return wrong(&format!("decay.{key}"), format!("{bounds:?}"), wanted);
        }
        if !(factor.is_finite() && *factor > 0.0) {
            return wrong("decay.factor", factor.to_string(), "a positive number");
        }
        Ok(())
    }
}

impl From<Decay> for LrSchedule {
    fn from(decay: Decay) -> Self {
        Self {
            warmup_epochs: 0.0,
            decay,
            plateau: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_fall_on_one_step() {
        let by_epoch = LrSchedule::steps_at_epochs(&[2.0, 3.0], 0.1);
        let factors: Vec<f64> = (0..5 * 4)
            .map(|step| by_epoch.factor(step, 4, 20))
            .collect();
        assert!(factors[..8].iter().all(|&f| f == 1.0));
        assert!(factors[8..12].iter().all(|&f| f == 0.1));
        assert!(factors[12..].iter().all(|&f| (f - 0.01).abs() < 1e-15));

        // The paper's 200, 250, 300 of 350 epochs, as fractions of a shorter run.
        let fractions: Vec<f64> = [200.0, 250.0, 300.0].map(|s| s / 350.0).to_vec();
        let paper = LrSchedule::steps_at_fractions(&fractions, 0.1);
        let short = LrSchedule::steps_at_epochs(&[4.0, 5.0, 6.0], 0.1);
        for step in 0..700 {
            assert_eq!(paper.factor(step, 100, 700), short.factor(step, 100, 700));
        }
    }

    #[test]
    fn warmup_is_linear_and_ends_at_one() {
        let schedule = LrSchedule::constant().warmup(0.5);
        let factors: Vec<f64> = (0..6).map(|step| schedule.factor(step, 8, 80)).collect();
        assert_eq!(factors, [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn cosine_goes_from_one_to_its_floor() {
        let schedule = LrSchedule::cosine(0.1).warmup(1.0);
        assert_eq!(schedule.factor(10, 10, 110), 1.0);
        assert!((schedule.factor(60, 10, 110) - 0.55).abs() < 1e-12);
        assert!((schedule.factor(110, 10, 110) - 0.1).abs() < 1e-12);
        assert!(schedule.factor(0, 10, 110) < 0.11);
    }

    #[test]
    fn errors() {
        let text = |schedule: LrSchedule| schedule.check().unwrap_err().to_string();
        assert_eq!(
            text(LrSchedule::steps_at_fractions(&[0.5, 57.0], 0.1)),
            "recipe: schedule.decay.fractions is [0.5, 57.0], wanted ascending numbers from 0 to 1"
        );
        assert_eq!(
            text(LrSchedule::steps_at_epochs(&[5.0, 2.0], 0.1)),
            "recipe: schedule.decay.epochs is [5.0, 2.0], wanted ascending numbers that are not negative"
        );
        assert!(text(LrSchedule::steps_at_epochs(&[1.0], 0.0)).contains("decay.factor is 0"));
        assert!(text(LrSchedule::constant().warmup(f64::NAN)).contains("warmup_epochs is NaN"));
        assert!(text(LrSchedule::cosine(2.0)).contains("decay.floor is 2"));
    }
}
