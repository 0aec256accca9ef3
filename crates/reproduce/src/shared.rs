//! A training that two tables have is run once, and its record counts for both.

use std::path::Path;

use anyhow::Result;
use lab::report::{Record, Scale, is_chosen_rate, merge, read_records, record_file, write_records};

use crate::experiment::Experiment;
use crate::planned::digest;
use crate::{catalog, datasets, page};

/// Whether a record was run for its own experiment: the command that measures it again names no other one instead.
pub(crate) fn is_own(record: &Record) -> bool {
    let names = |id: &str| record.command.split(' ').any(|word| word == id);
    names(&record.id) || !catalog::all().any(|other| names(other.id))
}

/// Gives the kept tables of `ids` what other experiments ran with the same settings, and renews what any kept table has from another.
pub(crate) fn renew<I: AsRef<str>>(ids: &[I], scale: Scale, kept: &Path) -> Result<()> {
    for experiment in catalog::all() {
        let path = record_file(kept, experiment.id, scale);
        if !path.exists() {
            continue;
        }
        let old = read_records(&path)?;
        let is_wanted = ids.iter().any(|id| id.as_ref() == experiment.id);
        if !is_wanted && old.iter().all(is_own) {
            continue;
        }
        let own: Vec<Record> = old.iter().filter(|r| is_own(r)).cloned().collect();
        let shared = of_others(experiment, scale, &own, kept)?;
        // More than one other experiment may have it.
        let new = merge(own.into_iter().chain(shared));
        for lost in old
            .iter()
            .filter(|old| new.iter().all(|new| new.model != old.model))
        {
            page::say(format!(
                "{} {}: no other experiment has this row any more, and it is left out",
                lost.id, lost.model
            ));
        }
        if new != old {
            write_records(&path, &new)?;
            page::say(format!("wrote {}", path.display()));
        }
    }
    Ok(())
}

/// Records for the rows of `experiment` that `has` none of, from what is kept of other experiments' rows with the same settings and data.
fn of_others(
    experiment: &Experiment,
    scale: Scale,
    has: &[Record],
    kept: &Path,
) -> Result<Vec<Record>> {
    let mut others = Vec::new();
    for other in catalog::all().filter(|other| other.id != experiment.id) {
        let path = record_file(kept, other.id, scale);
        if path.exists() {
            others.extend(read_records(&path)?.into_iter().filter(is_own));
        }
    }
    let mut found = Vec::new();
    for row in (experiment.rows)() {
        if has.iter().any(|record| record.model == row.label) {
            continue;
        }
        let (name, images) = datasets::of_paper(&experiment.data_of(&row));
        let Some(training) = row.training(scale, &images) else {
            continue;
        };
        let wanted = Some(digest(&training, &name, (images.train, images.test))?);
        let notes = experiment.notes_of(&row, scale, &training, &name, &images)?;
        let is_wanted = |record: &&Record| {
            let mut claims = row.claims.iter();
            record.training == wanted && claims.any(|claim| claim.quantity == record.quantity)
        };
        found.extend(others.iter().filter(is_wanted).map(|record| Record {
            id: experiment.id.to_owned(),
            model: row.label.clone(),
            notes: with_chosen_rates(notes.clone(), record),
            ..record.clone()
        }));
    }
    Ok(found)
}

/// Today's notes of a row, and the rates that were chosen for a record of it.
pub(crate) fn with_chosen_rates(mut notes: Vec<String>, record: &Record) -> Vec<String> {
    let chosen = record.notes.iter().filter(|note| is_chosen_rate(note));
    notes.extend(chosen.cloned());
    notes
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

    /// Tables that are kept have what other experiments ran for them.
    #[test]
    fn nothing_kept_is_to_be_renewed() -> Result<()> {
        let folder = tempfile::tempdir()?;
        for scale in Scale::ALL {
            let path = |id| record_file(Path::new(KEPT), id, scale);
            let ids = catalog::all().map(|experiment| experiment.id);
            let ids: Vec<&str> = ids.filter(|id| path(id).exists()).collect();
            for id in &ids {
                std::fs::copy(path(id), record_file(folder.path(), id, scale))?;
            }
            renew(&ids, scale, folder.path())?;
            for id in ids {
                let renewed = read_records(&record_file(folder.path(), id, scale))?;
                assert!(
                    renewed == read_records(&path(id))?,
                    "{id} {scale}: STRIATE_UPDATE=1 renews it"
                );
            }
        }
        Ok(())
    }

    #[test]
    fn a_row_of_another_table_follows_it() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let [from, to] = ["allconv/table3", "allconv/table4"]
            .map(|id| record_file(folder.path(), id, Scale::Cpu));
        let mut table3 = read_records(&record_file(Path::new(KEPT), "allconv/table3", Scale::Cpu))?;
        table3.retain(|record| record.model == "All-CNN-C");
        write_records(&from, &table3)?;
        // A table that nothing was run for is not begun.
        renew(&["allconv/table3"], Scale::Cpu, folder.path())?;
        assert!(!to.exists());
        // Table 4 has a row of its own, and is given the other one.
        let own = Record {
            id: "allconv/table4".to_owned(),
            model: "All-CNN-C, flip and translation".to_owned(),
            command: "cargo xtask reproduce allconv/table4".to_owned(),
            ..table3[0].clone()
        };
        write_records(&to, std::slice::from_ref(&own))?;
        renew(&["allconv/table4"], Scale::Cpu, folder.path())?;
        let both = read_records(&to)?;
        assert_eq!(both.len(), 2);
        assert_eq!(both.iter().filter(|record| is_own(record)).count(), 1);
        // Table 3 is run again: the row of table 4 follows, whichever of them is taken.
        table3[0].values = vec![Some(1.5)];
        write_records(&from, &table3)?;
        renew(&["allconv/table3"], Scale::Cpu, folder.path())?;
        let now = read_records(&to)?;
        let copied: Vec<&Record> = now.iter().filter(|record| !is_own(record)).collect();
        let [copied] = &copied[..] else {
            panic!("{now:?}")
        };
        assert_eq!(copied.values, [Some(1.5)]);
        assert!(now.contains(&own), "{now:?}");
        // Where no record is left to follow, the row goes.
        write_records(&from, &[])?;
        renew(&["allconv/table3"], Scale::Cpu, folder.path())?;
        assert_eq!(read_records(&to)?, [own]);
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
        let spoilt: [fn(&mut Record); 3] = [
            |record| record.training = Some("another".to_owned()),
            |record| record.training = None,
            |record| record.quantity = "another".to_owned(),
        ];
        for spoil in spoilt {
            let mut records = kept.clone();
            records.iter_mut().for_each(spoil);
            write_records(&record_file(folder.path(), table3.id, Scale::Cpu), &records)?;
            assert_eq!(of_others(table4, Scale::Cpu, &[], folder.path())?, []);
        }
        Ok(())
    }
}
