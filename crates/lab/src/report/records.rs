//! Files of records, and records of one thing from several runs.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Record, ReportError, files};
use crate::train::Mistakes;

/// A longer file is not read: 64 MiB.
const LONGEST: u64 = 64 << 20;

/// Joins records of the same thing with different seeds into one; of the same seed the later one counts.
///
/// Runs of other epochs than the experiment's are never joined with its own: the later record counts alone.
/// Order is kept by first appearance.
pub fn merge(records: impl IntoIterator<Item = Record>) -> Vec<Record> {
    let mut merged: Vec<Record> = Vec::new();
    for record in records {
        match merged.iter_mut().find(|known| known.key() == record.key()) {
            Some(known) if known.given_epochs() != record.given_epochs() => *known = record,
            Some(known) => absorb(known, record),
            None => merged.push(record),
        }
    }
    merged
}

fn absorb(known: &mut Record, new: Record) {
    let mut by_seed = BTreeMap::new();
    for record in [&*known, &new] {
        for (at, (&seed, &value)) in record.seeds.iter().zip(&record.values).enumerate() {
            let (outcome, run) = (record.outcomes.get(at), record.runs.get(at));
            let mistakes = record.mistakes.get(at);
            let of_run = (run.cloned(), mistakes.cloned());
            by_seed.insert(seed, (value, outcome.copied(), of_run));
        }
    }
    let again = new.seeds.iter().all(|seed| known.seeds.contains(seed));
    let seconds = match again {
        true => known.wall_seconds,
        false => match (known.wall_seconds, new.wall_seconds) {
            (Some(known), Some(new)) => Some(known + new),
            (known, new) => known.or(new),
        },
    };
    // A list that lacks a seed would name the wrong ones: then it is left out.
    let of_runs = || by_seed.values().map(|(.., of_run)| of_run.clone());
    let runs: Option<Vec<String>> = of_runs().map(|(run, _)| run).collect();
    let mistakes: Option<Vec<Mistakes>> = of_runs().map(|(_, mistakes)| mistakes).collect();
    *known = Record {
        seeds: by_seed.keys().copied().collect(),
        values: by_seed.values().map(|(value, ..)| *value).collect(),
        outcomes: by_seed.values().filter_map(|(_, end, _)| *end).collect(),
        runs: runs.unwrap_or_default(),
        mistakes: mistakes.unwrap_or_default(),
        wall_seconds: seconds,
        ..new
    };
}

/// Writes a file of records in one step, and makes its folder.
///
/// # Errors
/// A folder that cannot be made or written to.
pub fn write_records(path: &Path, records: &[Record]) -> Result<(), ReportError> {
    let text = serde_json::to_string_pretty(records).map_err(|error| ReportError::Records {
        path: path.to_owned(),
        reason: format!("cannot be written as JSON: {error}"),
    })?;
    let text = format!("{text}\n");
    files::write(path, text.as_bytes())
}

/// Reads a file of records.
///
/// # Errors
/// A link or anything else that is no regular file, a file above 64 MiB, one that cannot be read or holds something else.
pub fn read_records(path: &Path) -> Result<Vec<Record>, ReportError> {
    serde_json::from_slice(&files::read(path, LONGEST)?).map_err(|error| ReportError::Records {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Claim, Scale};

    fn record(seed: u64, value: f64, run: &str) -> Record {
        let claim = Claim::new("p/t", "A", "test error", "%");
        Record {
            runs: vec![run.to_owned()],
            mistakes: vec![[value > 5.0].into_iter().collect()],
            ..Record::new(&claim, "digits", Scale::Quick).value(seed, Some(value))
        }
    }

    #[test]
    fn seeds_are_joined_with_their_runs() {
        let merged = merge([
            record(1, 5.0, "b"),
            record(0, 4.0, "a"),
            record(1, 6.0, "c"),
        ]);
        assert_eq!(merged.len(), 1);
        assert_eq!(merged[0].seeds, [0, 1]);
        assert_eq!(merged[0].values, [Some(4.0), Some(6.0)]);
        assert_eq!(merged[0].runs, ["a", "c"]);
        assert_eq!(merged[0].mistakes.len(), 2);
        assert_eq!(merged[0].mistakes[1].count(), 1);
        let old = Record {
            runs: Vec::new(),
            mistakes: Vec::new(),
            ..record(2, 7.0, "")
        };
        let merged = merge([record(1, 5.0, "b"), old]);
        assert!(merged[0].runs.is_empty() && merged[0].mistakes.is_empty());
        let shorter = record(2, 8.0, "d").other_epochs(15);
        let merged = merge([record(0, 4.0, "a"), shorter.clone()]);
        assert_eq!(merged, [shorter]);
    }

    #[test]
    fn a_number_that_is_none_has_no_part_in_the_mean() {
        let record = record(0, 4.0, "a")
            .value(1, Some(f64::NAN))
            .value(2, Some(6.0));
        assert_eq!((record.mean(), record.n()), (Some(5.0), 2));
    }
}
