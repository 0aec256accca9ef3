//! Everything about training that is not the model or the data, as one value and one TOML file.

use serde::{Deserialize, Serialize};

use super::{LrSchedule, OptimizerConfig, ParamGroup, TrainError};
use crate::data::{Augment, Mix};

/// How to train.
///
/// ```
/// use lab::train::Recipe;
/// let recipe = Recipe::from_toml(
///     r#"
///     epochs = 350
///     batch_size = 128
///     seed = 1
///     optimizer = { kind = "sgd", lr = 0.05, momentum = 0.9, weight_decay = 0.001 }
///     augment = { flip = true, translate = 5 }
///
///     [schedule.decay]
///     kind = "steps-at-epochs"
///     epochs = [200, 250, 300]
///     factor = 0.1
///
///     [[groups]]
///     pattern = "*.bias"
///     weight_decay = 0.0
///     "#,
/// )?;
/// assert_eq!(Recipe::from_toml(&recipe.to_toml()?)?, recipe);
/// let error = Recipe::from_toml("epoch = 3").unwrap_err().to_string();
/// assert!(error.contains("unknown field `epoch`"), "{error}");
/// # Ok::<(), lab::train::TrainError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// What the run is called in logs and progress.
    #[serde(default)]
    pub label: String,
    /// The seed of shuffling, augmentation and dropout.
    #[serde(default)]
    pub seed: u64,
    /// Passes over the training set.
    pub epochs: usize,
    /// Images in a batch; the last batch of an epoch may be smaller.
    pub batch_size: usize,
    /// Labelled images in a batch, the others being unlabelled: see [`Mix`].
    /// Unless given, a batch is drawn from all images alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labelled: Option<usize>,
    /// Epochs between two evaluations on the test set; the last epoch always ends with one.
    #[serde(default = "every")]
    pub evaluate_every: usize,
    /// What to do when the loss stays at chance.
    #[serde(default)]
    pub dead_start: DeadStart,
    /// The optimizer.
    pub optimizer: OptimizerConfig,
    /// The learning rate over time.
    #[serde(default)]
    pub schedule: LrSchedule,
    /// Random changes to the training images.
    #[serde(default)]
    pub augment: Augment,
    /// Tensors that are trained differently.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<ParamGroup>,
}

/// What to do with a run whose loss stays at `ln(classes)`, where guessing is.
///
/// Fewer than a tenth of the run's steps (20 at least, 200 at most) are never held against it, nor is its warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeadStart {
    /// Say so and go on; some runs wake up late.
    #[default]
    Continue,
    /// Say so and end the run, once it has been so for a tenth of the run or ten epochs.
    Stop,
    /// Say so and end the run, once it has been so for a tenth of the run or two epochs:
    /// for a learning rate that is one of several to choose from.
    GiveUp,
}

impl DeadStart {
    /// Epochs at chance after which the run ends.
    pub(super) fn epochs(self) -> Option<u64> {
        match self {
            Self::Continue => None,
            Self::Stop => Some(10),
            Self::GiveUp => Some(2),
        }
    }
}

fn every() -> usize {
    1
}

impl Recipe {
    /// A recipe with a constant rate, no augmentation, no groups and seed 0.
    pub fn new(epochs: usize, batch_size: usize, optimizer: impl Into<OptimizerConfig>) -> Self {
        Self {
            label: String::new(),
            seed: 0,
            epochs,
            batch_size,
            labelled: None,
            evaluate_every: every(),
            dead_start: DeadStart::default(),
            optimizer: optimizer.into(),
            schedule: LrSchedule::constant(),
            augment: Augment::NONE,
            groups: Vec::new(),
        }
    }

    /// Reads and checks a recipe.
    ///
    /// # Errors
    /// Text that is not TOML, an unknown or missing key, a value that means nothing.
    pub fn from_toml(text: &str) -> Result<Self, TrainError> {
        let recipe: Self = toml::from_str(text).map_err(|error| parse_error("recipe", &error))?;
        recipe.check()?;
        Ok(recipe)
    }

    /// The recipe as TOML, all defaults spelled out.
    ///
    /// # Errors
    /// A number that TOML cannot hold: a seed above 2^63.
    pub fn to_toml(&self) -> Result<String, TrainError> {
        toml::to_string(self).map_err(|error| TrainError::Parse {
            place: "recipe".to_owned(),
            reason: format!("cannot be written as TOML: {error}"),
        })
    }

    /// Refuses settings that mean nothing.
    ///
    /// # Errors
    /// Names the setting, its value and what would be accepted.
    pub fn check(&self) -> Result<(), TrainError> {
        for (key, value) in [
            ("epochs", self.epochs),
            ("batch_size", self.batch_size),
            ("evaluate_every", self.evaluate_every),
        ] {
            if value == 0 {
                return Err(TrainError::recipe(key, "0", "at least 1"));
            }
        }
        if let Some(labelled) = self.labelled
            && !(1..self.batch_size).contains(&labelled)
        {
            let wanted = format!(
                "at least 1 and less than the {} images of a batch",
                self.batch_size
            );
            return Err(TrainError::recipe("labelled", labelled.to_string(), wanted));
        }
        self.optimizer.check()?;
        self.schedule.check()
    }

    /// What a batch holds, if labelled and unlabelled images are mixed.
    pub fn mix(&self) -> Option<Mix> {
        self.labelled.map(|labelled| Mix {
            labelled,
            unlabelled: self.batch_size.saturating_sub(labelled),
        })
    }
}

/// A parser's complaint in one line.
pub(super) fn parse_error(place: &str, error: &toml::de::Error) -> TrainError {
    TrainError::Parse {
        place: place.to_owned(),
        reason: error
            .to_string()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::{AdamConfig, AdamDecay, SgdConfig};

    #[test]
    fn round_trip() {
        let mut recipe = Recipe::new(
            3,
            64,
            AdamConfig {
                weight_decay: 0.01,
                decay: AdamDecay::Decoupled,
                ..Default::default()
            },
        );
        recipe.schedule = LrSchedule::steps_at_fractions(&[0.5, 0.75], 0.1).warmup(0.25);
        recipe.groups = vec![ParamGroup::new("*.bias").lr_factor(2.0)];
        recipe.dead_start = DeadStart::Stop;
        let text = recipe.to_toml().unwrap();
        assert!(
            text.contains("kind = \"adam\"") && text.contains("decay = \"decoupled\""),
            "{text}"
        );
        assert_eq!(Recipe::from_toml(&text).unwrap(), recipe);
    }

    #[test]
    fn errors() {
        let good = Recipe::new(3, 64, SgdConfig::default()).to_toml().unwrap();
        let text = |from: &str, to: &str| {
            assert!(good.contains(from), "{good}");
            Recipe::from_toml(&good.replace(from, to))
                .unwrap_err()
                .to_string()
        };
        assert!(
            text("epochs = 3", "epoch = 3")
                .contains("unknown field `epoch`, expected one of `label`")
        );
        assert!(text("momentum =", "momentun =").contains("unknown field `momentun`"));
        assert!(text("flip =", "flop =").contains("unknown field `flop`"));
        assert!(text("warmup_epochs =", "warmup =").contains("unknown field `warmup`"));
        assert!(
            text("\"sgd\"", "\"sdg\"").contains("unknown variant `sdg`, expected `sgd` or `adam`")
        );
        assert!(text("epochs = 3\n", "").contains("missing field `epochs`"));
        assert!(!text("epochs = 3", "epochs = \"three\"").contains('\n'));
        assert_eq!(
            text("epochs = 3", "epochs = 0"),
            "recipe: epochs is 0, wanted at least 1"
        );
        assert_eq!(
            text("nesterov = false", "nesterov = true"),
            "recipe: optimizer.nesterov is true with momentum 0 and dampening 0, \
             wanted a momentum above 0 and no dampening with it"
        );
        assert_eq!(
            text("batch_size = 64", "batch_size = 64\nlabelled = 64"),
            "recipe: labelled is 64, wanted at least 1 and less than the 64 images of a batch"
        );
        assert!(text("lr = 0.01", "lr = nan").contains("optimizer.lr is NaN"));
        assert!(text("momentum = 0.0", "momentum = 1.0").contains("optimizer.momentum is 1"));
    }
}
