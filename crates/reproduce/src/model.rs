//! What can be trained: a network that is built anew for every run.

use std::any::Any;

use anyhow::Result;
use lab::data::FloatSet;
use lab::train::{Recipe, Run, TrainError, TrainLog, fit};
use striate::{Network, Parameters};

/// Both splits as numbers.
pub(crate) type Sets = (FloatSet, FloatSet);

/// A network that can be built anew for every run.
pub(crate) trait Model: Any {
    /// Builds it.
    fn build(&self, parameters: &Parameters) -> candle_core::Result<Box<dyn Network>>;

    /// Everything that makes it what it is, for `config.toml`.
    fn settings(&self) -> Result<toml::Table>;

    /// Whether it gives class scores, so that a test error is its result.
    fn classifies(&self) -> bool {
        true
    }

    /// Builds and trains it; as a classifier, unless a model minimizes something else.
    fn fit(
        &self,
        parameters: &Parameters,
        (train, test): &Sets,
        recipe: &Recipe,
        run: &mut Run,
    ) -> Result<TrainLog, TrainError> {
        let network = self.build(parameters)?;
        fit(network.as_ref(), parameters, train, test, recipe, run)
    }
}

/// Networks that are their configuration: built by one constructor, trained as classifiers.
macro_rules! models {
    ($($config:ty => $build:expr;)*) => {
        $(impl $crate::model::Model for $config {
            fn build(
                &self,
                parameters: &striate::Parameters,
            ) -> candle_core::Result<Box<dyn striate::Network>> {
                Ok(Box::new($build(self, parameters.builder())?))
            }

            fn settings(&self) -> anyhow::Result<toml::Table> {
                Ok(toml::Table::try_from(self)?)
            }
        })*
    };
}
pub(crate) use models;
