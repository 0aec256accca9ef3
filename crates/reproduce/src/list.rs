//! `--list`: every experiment, what it needs, and what it took where it was measured.

use std::io::{Write, stdout};
use std::path::Path;

use anyhow::Result;
use lab::data::DataSet;
use lab::report::{Record, Scale, read_records, record_file};
use lab::train::duration;

use crate::datasets;
use crate::experiment::Experiment;
use crate::images::Data;
use crate::trainings::{KEPT, per_image};

/// Prints the list.
pub(crate) fn list(experiments: &[&'static Experiment]) -> Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "Times are those of the records in docs/results.\n")?;
    for experiment in experiments {
        writeln!(out, "{}: {}", experiment.id, experiment.title)?;
        for scale in Scale::ALL {
            let needs = needs(&experiment.data, scale);
            let time = time(experiment, scale, Path::new(KEPT));
            writeln!(out, "  {scale:<6} needs {needs}; {time}")?;
        }
    }
    Ok(())
}

/// The data that must be given.
fn needs(data: &Data, scale: Scale) -> String {
    if let Some(name) = data.stand_in.at(scale) {
        return format!("nothing, runs on embedded {name}");
    }
    let is_on_hub = DataSet::find(data.paper).is_some_and(|set| set.hub.is_some());
    let hub = if is_on_hub { ", or --data hub" } else { "" };
    format!("--data DIR with {}{hub}", data.paper)
}

/// What an experiment took, as far as records tell.
fn time(experiment: &Experiment, scale: Scale, kept: &Path) -> String {
    if let Some(measured) = measured(&records(experiment, scale, kept)) {
        return measured;
    }
    let others = Scale::ALL.into_iter().filter(|other| *other != scale);
    let known: Vec<Record> = others
        .flat_map(|other| records(experiment, other, kept))
        .collect();
    match estimated(experiment, scale, &known) {
        Some(estimate) => estimate,
        None => "not yet measured".to_owned(),
    }
}

/// The records of an experiment at a scale; none if there is no readable file.
fn records(experiment: &Experiment, scale: Scale, kept: &Path) -> Vec<Record> {
    read_records(&record_file(kept, experiment.id, scale)).unwrap_or_default()
}

/// The time of these records, and on which machine it was measured.
fn measured(records: &[Record]) -> Option<String> {
    let timed = records
        .iter()
        .filter(|record| record.wall_seconds.is_some());
    let seconds: f64 = timed.clone().filter_map(|record| record.wall_seconds).sum();
    let machine = timed.clone().next()?.environment.summary();
    let runs: usize = timed.map(|record| record.seeds.len()).sum();
    let seconds = duration(seconds);
    Some(format!("took {seconds} (runs: {runs}) on {machine}"))
}

/// The time of every row with one seed, from the speed of records of the same networks;
/// nothing unless there is one for each.
fn estimated(experiment: &Experiment, scale: Scale, known: &[Record]) -> Option<String> {
    let mut seconds = 0.0;
    let mut machine = None;
    for row in (experiment.rows)() {
        let data = experiment.data_of(&row);
        if data.stand_in.at(scale).is_some() {
            return None;
        }
        let (_, images) = datasets::of_paper(&data);
        let Some(training) = row.training(scale, &images) else {
            continue;
        };
        let (each, on) = per_image(known, &row.label, &training).ok()??;
        let (train, _) = training.counts(images.train, images.test);
        let epochs = training.recipe.epochs;
        let trials = training.rates.len() * training.trial_epochs.unwrap_or(epochs);
        seconds += each * (train * (epochs + trials)) as f64;
        machine.get_or_insert(on);
    }
    let machine = machine?;
    Some(format!(
        "takes about {} for one seed on {machine}, by its images and epochs",
        duration(seconds)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_hub_has_is_listed_with_it() {
        let needs = |name| needs(&Data::of(name).smoke("mnist"), Scale::Cpu);
        assert_eq!(needs("svhn"), "--data DIR with svhn, or --data hub");
        assert_eq!(needs("stl10"), "--data DIR with stl10");
        let embedded = super::needs(&Data::of("svhn").smoke("mnist"), Scale::Smoke);
        assert_eq!(embedded, "nothing, runs on embedded mnist");
    }
}
