//! What the command line decided for all runs.

use std::path::PathBuf;

use candle_core::{Device, DeviceLocation};
use cli::Only;
use lab::data::Source;
use lab::report::Scale;

use crate::catalog;

/// What the command line decided for all runs.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) scale: Scale,
    /// `None`: not given, and the scale needs it.
    pub(crate) source: Option<Source>,
    pub(crate) device: Device,
    /// The first seed.
    pub(crate) seed: u64,
    /// Number of runs with consecutive seeds; `None`: as many as the experiment wants.
    pub(crate) seeds: Option<u64>,
    pub(crate) out: PathBuf,
    pub(crate) resume: bool,
    /// The rows that are done; all unless any is named.
    pub(crate) rows: Vec<String>,
    /// Finished runs are done again.
    pub(crate) again: bool,
    /// Part `index`, from 1, of `count` parts of all runs.
    pub(crate) shard: Option<(usize, usize)>,
    /// What alone is trained.
    pub(crate) only: Option<Only>,
    /// Epochs in place of the experiments' own.
    pub(crate) epochs: Option<usize>,
    /// Rates to choose from in place of the experiments' own; those unless any is given.
    pub(crate) rates: Vec<f64>,
    /// The command that does all this again.
    pub(crate) command: String,
}

impl Settings {
    /// Whether a row of this name is to be done.
    pub(crate) fn wants(&self, row: &str) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|name| name == row)
    }

    /// Whether what no training is needed for is measured here: by whoever does everything, or the first part of it.
    pub(crate) fn measures(&self) -> bool {
        self.only.is_none() && self.shard.is_none_or(|(index, _)| index == 1)
    }

    /// The command that runs one experiment with these settings.
    pub(crate) fn command_of(&self, id: &str) -> String {
        let Self {
            scale,
            source,
            device,
            seed,
            seeds,
            epochs,
            rates,
            rows,
            ..
        } = self;
        let mut command = format!("cargo xtask reproduce {id} --scale {scale}");
        command += match source {
            Some(Source::Dir(_)) => " --data DIR",
            Some(Source::Subset(_)) => " --data subset:DIR",
            Some(Source::Hub) => " --data hub",
            Some(Source::Embedded) | None => "",
        };
        for row in rows {
            command += &format!(" --row {}", ::cli::quoted(row.as_ref()));
        }
        if *seed > 0 {
            command += &format!(" --seed {seed}");
        }
        let mut found = catalog::all().filter(|experiment| experiment.id == id);
        let has_one_seed = found.any(|experiment| experiment.has_one_seed);
        if let Some(seeds) = seeds.filter(|_| !has_one_seed) {
            command += &format!(" --seeds {seeds}");
        }
        if let Some(epochs) = epochs {
            command += &format!(" --epochs {epochs}");
        }
        if !rates.is_empty() {
            let rates: Vec<String> = rates.iter().map(f64::to_string).collect();
            command += &format!(" --rates {}", rates.join(","));
        }
        match device.location() {
            DeviceLocation::Cpu => {}
            DeviceLocation::Cuda { gpu_id } => command += &format!(" --device cuda:{gpu_id}"),
            DeviceLocation::Metal { gpu_id } => command += &format!(" --device metal:{gpu_id}"),
        }
        command
    }
}
