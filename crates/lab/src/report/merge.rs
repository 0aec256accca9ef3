//! Records of one thing from several runs.

use std::collections::BTreeMap;

use super::{Record, deviations};
use crate::train::Mistakes;

/// Joins records of the same thing with different seeds into one; of the same seed the later one counts.
///
/// Runs of other settings (the network, or what the notes tell but for a chosen learning rate) are never joined: the later record counts alone.
/// The command of a joined record runs all its seeds, if they follow each other; machine and date are the later record's.
/// Order is kept by first appearance.
pub fn merge(records: impl IntoIterator<Item = Record>) -> Vec<Record> {
    let mut merged: Vec<Record> = Vec::new();
    for record in records {
        match merged.iter_mut().find(|known| known.key() == record.key()) {
            Some(known) if can_join(known, &record) => absorb(known, record),
            Some(known) => *known = record,
            None => merged.push(record),
        }
    }
    merged
}

/// Whether two records of one thing have the same settings.
fn can_join(a: &Record, b: &Record) -> bool {
    let settings = |record: &Record| {
        let notes = record
            .notes
            .iter()
            .filter(|note| !deviations::is_chosen_rate(note));
        let notes: Vec<String> = notes.cloned().collect();
        (record.given_epochs(), record.network.clone(), notes)
    };
    settings(a) == settings(b)
}

fn absorb(known: &mut Record, new: Record) {
    let mut by_seed = BTreeMap::new();
    for record in [&*known, &new] {
        for (at, (&seed, &value)) in record.seeds.iter().zip(&record.values).enumerate() {
            let (outcome, run) = (record.outcomes.get(at), record.runs.get(at));
            let (mistakes, error) = (record.mistakes.get(at), record.train_errors.get(at));
            let of_run = (run.cloned(), mistakes.cloned(), error.copied());
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
    let runs: Option<Vec<String>> = of_runs().map(|(run, ..)| run).collect();
    let mistakes: Option<Vec<Mistakes>> = of_runs().map(|(_, mistakes, _)| mistakes).collect();
    let train_errors: Option<Vec<f64>> = of_runs().map(|(.., error)| error).collect();
    let seeds: Vec<u64> = by_seed.keys().copied().collect();
    let more = new.notes.iter().filter(|note| !known.notes.contains(note));
    *known = Record {
        command: command_of(&known.command, &new.command, &seeds),
        notes: known.notes.iter().chain(more).cloned().collect(),
        seeds,
        values: by_seed.values().map(|(value, ..)| *value).collect(),
        outcomes: by_seed.values().filter_map(|(_, end, _)| *end).collect(),
        runs: runs.unwrap_or_default(),
        mistakes: mistakes.unwrap_or_default(),
        train_errors: train_errors.unwrap_or_default(),
        wall_seconds: seconds,
        ..new
    };
}

/// The command of a joined record: the one that both have, or the later with the seeds of both.
fn command_of(known: &str, new: &str, seeds: &[u64]) -> String {
    let follow = seeds
        .windows(2)
        .all(|two| two[0].checked_add(1) == Some(two[1]));
    match seeds.first() {
        Some(&first) if known != new && !new.is_empty() && follow => {
            let mut command = without(&without(new, " --seed "), " --seeds ");
            if first > 0 {
                command += &format!(" --seed {first}");
            }
            command + &format!(" --seeds {}", seeds.len())
        }
        _ => new.to_owned(),
    }
}

/// A command without an option and its value.
fn without(command: &str, option: &str) -> String {
    match command.split_once(option) {
        Some((before, after)) => {
            let end = after.find(' ').unwrap_or(after.len());
            format!("{before}{}", &after[end..])
        }
        None => command.to_owned(),
    }
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
            train_errors: vec![value - 1.0],
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
        assert_eq!(merged[0].train_errors, [3.0, 5.0]);
        let old = Record {
            runs: Vec::new(),
            mistakes: Vec::new(),
            train_errors: Vec::new(),
            ..record(2, 7.0, "")
        };
        let merged = merge([record(1, 5.0, "b"), old]);
        assert!(merged[0].runs.is_empty() && merged[0].mistakes.is_empty());
        assert!(merged[0].train_errors.is_empty());
        let shorter = record(2, 8.0, "d").other_epochs(15);
        let merged = merge([record(0, 4.0, "a"), shorter.clone()]);
        assert_eq!(merged, [shorter]);
    }

    #[test]
    fn seeds_that_come_later_are_joined_and_the_command_runs_them_all() {
        let note = |rate| vec!["epochs: 5.".to_owned(), deviations::chosen_rate(rate)];
        let first = Record {
            command: "reproduce p/t --row 'a b'".to_owned(),
            notes: note(0.1),
            ..record(0, 4.0, "a")
        };
        let later = Record {
            command: "reproduce p/t --row 'a b' --seed 1 --seeds 2 --epochs 3".to_owned(),
            notes: note(0.2),
            ..record(1, 6.0, "b").value(2, Some(7.0))
        };
        let [joined] = merge([first.clone(), later.clone()]).try_into().unwrap();
        assert_eq!(joined.seeds, [0, 1, 2]);
        assert_eq!(
            joined.command,
            "reproduce p/t --row 'a b' --epochs 3 --seeds 3"
        );
        assert_eq!(joined.notes.len(), 3);

        for other in [
            Record {
                notes: vec!["epochs: 6.".to_owned()],
                ..later.clone()
            },
            Record {
                network: Some("other".to_owned()),
                ..later.clone()
            },
            later.other_epochs(6),
        ] {
            assert_eq!(merge([first.clone(), other.clone()]), [other]);
        }
    }

    #[test]
    fn seeds_with_a_gap_keep_the_later_command() {
        assert_eq!(command_of("a", "b --seed 4", &[0, 4]), "b --seed 4");
        assert_eq!(
            command_of("a --seed 4", "a --seed 3", &[3, 4]),
            "a --seed 3 --seeds 2"
        );
        assert_eq!(command_of("a", "a", &[0, 1]), "a");
    }
}
