//! A training that two tables have is run once, and its record counts for both.

use std::path::Path;

use anyhow::Result;
use lab::report::{Record, Scale, is_chosen_rate, read_records, record_file};

use crate::experiment::{Experiment, Row};
use crate::images::{Data, View};
use crate::planned::{dataset, network};
use crate::training::Training;
use crate::{catalog, datasets};

/// Records for the rows of `experiment` that `has` none of, from what is kept of other experiments' rows with the same settings and data.
pub(crate) fn of_others(
    experiment: &Experiment,
    scale: Scale,
    has: &[Record],
    kept: &Path,
) -> Result<Vec<Record>> {
    let mut found = Vec::new();
    for row in (experiment.rows)() {
        if has.iter().any(|record| record.model == row.label) {
            continue;
        }
        let Some(training) = of_paper(experiment, &row, scale) else {
            continue;
        };
        for other in catalog::all().filter(|other| other.id != experiment.id) {
            for twin in (other.rows)() {
                if is_same(experiment, (&row, &training), other, &twin, scale)? {
                    let records = kept_of(other, &twin, &training, scale, kept)?;
                    let is_wanted = |record: &Record| {
                        let mut claims = row.claims.iter();
                        claims.any(|claim| claim.quantity == record.quantity)
                    };
                    found.extend(records.into_iter().filter(is_wanted).map(|record| Record {
                        id: experiment.id.to_owned(),
                        model: row.label.clone(),
                        ..record
                    }));
                }
            }
        }
    }
    Ok(found)
}

/// The training of a row on the paper's data.
fn of_paper(experiment: &Experiment, row: &Row, scale: Scale) -> Option<Training> {
    row.training(scale, &datasets::of_paper(&experiment.data_of(row)).1)
}

/// Whether two experiments train the same for these rows, on all of one data set.
fn is_same(
    experiment: &Experiment,
    (row, training): (&Row, &Training),
    other: &Experiment,
    twin: &Row,
    scale: Scale,
) -> Result<bool> {
    let sets = [experiment.data_of(row), other.data_of(twin)];
    let is_whole = |data: &Data| matches!(data.view, View::Whole);
    let Some(twins) = of_paper(other, twin, scale) else {
        return Ok(false);
    };
    let (name, images) = datasets::of_paper(&sets[0]);
    let counts = (images.train, images.test);
    Ok(sets[0].paper == sets[1].paper
        && sets.iter().all(is_whole)
        && training.resolved(name, counts, None)? == twins.resolved(name, counts, None)?)
}

/// The kept records of a row, on all of the paper's data and with the settings of today.
fn kept_of(
    experiment: &Experiment,
    row: &Row,
    training: &Training,
    scale: Scale,
    kept: &Path,
) -> Result<Vec<Record>> {
    let path = record_file(kept, experiment.id, scale);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let (name, images) = datasets::of_paper(&experiment.data_of(row));
    let dataset = dataset(training, name, (images.train, images.test));
    let notes = experiment.notes_of(row, scale, training, name, &images)?;
    let network = Some(network(training)?);
    let mut records = read_records(&path)?;
    records.retain(|record| {
        let settings = record.notes.iter().filter(|note| !is_chosen_rate(note));
        record.model == row.label
            && record.dataset == dataset
            && record.network == network
            && !record.has_other_epochs()
            && settings.eq(&notes)
    });
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/results");

    #[test]
    fn the_network_of_table_4_without_augmentation_is_that_of_table_3() -> Result<()> {
        let [table3, table4] = catalog::find(&["allconv/table3", "allconv/table4"])
            .try_into()
            .ok()
            .unwrap();
        let kept = read_records(&record_file(Path::new(KEPT), table3.id, Scale::Cpu))?;
        let [of_table3] = &kept
            .iter()
            .filter(|r| r.model == "All-CNN-C")
            .collect::<Vec<_>>()[..]
        else {
            panic!("table 3 has one record of it")
        };
        let found = of_others(table4, Scale::Cpu, &[], Path::new(KEPT))?;
        let [record] = &found[..] else {
            panic!("{found:?}")
        };
        assert_eq!(record.id, "allconv/table4");
        assert_eq!(record.model, "All-CNN-C, no augmentation");
        assert_eq!(record.values, of_table3.values);
        assert_eq!(record.command, of_table3.command);
        // A row that was run for the table itself needs none.
        assert_eq!(of_others(table4, Scale::Cpu, &found, Path::new(KEPT))?, []);
        // Nothing is kept, nothing is found.
        let empty = tempfile::tempdir()?;
        assert_eq!(of_others(table4, Scale::Cpu, &[], empty.path())?, []);
        Ok(())
    }

    #[test]
    fn a_record_with_other_settings_is_of_no_use_to_another_table() -> Result<()> {
        let [table3, table4] = catalog::find(&["allconv/table3", "allconv/table4"])
            .try_into()
            .ok()
            .unwrap();
        let folder = tempfile::tempdir()?;
        let kept = read_records(&record_file(Path::new(KEPT), table3.id, Scale::Cpu))?;
        let spoilt: [fn(&mut Record); 4] = [
            |record| record.dataset = "cifar10 (1000 training and 500 test images)".to_owned(),
            |record| *record = record.clone().other_epochs(3),
            |record| record.network = Some("another".to_owned()),
            |record| record.notes.push("Another note.".to_owned()),
        ];
        for spoil in spoilt {
            let mut records = kept.clone();
            records.iter_mut().for_each(spoil);
            lab::report::write_records(
                &record_file(folder.path(), table3.id, Scale::Cpu),
                &records,
            )?;
            assert_eq!(of_others(table4, Scale::Cpu, &[], folder.path())?, []);
        }
        Ok(())
    }
}
