//! What the program says of every row's settings, against the records in docs/results.
//!
//! `STRIATE_UPDATE=1 cargo test --workspace kept_records` gives the records today's words.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use lab::data::{Source, load};
use lab::report::{Record, Scale, read_records, record_file, write_records};

use crate::experiment::Experiment;
use crate::images::{Data, Images};
use crate::planned::{dataset, digest, network};
use crate::shared::{is_own, renew, with_chosen_rates};
use crate::{catalog, datasets};

/// The paper's set, and what stands in for it.
fn sets(data: &Data, scale: Scale) -> Result<Vec<(String, Images)>> {
    let mut sets = vec![datasets::of_paper(data)];
    if let Some(name) = *data.stand_in.at(scale) {
        sets.push((name.to_owned(), embedded(name)?));
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

#[test]
fn every_difference_is_told_with_words() -> Result<()> {
    for experiment in catalog::all() {
        for row in (experiment.rows)() {
            let (name, images) = datasets::of_paper(&experiment.data_of(&row));
            for scale in Scale::ALL {
                let Some(training) = row.training(scale, &images) else {
                    continue;
                };
                for note in experiment.notes_of(&row, scale, &training, &name, &images)? {
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

/// The kept records are of today's settings, and say of them what the program says.
/// `STRIATE_UPDATE=1` lets them say it.
#[test]
fn kept_records_are_of_the_settings_of_today() -> Result<()> {
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
            for record in records.iter_mut().filter(|record| is_own(record)) {
                let name = format!("{} {scale} {}", experiment.id, record.model);
                let Some((training, notes)) = of_today(experiment, scale, record)? else {
                    continue;
                };
                // Notes of today's settings would be false of a run of others.
                assert!(
                    record.network.is_none() || record.training == Some(training),
                    "{name}: its settings are no more those of its record; run it again"
                );
                let wanted = with_chosen_rates(notes, record);
                if record.notes != wanted {
                    others.push(format!("{name}: {:#?}, wanted {wanted:#?}", record.notes));
                }
                record.notes = wanted;
                read += 1;
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

/// What the digest and the notes of a record are today; nothing if its row or its data are no more.
fn of_today(
    experiment: &Experiment,
    scale: Scale,
    record: &Record,
) -> Result<Option<(String, Vec<String>)>> {
    let (epochs, rates) = given(&record.command)?;
    let rows = (experiment.rows)();
    let has_row = rows.iter().any(|row| row.label == record.model);
    for row in rows
        .iter()
        .filter(|row| !has_row || row.label == record.model)
    {
        for (name, images) in sets(&experiment.data_of(row), scale)? {
            let Some(training) = row.training(scale, &images) else {
                continue;
            };
            let training = training.with(epochs, &rates);
            let counts = (images.train, images.test);
            // What is measured of a row's network may have a name of its own.
            let is_its = has_row || record.network == Some(network(&training)?);
            if is_its && dataset(&training, &name, counts) == record.dataset {
                let notes = experiment.notes_of(row, scale, &training, &name, &images)?;
                return Ok(Some((digest(&training, &name, counts)?, notes)));
            }
        }
    }
    Ok(None)
}

/// The epochs and rates that a command gives.
fn given(command: &str) -> Result<(Option<usize>, Vec<f64>)> {
    let value = |flag: &str| {
        let mut words = command.split(' ').skip_while(|word| *word != flag);
        words.nth(1)
    };
    let epochs = value("--epochs").map(str::parse).transpose()?;
    let rates = value("--rates").into_iter().flat_map(|v| v.split(','));
    Ok((epochs, rates.map(str::parse).collect::<Result<_, _>>()?))
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
