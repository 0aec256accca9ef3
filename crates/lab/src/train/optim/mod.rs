//! Optimizers whose state is kept by tensor name and can be read, saved and loaded.
//!
//! On the CPU an update is one pass over parameter, gradient and state, in place, without temporary tensors;
//! a subnormal number is kept as 0, since CPUs compute with such numbers many times slower.
//! Elsewhere, and for half precision, the same rule is composed of Candle's ops.
//! Every element is updated on its own, so the number of threads cannot change a bit.

mod adam;
mod buffer;
mod members;
mod sgd;

pub use adam::{Adam, AdamConfig, AdamDecay};
pub use sgd::{Sgd, SgdConfig};

use std::collections::BTreeMap;

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, Var};
use serde::{Deserialize, Serialize};

use super::{ParamGroup, TrainError};

/// Something that changes parameters along their gradients.
pub trait Optimizer {
    /// One update of every parameter that has a gradient, at `lr_factor` times the configured learning rate.
    ///
    /// # Errors
    /// A gradient whose shape, dtype or device is not the parameter's.
    fn step(&mut self, grads: &GradStore, lr_factor: f64) -> Result<()>;

    /// The configured learning rate.
    fn lr(&self) -> f64;

    /// The whole state, as `<quantity>/<tensor name>`; on the CPU.
    ///
    /// # Errors
    /// A device that cannot be read.
    fn state(&self) -> Result<BTreeMap<String, Tensor>>;

    /// Replaces the state by one that [`Optimizer::state`] returned.
    ///
    /// # Errors
    /// An entry that does not belong to this optimizer and these parameters; nothing is changed then.
    fn load_state(&mut self, state: &BTreeMap<String, Tensor>) -> Result<()>;
}

/// An optimizer and its settings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum OptimizerConfig {
    /// Stochastic gradient descent.
    Sgd(SgdConfig),
    /// Adam or AdamW.
    Adam(AdamConfig),
}

impl OptimizerConfig {
    /// The optimizer for these parameters, with the settings of `groups` where a tensor's name fits.
    ///
    /// # Errors
    /// A setting that means nothing, or a group that no tensor belongs to.
    pub fn build(
        &self,
        params: Vec<(String, Var)>,
        groups: &[ParamGroup],
    ) -> std::result::Result<Box<dyn Optimizer>, TrainError> {
        Ok(match self {
            Self::Sgd(config) => Box::new(Sgd::new(params, *config, groups)?),
            Self::Adam(config) => Box::new(Adam::new(params, *config, groups)?),
        })
    }

    /// The learning rate.
    pub fn lr(&self) -> f64 {
        match self {
            Self::Sgd(config) => config.lr,
            Self::Adam(config) => config.lr,
        }
    }

    /// The same with another learning rate.
    pub fn with_lr(self, lr: f64) -> Self {
        match self {
            Self::Sgd(config) => Self::Sgd(SgdConfig { lr, ..config }),
            Self::Adam(config) => Self::Adam(AdamConfig { lr, ..config }),
        }
    }

    /// Refuses numbers that mean nothing.
    pub(super) fn check(&self) -> std::result::Result<(), TrainError> {
        match self {
            Self::Sgd(config) => config.check(),
            Self::Adam(config) => config.check(),
        }
    }
}

impl From<SgdConfig> for OptimizerConfig {
    fn from(config: SgdConfig) -> Self {
        Self::Sgd(config)
    }
}

impl From<AdamConfig> for OptimizerConfig {
    fn from(config: AdamConfig) -> Self {
        Self::Adam(config)
    }
}

/// Refuses a value of `optimizer.<key>` outside `range`.
fn check_range(
    key: &str,
    value: f64,
    range: impl std::ops::RangeBounds<f64>,
    wanted: &str,
) -> std::result::Result<(), TrainError> {
    match value.is_finite() && range.contains(&value) {
        true => Ok(()),
        false => Err(TrainError::recipe(
            format!("optimizer.{key}"),
            value.to_string(),
            wanted,
        )),
    }
}

#[cfg(test)]
mod tests;
