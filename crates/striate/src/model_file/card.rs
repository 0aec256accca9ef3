//! What a model file says about itself, in the header of the safetensors file.

use std::collections::HashMap;

use candle_core::{Error, Result as CandleResult, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{FileConfig, ModelError, Preprocessing};

/// The key of the header that holds the card: one key, so that the same card gives the same bytes.
const KEY: &str = "striate";
/// The format of the card.
const FORMAT: u32 = 1;

/// What a model file says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelCard {
    /// The name of the configuration, such as `allconv::Config`.
    pub network: String,
    /// The configuration, as JSON.
    pub config: String,
    /// What is done to pixels before the network sees them.
    pub preprocessing: Preprocessing,
    /// The names of the classes, in the order of the logits; none for a network that does not classify.
    pub classes: Vec<String>,
    /// The data set that it was trained on.
    pub data_set: String,
    /// What was measured, if anything was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
    /// The license of the weights.
    pub license: String,
}

/// A number of an experiment, with what it takes to get it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// The experiment, such as `allconv/table3`.
    pub experiment: String,
    /// The row of its table.
    pub row: String,
    /// How much of the paper was done, such as `cpu`.
    pub scale: String,
    /// The seed of the run.
    pub seed: u64,
    /// What was measured, such as `test error`.
    pub quantity: String,
    /// Its unit.
    pub unit: String,
    /// The number.
    pub value: f64,
    /// The version of the code that trained it.
    pub version: String,
    /// The command that trains it again.
    pub command: String,
}

/// A card with its format.
#[derive(Serialize, Deserialize)]
struct Header<C> {
    format: u32,
    card: C,
}

impl ModelCard {
    /// The card of a network; class names, data set, what was measured and license are still to be said.
    ///
    /// # Errors
    /// A configuration that is no JSON.
    pub fn of<C: FileConfig>(config: &C, preprocessing: Preprocessing) -> CandleResult<Self> {
        Ok(Self {
            network: C::NAME.to_owned(),
            config: serde_json::to_string(config).map_err(Error::wrap)?,
            preprocessing,
            classes: Vec::new(),
            data_set: String::new(),
            measured: None,
            license: String::new(),
        })
    }

    /// The configuration of its network, such as to build one for other classes.
    ///
    /// # Errors
    /// A card of another kind of network, and text that is no such configuration.
    pub fn parse_config<C: FileConfig>(&self) -> CandleResult<C> {
        if self.network != C::NAME {
            bail!(
                "the card is that of a network of {}, not of {}",
                self.network,
                C::NAME
            );
        }
        parsed(&self.config, "config", "model card")
    }

    /// The header of the file.
    pub(super) fn to_metadata(&self) -> CandleResult<HashMap<String, String>> {
        let header = Header {
            format: FORMAT,
            card: self,
        };
        let text = serde_json::to_string(&header).map_err(Error::wrap)?;
        Ok(HashMap::from([(KEY.to_owned(), text)]))
    }

    /// From the header of a file that errors call `source`.
    pub(super) fn from_metadata(
        metadata: &HashMap<String, String>,
        source: &str,
    ) -> Result<Self, ModelError> {
        let file = || source.to_owned();
        let text = metadata
            .get(KEY)
            .ok_or_else(|| ModelError::NoCard { file: file() })?;
        let damaged = |error| ModelError::damaged(source, error);
        // The format first: the card of another format may be anything.
        let Header { format, .. }: Header<serde::de::IgnoredAny> =
            parsed(text, KEY, source).map_err(damaged)?;
        if format != FORMAT {
            return Err(ModelError::OtherFormat {
                file: file(),
                format,
                reads: FORMAT,
            });
        }
        let Header { card, .. } = parsed(text, KEY, source).map_err(damaged)?;
        Ok(card)
    }
}

fn damaged(source: &str, key: &str, reason: impl std::fmt::Display) -> Error {
    Error::Msg(format!(
        "{source}: {key:?} of the header cannot be used ({reason}); the file is damaged or was written by other code"
    ))
}

/// `text` as JSON; `key` and `source` are for the error.
pub(super) fn parsed<T: DeserializeOwned>(text: &str, key: &str, source: &str) -> CandleResult<T> {
    serde_json::from_str(text).map_err(|error| damaged(source, key, error))
}
