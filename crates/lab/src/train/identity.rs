//! What decides the numbers of a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Recipe, TrainError};

/// Everything that decides the numbers of a run: its settings (model, data, preprocessing) and its recipe.
///
/// The recipe's label is only a name: two runs that differ in it alone are the same run.
///
/// ```
/// use lab::train::{Identity, Recipe, SgdConfig};
/// let recipe = Recipe::new(3, 64, SgdConfig::default());
/// let renamed = Recipe { label: "row 2".into(), ..recipe.clone() };
/// let reseeded = Recipe { seed: 1, ..recipe.clone() };
/// let settings = toml::toml! { model = "nin" };
/// let run = Identity::new(&settings, &recipe)?;
/// assert_eq!(run, Identity::new(&settings, &renamed)?);
/// assert_ne!(run, Identity::new(&settings, &reseeded)?);
/// # Ok::<(), lab::train::TrainError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    settings: toml::Table,
    recipe: toml::Table,
}

impl Identity {
    /// The identity of the run with these settings and this recipe.
    ///
    /// # Errors
    /// A value that TOML cannot hold.
    pub fn new(settings: &impl Serialize, recipe: &Recipe) -> Result<Self, TrainError> {
        let mut recipe = table(recipe, "recipe")?;
        recipe.remove("label");
        Ok(Self {
            settings: table(settings, "settings of the run")?,
            recipe,
        })
    }

    /// `key is A here and B there`, for every value that differs.
    pub(super) fn differences(&self, there: &Self) -> Vec<String> {
        let (ours, theirs) = (self.values(), there.values());
        let mut keys: Vec<&String> = ours.keys().chain(theirs.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        let show = |value: Option<&String>| value.map_or("absent".to_owned(), String::clone);
        keys.into_iter()
            .filter(|key| ours.get(*key) != theirs.get(*key))
            .map(|key| {
                let (ours, theirs) = (show(ours.get(key)), show(theirs.get(key)));
                format!("{key} is {ours} here and {theirs} in the checkpoint")
            })
            .collect()
    }

    /// Every value under its path of keys.
    fn values(&self) -> BTreeMap<String, String> {
        let mut values = BTreeMap::new();
        flatten("settings", &self.settings, &mut values);
        flatten("recipe", &self.recipe, &mut values);
        values
    }
}

fn flatten(path: &str, table: &toml::Table, values: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let path = format!("{path}.{key}");
        match value {
            toml::Value::Table(table) => flatten(&path, table, values),
            value => {
                values.insert(path, value.to_string());
            }
        }
    }
}

/// A value as a TOML table.
pub(super) fn table(value: &impl Serialize, place: &str) -> Result<toml::Table, TrainError> {
    toml::Table::try_from(value).map_err(|error| TrainError::Parse {
        place: place.to_owned(),
        reason: format!("cannot be written as TOML: {error}"),
    })
}

/// The SHA-256 of some bytes as 64 hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
