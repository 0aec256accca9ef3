//! What a run measured, as a file.

use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// One finished run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Experiment, such as `allconv/table3`.
    pub(crate) experiment: String,
    /// Row of its table.
    pub(crate) label: String,
    /// Scale.
    pub(crate) scale: String,
    /// Data set that ran.
    pub(crate) data_set: String,
    /// Training images.
    pub(crate) train_images: usize,
    /// Test images.
    pub(crate) test_images: usize,
    /// Seed.
    pub(crate) seed: u64,
    /// Scalars in the network.
    pub(crate) parameters: usize,
    /// Learning rate that was used.
    pub(crate) learning_rate: f64,
    /// Epochs.
    pub(crate) epochs: usize,
    /// Mean training loss of the last epoch.
    pub(crate) train_loss: f64,
    /// Test error in percent after the last epoch.
    pub(crate) error: f64,
    /// Test error of always answering one class.
    pub(crate) chance: f64,
    /// Wall time.
    pub(crate) seconds: f64,
    /// Threads.
    pub(crate) threads: usize,
    /// Everything that decided the result, as TOML.
    pub(crate) settings: String,
}

impl Record {
    /// Writes `record.json` and `config.toml`; the record appears last and whole.
    pub(crate) fn save(&self, folder: &Path) -> Result<()> {
        let cure = || format!("cannot write to {}; choose another --out", folder.display());
        std::fs::create_dir_all(folder).with_context(cure)?;
        std::fs::write(folder.join("config.toml"), &self.settings).with_context(cure)?;
        let partial = folder.join("record.json.partial");
        std::fs::write(&partial, serde_json::to_string_pretty(self)?).with_context(cure)?;
        std::fs::rename(&partial, folder.join("record.json")).with_context(cure)
    }

    /// The record in `folder`, if there is one that can be read.
    pub(crate) fn load(folder: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(folder.join("record.json")).ok()?;
        serde_json::from_str(&text).ok()
    }
}
