//! What decides the runs of every row at every scale, against a list that is kept.
//!
//! A row whose settings change makes other runs than the records in docs/results.
//! `STRIATE_UPDATE=1 cargo test -p reproduce settings` writes the list anew, for a change that is meant.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use lab::data::{Source, load};
use lab::report::{Scale, is_chosen_rate, read_records, record_file, write_records};
use lab::train::RunId;

use crate::experiment::Experiment;
use crate::images::{Data, Images};
use crate::planned::dataset;
use crate::shared::{is_own, renew};
use crate::{catalog, datasets};

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/settings.txt");

/// The paper's set, and what stands in for it.
fn sets(data: &Data, scale: Scale) -> Result<Vec<(&'static str, Images)>> {
    let mut sets = vec![datasets::of_paper(data)];
    if let Some(name) = data.stand_in.at(scale) {
        sets.push((name, embedded(name)?));
    }
    Ok(sets)
}

/// The size of an embedded set, which is read once.
fn embedded(name: &'static str) -> Result<Images> {
    static READ: Mutex<BTreeMap<&str, Images>> = Mutex::new(BTreeMap::new());
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(images) = read.get(name) {
        return Ok(images.clone());
    }
    let images = Images::of(&load(name, &Source::Embedded)?);
    read.insert(name, images.clone());
    Ok(images)
}

/// A row's settings and recipe, on its data or on what stands in for them.
fn settings() -> Result<BTreeMap<String, toml::Table>> {
    let mut all = BTreeMap::new();
    for experiment in catalog::all() {
        for scale in Scale::ALL {
            for row in (experiment.rows)() {
                for (name, images) in sets(&experiment.data_of(&row), scale)? {
                    let Some(training) = row.training(scale, &images) else {
                        continue;
                    };
                    let counts = (images.train, images.test);
                    let key = format!(
                        "{} {scale} {name} {} | {}",
                        experiment.id, images.train, row.label
                    );
                    all.insert(key, training.resolved(name, counts, Some(0))?);
                }
            }
        }
    }
    Ok(all)
}

#[test]
fn settings_are_those_of_the_records() -> Result<()> {
    let digest = |table: &toml::Table| -> Result<String> {
        let recipe = lab::train::Recipe::new(1, 1, lab::train::SgdConfig::default());
        Ok(RunId::of(table, &recipe)?.folder())
    };
    let mut lines = String::new();
    for (key, table) in settings()? {
        lines += &format!("{key}: {}\n", digest(&table)?);
    }
    if std::env::var_os("STRIATE_UPDATE").is_some() {
        std::fs::write(KEPT, &lines)?;
    }
    let kept = std::fs::read_to_string(KEPT)?;
    let changed: Vec<&str> = lines
        .lines()
        .filter(|line| !kept.lines().any(|kept| kept == *line))
        .collect();
    assert!(
        changed.is_empty() && lines.lines().count() == kept.lines().count(),
        "other settings than those of the records: {changed:#?}"
    );
    Ok(())
}

#[test]
fn every_difference_is_told_with_words() -> Result<()> {
    for experiment in catalog::all() {
        for row in (experiment.rows)() {
            let (name, images) = datasets::of_paper(&experiment.data_of(&row));
            for scale in Scale::ALL {
                let Some(training) = row.training(scale, &images) else {
                    continue;
                };
                for note in experiment.notes_of(&row, scale, &training, name, &images)? {
                    assert!(!note.contains('{') && !note.contains('_'), "{note}");
                    assert!(note.ends_with('.'), "{note}");
                    // A rate that is chosen is told by the record of the run alone.
                    let is_own = training.rates.is_empty();
                    assert!(is_own || !note.starts_with("learning rate: "), "{note}");
                }
            }
        }
    }
    Ok(())
}

/// What the kept records say of their settings is what the program says of these settings today.
/// `STRIATE_UPDATE=1` lets them say it.
#[test]
fn kept_records_say_what_the_program_says() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/results");
    let is_update = std::env::var_os("STRIATE_UPDATE").is_some();
    let (mut read, mut others) = (0, Vec::new());
    for experiment in catalog::all() {
        for scale in Scale::ALL {
            let path = record_file(&folder, experiment.id, scale);
            if !path.exists() {
                continue;
            }
            let mut records = read_records(&path)?;
            for (label, dataset, epochs, wanted) in said(experiment, scale)? {
                let own = records.iter_mut().filter(|record| {
                    let is_changed =
                        ["--epochs", "--rates"].map(|flag| record.command.contains(flag));
                    record.model == label
                        && record.dataset == dataset
                        && is_own(record)
                        && is_changed == [false; 2]
                });
                for record in own {
                    // Notes of today's settings would be false of a run of others.
                    let is_of_today = [0, epochs].contains(&record.epochs);
                    assert!(is_of_today, "{} {label}: run it again", experiment.id);
                    let notes = record.notes.drain(..);
                    let (chosen, notes): (Vec<_>, Vec<_>) =
                        notes.partition(|note| is_chosen_rate(note));
                    if notes != wanted {
                        others.push(format!(
                            "{} {label}: {notes:#?}, wanted {wanted:#?}",
                            experiment.id
                        ));
                    }
                    record.notes = [wanted.clone(), chosen].concat();
                    read += 1;
                }
            }
            if is_update {
                write_records(&path, &records)?;
            }
        }
    }
    if is_update {
        let ids: Vec<&str> = catalog::all().map(|experiment| experiment.id).collect();
        for scale in Scale::ALL {
            renew(&ids, scale, &folder)?;
        }
    }
    assert!(others.is_empty() || is_update, "{}", others.join("\n"));
    assert!(read > 100, "only {read} records were found");
    Ok(())
}

/// Label, data set, epochs and notes of a row.
type Said = (String, String, usize, Vec<String>);

/// The rows of an experiment on each set that they may be measured on.
fn said(experiment: &Experiment, scale: Scale) -> Result<Vec<Said>> {
    let mut all = Vec::new();
    for row in (experiment.rows)() {
        for (name, images) in sets(&experiment.data_of(&row), scale)? {
            let Some(training) = row.training(scale, &images) else {
                continue;
            };
            let dataset = dataset(&training, name, (images.train, images.test));
            let notes = experiment.notes_of(&row, scale, &training, name, &images)?;
            all.push((row.label.clone(), dataset, training.recipe.epochs, notes));
        }
    }
    Ok(all)
}

/// A number in a note comes from a constant or from the settings: none is typed.
#[test]
fn no_number_is_typed_in_a_note() {
    // Names with a digit in them.
    let names = [
        "80 Million Tiny Images",
        "CIFAR-100",
        "CIFAR-10",
        "L2rec",
        "L2M",
        "R^2",
        "Table 3",
        "Table 4",
    ];
    let check = |text: &str| {
        let text = names
            .iter()
            .fold(text.to_owned(), |t, name| t.replace(name, ""));
        assert!(!text.chars().any(|c| c.is_ascii_digit()), "{text}");
    };
    for experiment in catalog::all() {
        experiment.notes.iter().for_each(|note| check(note.text));
        let choices = experiment.choices.iter().copied().flatten();
        choices.for_each(|choice| check(choice.why));
    }
}

/// A finding speaks of rows that there are.
#[test]
fn findings_name_rows() {
    for experiment in catalog::all() {
        let claims = experiment.claims();
        for finding in experiment.findings {
            for row in finding.relation.rows() {
                let known =
                    |c: &lab::report::Claim| c.model == row && c.quantity == finding.quantity;
                assert!(claims.iter().any(known), "{}: {row}", experiment.id);
            }
        }
    }
}
