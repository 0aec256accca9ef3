//! What can be trained: a network that is built anew for every run.

use std::any::Any;

use anyhow::Result;
use lab::data::FloatSet;
use lab::train::{Recipe, Run, TrainError, TrainLog, fit};
use striate::model_file::{Canvas, FileConfig};
use striate::{Network, Parameters};

/// Both splits as numbers.
pub(crate) type Sets = (FloatSet, FloatSet);

/// A network that can be built anew for every run.
pub(crate) trait Model: Any {
    /// Builds it.
    fn build(&self, parameters: &Parameters) -> candle_core::Result<Box<dyn Network>>;

    /// Everything that makes it what it is, for `config.toml`.
    fn settings(&self) -> Result<toml::Table>;

    /// How a model file names it; `None`: model files do not hold it.
    fn described(&self) -> candle_core::Result<Option<Described>>;

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

/// A network as a model file names it.
pub(crate) struct Described {
    /// The name of its configuration.
    pub(crate) network: &'static str,
    /// The configuration, as JSON.
    pub(crate) config: String,
    /// Channels of its images.
    pub(crate) channels: usize,
    /// Where it wants its images.
    pub(crate) canvas: Option<Canvas>,
}

impl Described {
    /// A network by its configuration.
    pub(crate) fn of<C: FileConfig>(
        config: &C,
        canvas: Option<Canvas>,
    ) -> candle_core::Result<Option<Self>> {
        Ok(Some(Self {
            network: C::NAME,
            config: serde_json::to_string(config).map_err(candle_core::Error::wrap)?,
            channels: config.image_shape().0,
            canvas,
        }))
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

            fn described(
                &self,
            ) -> candle_core::Result<Option<$crate::model::Described>> {
                $crate::model::Described::of(self, None)
            }
        })*
    };
}
pub(crate) use models;
