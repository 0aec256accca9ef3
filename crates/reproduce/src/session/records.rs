//! What a session keeps of the current experiment: records and figures.

use std::path::Path;

use anyhow::{Context, Result};
use cli::Only;
use lab::report::{Animation, Picture, Record, file_name, write_records};
use lab::train::{RunId, RunResult};

use super::origin::{Origin, kept};
use super::{Session, Trained};
use crate::model_file;
use crate::planned::Planned;

/// The name of the file of a record in its folder.
const RECORD: &str = "record.json";

impl Session<'_> {
    /// Keeps something that was measured of a row's network; `images` are those that it is a share of, if it is one.
    pub(crate) fn measured(
        &self,
        row: &Planned,
        (quantity, unit): (&str, &str),
        seed: u64,
        value: Option<f64>,
        images: Option<usize>,
    ) -> Result<()> {
        let record = Record {
            test_images: images,
            ..row.record(self.id, self.scale(), quantity, unit)?
        };
        let folder = row.folder(seed).join(file_name(quantity));
        self.keep(&folder, &record.value(seed, value))
    }

    /// Keeps the result of a network that has no test error, with what its training took.
    pub(crate) fn measured_of(
        &self,
        row: &Planned,
        (quantity, unit): (&str, &str),
        trained: &Trained,
        value: f64,
    ) -> Result<()> {
        let record = row.record(self.id, self.scale(), quantity, unit)?;
        let record = Record {
            parameters: Some(trained.parameters.count()),
            ..record.trained(trained.seed, &trained.log)
        };
        let record = Record {
            values: vec![Some(value)],
            ..record
        };
        self.keep_trained(&row.folder(trained.seed), &record, &trained.folder)
    }

    /// Writes a record to its folder, from that of the experiment, and shows it.
    pub(crate) fn keep(&self, folder: &Path, record: &Record) -> Result<()> {
        self.keep_from(folder, record, Origin::here(&self.environment))
    }

    /// The same for the result of a training, whose run may be an earlier one.
    pub(super) fn keep_trained(&self, folder: &Path, record: &Record, run: &Path) -> Result<()> {
        let earlier = kept(&self.folder().join(folder).join(RECORD));
        // A run that diverged has no time that tells it from one that is done again.
        let is_of_use = !self.settings.again || record.wall_seconds.is_some();
        let earlier = earlier.filter(|_| is_of_use);
        let origin = Origin::here(&self.environment).of_run(run, record, earlier.as_ref())?;
        self.keep_from(folder, record, origin)
    }

    /// The same with where and when it was measured.
    fn keep_from(&self, folder: &Path, record: &Record, origin: Origin) -> Result<()> {
        let folder = self.folder().join(folder);
        let command = self.settings.command_of(self.id);
        let record = record
            .clone()
            .measured_by(command, origin.date, &origin.environment);
        let record = match self.settings.epochs {
            // What is measured without a training has no epochs.
            Some(epochs) if record.network.is_some() => record.other_epochs(epochs),
            _ => record,
        };
        let path = folder.join(RECORD);
        if self.settings.only.is_some()
            && let Some(kept) = kept(&path).filter(|kept| says_the_same(kept, &record))
        {
            return (self.on_record)(&kept);
        }
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}; choose another --out", folder.display()))?;
        write_records(&path, std::slice::from_ref(&record))?;
        (self.on_record)(&record)
    }

    /// Writes the model file of a finished run, unless it is there.
    pub(super) fn keep_model(
        &self,
        row: &Planned,
        seed: u64,
        run: &RunId,
        finished: &RunResult,
    ) -> Result<()> {
        let folder = self.trainer.store.folder(run);
        let (Some(log), false) = (&finished.log, folder.join(model_file::NAME).exists()) else {
            return Ok(());
        };
        let Some(network) = row.training.model.described()? else {
            return Ok(());
        };
        let weights = match self.trainer.store.weights_of(run, finished) {
            Ok(weights) => weights,
            // What was measured is shown all the same.
            Err(error) => {
                let warning = format!("{}: no model file is written: {error}", row.label);
                self.console().warn(warning);
                return Ok(());
            }
        };
        let record = row.record(self.id, self.scale(), "test error", "%")?;
        let mut command = self.settings.command_of(self.id);
        if self.settings.rows.is_empty() {
            command += &format!(" --row {}", cli::quoted(row.label.as_ref()));
        }
        let described = model_file::Finished {
            network,
            experiment: self.id,
            record: &record,
            seed,
            log,
            command,
            weights: &weights,
        };
        let cache = self.settings.out.join("cache");
        let written = model_file::write(row, &described, &folder, &cache, self.console());
        if let Err(error) = written {
            let warning = format!("{}: no model file is written: {error:#}", row.label);
            self.console().warn(warning);
        }
        Ok(())
    }

    /// Saves a figure of the current experiment.
    pub(crate) fn figure(&self, name: &str, picture: &Picture) -> Result<()> {
        // Pictures of all runs are drawn by whoever reports.
        if let Some(Only::Run(_)) = self.settings.only {
            return Ok(());
        }
        let path = self.folder().join("figures").join(format!("{name}.png"));
        Ok(picture.save(&path)?)
    }

    /// Saves a moving figure of the current experiment.
    pub(crate) fn animation(&self, name: &str, animation: &Animation) -> Result<()> {
        let path = self.folder().join("figures").join(format!("{name}.png"));
        Ok(animation.save(&path)?)
    }
}

/// Whether a kept record says the same: then it was made where the run was trained.
fn says_the_same(kept: &Record, record: &Record) -> bool {
    let here = Record {
        command: kept.command.clone(),
        date: kept.date.clone(),
        environment: kept.environment.clone(),
        ..record.clone()
    };
    here == *kept
}
