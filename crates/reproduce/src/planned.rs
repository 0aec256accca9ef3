//! A row of a table that is about to be trained: its training, its data, and what sets it apart from the paper's.

use std::path::PathBuf;
use std::rc::Rc;

use anyhow::{Context, Result};
use lab::data::Dataset;
use lab::report::{Claim, Record, Scale, file_name};
use lab::train::sha256;

use crate::model::Model;
use crate::training::Training;

/// A row with its data.
#[derive(Clone)]
pub(crate) struct Planned {
    /// The name in the table.
    pub(crate) label: String,
    pub(crate) training: Training,
    pub(crate) data: Rc<Dataset>,
    /// The digest of the data.
    pub(crate) data_sha256: Rc<str>,
    /// How it differs from the paper's row, and what is our choice, one sentence each.
    pub(crate) notes: Vec<String>,
}

impl Planned {
    /// The network's configuration.
    pub(crate) fn config<M: Model>(&self) -> Result<&M> {
        let model: &dyn std::any::Any = self.training.model.as_ref();
        model
            .downcast_ref()
            .with_context(|| format!("{} is another kind of network", self.label))
    }

    /// Everything that decides a run of `training` on this row's data, but for the recipe.
    pub(crate) fn settings(&self, training: &Training, seed: u64) -> Result<toml::Table> {
        let counts = (self.data.train.len(), self.data.test.len());
        let mut settings =
            training.settings(&self.data.name, counts, Some(&self.data_sha256), Some(seed))?;
        if let Some(streamed) = &self.data.train.streamed {
            let framing = toml::Table::try_from(streamed.framing())?;
            settings.insert("framing".to_owned(), framing.into());
        }
        Ok(settings)
    }

    /// A record of something that is measured of this row, still without a value.
    pub(crate) fn record(
        &self,
        id: &str,
        scale: Scale,
        quantity: &str,
        unit: &str,
    ) -> Result<Record> {
        let all = (self.data.train.len(), self.data.test.len());
        let (train, _) = self.training.counts(all.0, all.1);
        let dataset = dataset(&self.training, &self.data.name, all);
        let claim = Claim::new(id, &self.label, quantity, unit);
        Ok(Record {
            train_images: Some(train),
            network: Some(network(&self.training)?),
            training: Some(digest(&self.training, &self.data.name, all)?),
            notes: self.notes.clone(),
            ..Record::new(&claim, dataset, scale)
        })
    }

    /// The test images of its training.
    pub(crate) fn test_images(&self) -> usize {
        let (train, test) = (self.data.train.len(), self.data.test.len());
        self.training.counts(train, test).1
    }

    /// Where what is measured with a seed is kept, from the folder of the experiment.
    pub(crate) fn folder(&self, seed: u64) -> PathBuf {
        PathBuf::from(file_name(&self.label)).join(format!("seed-{seed}"))
    }
}

/// The data set of a record: what a training uses of so many training and test images.
pub(crate) fn dataset(training: &Training, name: &str, (train, test): (usize, usize)) -> String {
    let (train, test) = training.counts(train, test);
    format!("{name} ({train} training and {test} test images)")
}

/// The row whose network the others are measured on, or what the command line lacks.
pub(crate) fn network_row<'a>(
    row: Option<&'a Planned>,
    id: &str,
    label: &str,
) -> Result<&'a Planned> {
    row.with_context(|| {
        let label = cli::quoted(label.as_ref());
        format!(
            "--row: {id} measures this on the network of another row; give --row {label} as well"
        )
    })
}

/// A digest of everything that decides a training but the seed and the pixels, on so many training and test images.
pub(crate) fn digest(training: &Training, name: &str, images: (usize, usize)) -> Result<String> {
    let settings = training.resolved(name, images)?.to_string();
    Ok(sha256(settings.as_bytes())[..16].to_owned())
}

/// A digest of a training's network, which tells whether another takes as much time for an image.
pub(crate) fn network(training: &Training) -> Result<String> {
    let settings = training.model.settings()?.to_string();
    Ok(sha256(settings.as_bytes())[..16].to_owned())
}
