//! `--list --json`: every training, with its run, what it needs first, and how long it takes where that is known.

use anyhow::Result;
use candle_core::{DType, Device};
use lab::report::{Exhibit, Record, Scale, gather, read_records, record_file};
use lab::train::{Recipe, RunId, RunStore};
use serde::Serialize;
use striate::Parameters;

use crate::planned::{self, Planned};
use crate::settings::Settings;
use crate::training::Training;

/// Where the records that the documents show are kept.
pub(crate) const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/results");

/// A training that could be done.
#[derive(Serialize)]
pub(crate) struct Listed {
    pub(crate) run: String,
    experiment: &'static str,
    label: String,
    seed: u64,
    epochs: usize,
    train_images: usize,
    /// The runs that choose its learning rate.
    needs: Vec<String>,
    pub(crate) done: bool,
    /// From records of the same network; nothing if there is none.
    pub(crate) seconds: Option<f64>,
    /// Where those were measured.
    machine: Option<String>,
    /// Whether it belongs to the part that is done here.
    #[serde(skip)]
    pub(crate) is_here: bool,
}

/// The trainings of a row with a seed: those that choose its rate, and then its own; `known` is what [`records`] gives.
pub(crate) fn of(
    settings: &Settings,
    id: &'static str,
    known: &[Record],
    row: &Planned,
    seed: u64,
) -> Result<Vec<Listed>> {
    let speed = per_image(known, &row.label, &row.training)?;
    let label = format!("{id} {}", row.label);
    let store = RunStore::new(&settings.out);
    let run_of = |training: &Training| -> Result<RunId> {
        let recipe = Recipe {
            seed,
            ..training.recipe.clone()
        };
        Ok(RunId::of(&row.settings(training, seed)?, &recipe)?)
    };
    // Whoever trains the network chooses its rate.
    let own = run_of(&row.training)?;
    let is_here = settings
        .shard
        .is_none_or(|(index, count)| own.is_in(index, count));
    let listed = |label: String, training: &Training, needs: Vec<String>| -> Result<Listed> {
        let run = run_of(training)?;
        let (train_images, _) = training.counts(row.data.train.len(), row.data.test.len());
        let epochs = training.recipe.epochs;
        let images = (train_images * epochs) as f64;
        let (seconds, machine) = speed.clone().map(|(each, on)| (each * images, on)).unzip();
        Ok(Listed {
            experiment: id,
            label,
            seed,
            epochs,
            train_images,
            needs,
            done: store.finished(&run)?.is_some(),
            is_here,
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
pub(crate) fn records(settings: &Settings, id: &'static str) -> Vec<Record> {
    let exhibit = Exhibit {
        id,
        paper: "",
        title: "",
        claims: Vec::new(),
        findings: &[],
    };
    let here = gather(&settings.out, &[exhibit], &|_| {}).unwrap_or_default();
    let kept = Scale::ALL.map(|scale| read_records(&record_file(KEPT.as_ref(), id, scale)));
    let kept = kept.into_iter().flat_map(Result::unwrap_or_default);
    let here = here.into_iter().flat_map(|results| results.records);
    here.chain(kept).collect()
}

/// Seconds that a training takes for an image of an epoch, and the machine, by a record of the same network,
/// or of the same row with as many parameters; nothing if there is none.
pub(crate) fn per_image(
    known: &[Record],
    row: &str,
    training: &Training,
) -> Result<Option<(f64, String)>> {
    let network = planned::network(training)?;
    let mut of_row = known.iter().filter(|record| record.model == row).peekable();
    // What is trained elsewhere may differ in what costs no time, such as an activation.
    let size = match of_row.peek() {
        Some(_) => {
            let parameters = Parameters::new(0, DType::F32, &Device::Cpu);
            training.model.build(&parameters)?;
            Some(parameters.count())
        }
        None => None,
    };
    let is_same = |record: &&Record| record.network.as_ref() == Some(&network);
    let is_as_large = |record: &&Record| size.is_some() && record.parameters == size;
    let alike = known.iter().filter(is_same);
    let mut alike = alike.chain(of_row.filter(is_as_large));
    Ok(alike.find_map(speed))
}

/// Seconds that a record's trainings took for an image of an epoch, and the machine; nothing if they were not timed.
fn speed(record: &Record) -> Option<(f64, String)> {
    // A run that diverged has no outcome and no time; older records have no outcomes at all.
    let runs = match record.outcomes.len() {
        0 => record.seeds.len(),
        runs => runs,
    };
    let images = record.train_images? as f64 * record.epochs as f64 * runs as f64;
    let each = record.wall_seconds? / images;
    (images > 0.0).then(|| (each, record.environment.summary()))
}

#[cfg(test)]
mod tests {
    use lab::report::{Claim, Environment};
    use lab::train::Outcome;

    use super::*;
    use crate::{catalog, datasets};

    /// A record that took a second for every image of an epoch.
    fn timed(network: &str, machine: &str) -> Record {
        let claim = Claim::new("p/t", "another row", "test error", "%");
        Record {
            network: Some(network.to_owned()),
            train_images: Some(10),
            epochs: 3,
            outcomes: vec![Outcome::Trained],
            wall_seconds: Some(30.0),
            environment: Environment {
                machine: machine.to_owned(),
                ..Environment::default()
            },
            ..Record::new(&claim, "digits", Scale::Quick).value(0, Some(5.0))
        }
    }

    #[test]
    fn records_without_a_time_are_passed_over() -> Result<()> {
        let [table3] = catalog::find(&["allconv/table3"]).try_into().ok().unwrap();
        let row = (table3.rows)().swap_remove(0);
        let (_, images) = datasets::of_paper(&table3.data_of(&row));
        let training = row.training(Scale::Smoke, &images).unwrap();
        let timed = timed(&planned::network(&training)?, "the machine");
        let untimed = Record {
            wall_seconds: None,
            ..timed.clone()
        };
        let no_epochs = Record {
            epochs: 0,
            ..timed.clone()
        };
        let each = |known: &[Record]| -> Result<Option<f64>> {
            let found = per_image(known, &row.label, &training)?;
            Ok(found.map(|(each, machine)| {
                assert!(machine.contains("the machine"), "{machine}");
                each
            }))
        };
        let mut known = vec![untimed, no_epochs];
        assert_eq!(each(&known)?, None);
        known.push(timed.clone());
        assert_eq!(each(&known)?, Some(1.0));
        // A run that diverged beside it took no time.
        assert_eq!(each(&[timed.value(1, None)])?, Some(1.0));
        Ok(())
    }
}
