//! `--list --json`: every training, with its run, what it needs first, and how long it takes where that is known.

use anyhow::Result;
use lab::report::{Record, Scale, read_records, record_file};
use lab::train::{Recipe, RunId, RunStore};
use serde::Serialize;

use crate::list::{KEPT, per_image};
use crate::planned::Planned;
use crate::settings::Settings;
use crate::training::Training;

/// A training that could be done.
#[derive(Serialize)]
pub(crate) struct Listed {
    run: String,
    experiment: &'static str,
    label: String,
    seed: u64,
    epochs: usize,
    train_images: usize,
    /// The runs that choose its learning rate.
    needs: Vec<String>,
    done: bool,
    /// From records of the same network; nothing if there is none.
    seconds: Option<f64>,
    /// Where those were measured.
    machine: Option<String>,
}

/// The trainings of a row with a seed: those that choose its rate, and then its own.
pub(crate) fn of(
    settings: &Settings,
    id: &'static str,
    row: &Planned,
    seed: u64,
) -> Result<Vec<Listed>> {
    let known = records(settings, id);
    let speed = per_image(&known, &row.label, &row.training)?;
    let label = format!("{id} {}", row.label);
    let store = RunStore::new(&settings.out);
    let listed = |label: String, training: &Training, needs: Vec<String>| -> Result<Listed> {
        let recipe = Recipe {
            seed,
            ..training.recipe.clone()
        };
        let run = RunId::of(&row.settings(training, seed)?, &recipe)?;
        let (train_images, _) = training.counts(row.data.train.len(), row.data.test.len());
        let images = (train_images * recipe.epochs) as f64;
        let (seconds, machine) = speed.clone().map(|(each, on)| (each * images, on)).unzip();
        Ok(Listed {
            experiment: id,
            label,
            seed,
            epochs: recipe.epochs,
            train_images,
            needs,
            done: store.finished(&run)?.is_some(),
            run: run.name().to_owned(),
            seconds,
            machine,
        })
    };
    let candidates = row.training.candidates(&label).into_iter();
    let mut all = candidates
        .map(|(_, label, candidate)| listed(label, &candidate, Vec::new()))
        .collect::<Result<Vec<_>>>()?;
    let needs = all.iter().map(|listed| listed.run.clone()).collect();
    all.push(listed(label, &row.training, needs)?);
    Ok(all)
}

/// What was measured of an experiment: in the folder of the runs, and in docs/results.
fn records(settings: &Settings, id: &str) -> Vec<Record> {
    let here = crate::page::results(&settings.out).unwrap_or_default();
    let here = here.into_iter().filter(|results| results.exhibit.id == id);
    let kept = Scale::ALL.map(|scale| read_records(&record_file(KEPT.as_ref(), id, scale)));
    let kept = kept.into_iter().flat_map(Result::unwrap_or_default);
    here.flat_map(|results| results.records)
        .chain(kept)
        .collect()
}
