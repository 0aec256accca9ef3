//! Records of one thing from several runs.

use std::collections::BTreeMap;

use super::{Record, is_chosen_rate};
use crate::train::Mistakes;

/// Joins records of the same thing with different seeds into one; of the same seed the later one counts.
///
/// Runs of other settings ([`Record::training`]) are never joined: the later record counts alone.
/// The command of a joined record runs all its seeds, if they follow each other; machine and date are the later record's.
/// Its time is that of all its runs, and left out if that cannot be known.
/// Order is kept by first appearance.
pub fn merge(records: impl IntoIterator<Item = Record>) -> Vec<Record> {
    let mut merged: Vec<Record> = Vec::new();
    for record in records {
        match merged.iter_mut().find(|known| known.key() == record.key()) {
            Some(known) if known.training == record.training => absorb(known, record),
            Some(known) => *known = record,
            None => merged.push(record),
        }
    }
    merged
}

fn absorb(known: &mut Record, new: Record) {
    let mut by_seed = BTreeMap::new();
    for record in [&*known, &new] {
        // A run that diverged has neither a number nor an outcome.
        let all_ended = record.outcomes.len() == record.seeds.len();
        let mut outcomes = record.outcomes.iter().copied();
        for (at, (&seed, &value)) in record.seeds.iter().zip(&record.values).enumerate() {
            let outcome = match all_ended || value.is_some() {
                true => outcomes.next(),
                false => None,
            };
            let run = record.runs.get(at);
            let (mistakes, error) = (record.mistakes.get(at), record.train_errors.get(at));
            let of_run = (run.cloned(), mistakes.cloned(), error.copied());
            by_seed.insert(seed, (value, outcome, of_run));
        }
    }
    let kept = known.seeds.iter().any(|seed| !new.seeds.contains(seed));
    // A list that lacks a seed would name the wrong ones: then it is left out.
    let of_runs = || by_seed.values().map(|(.., of_run)| of_run.clone());
    let runs: Option<Vec<String>> = of_runs().map(|(run, ..)| run).collect();
    let mistakes: Option<Vec<Mistakes>> = of_runs().map(|(_, mistakes, _)| mistakes).collect();
    let train_errors: Option<Vec<f64>> = of_runs().map(|(.., error)| error).collect();
    let seeds: Vec<u64> = by_seed.keys().copied().collect();
    // The later record says it in today's words; what a seed chose is of that seed.
    let chosen = known.notes.iter().filter(|note| is_chosen_rate(note));
    let more = chosen.filter(|note| !new.notes.contains(note));
    *known = Record {
        command: command_of(&known.command, &new.command, &seeds),
        notes: new.notes.iter().chain(more).cloned().collect(),
        seeds,
        values: by_seed.values().map(|(value, ..)| *value).collect(),
        outcomes: by_seed.values().filter_map(|(_, end, _)| *end).collect(),
        runs: runs.unwrap_or_default(),
        mistakes: mistakes.unwrap_or_default(),
        train_errors: train_errors.unwrap_or_default(),
        epochs: match new.epochs {
            0 => known.epochs,
            epochs => epochs,
        },
        parameters: new.parameters.or(known.parameters),
        images_per_second: new
            .images_per_second
            .or(known.images_per_second.filter(|_| kept)),
        wall_seconds: seconds_of(known, &new),
        ..new
    };
}

/// The seconds of a joined record; `None` if the new one has only some of the known seeds again, since a record has no time of each.
fn seconds_of(known: &Record, new: &Record) -> Option<f64> {
    let again = known.seeds.iter().filter(|seed| new.seeds.contains(seed));
    match (again.count(), known.seeds.len()) {
        (0, _) => match (known.wall_seconds, new.wall_seconds) {
            (Some(known), Some(new)) => Some(known + new),
            (known, new) => known.or(new),
        },
        (again, all) if again == all => new.wall_seconds,
        _ => None,
    }
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
    use crate::report::{Claim, Scale, chosen_rate};
    use crate::train::Outcome;

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
        let other = Record {
            training: Some("other".to_owned()),
            ..record(2, 8.0, "d")
        };
        let merged = merge([record(0, 4.0, "a"), other.clone()]);
        assert_eq!(merged, [other]);
    }

    #[test]
    fn seeds_that_come_later_are_joined_and_the_command_runs_them_all() {
        let note = |rate| vec!["epochs: 5.".to_owned(), chosen_rate(rate)];
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
        let rates = [chosen_rate(0.2), chosen_rate(0.1)];
        assert_eq!(
            joined.notes,
            [&["epochs: 5.".to_owned()], &rates[..]].concat()
        );

        // Other words for the same settings.
        let reworded = Record {
            notes: vec!["epochs trained: 5.".to_owned()],
            ..later
        };
        let [joined] = merge([first, reworded]).try_into().unwrap();
        assert_eq!(joined.seeds, [0, 1, 2]);
        assert_eq!(
            joined.notes,
            ["epochs trained: 5.".to_owned(), chosen_rate(0.1)]
        );
    }

    fn timed(seeds: &[u64], seconds: f64) -> Record {
        let claim = Claim::new("p/t", "A", "test error", "%");
        let record = Record {
            epochs: 5,
            parameters: Some(7),
            outcomes: vec![Outcome::Trained; seeds.len()],
            wall_seconds: Some(seconds),
            images_per_second: Some(1000.0 / seconds),
            ..Record::new(&claim, "digits", Scale::Quick)
        };
        let seeds = seeds.iter();
        seeds.fold(record, |record, &seed| record.value(seed, Some(5.0)))
    }

    /// A run whose loss was not a number.
    fn diverged(seed: u64) -> Record {
        let claim = Claim::new("p/t", "A", "test error", "%");
        Record::new(&claim, "digits", Scale::Quick).value(seed, None)
    }

    #[test]
    fn seconds_are_those_of_the_runs_that_count() {
        let seconds = |known: &Record, new: &Record| {
            let [joined] = merge([known.clone(), new.clone()]).try_into().unwrap();
            joined.wall_seconds
        };
        let first = timed(&[0], 100.0);
        assert_eq!(seconds(&first, &timed(&[1], 110.0)), Some(210.0));
        // Seed 0 is in both.
        assert_eq!(seconds(&first, &timed(&[0, 1], 210.0)), Some(210.0));
        // Elsewhere it takes another time.
        assert_eq!(
            seconds(&timed(&[0], 3000.0), &timed(&[0], 300.0)),
            Some(300.0)
        );
        // What seed 1 took of the 210 seconds is not known.
        assert_eq!(seconds(&timed(&[0, 1], 210.0), &timed(&[0], 30.0)), None);
        assert_eq!(seconds(&timed(&[0, 1], 210.0), &timed(&[1, 2], 30.0)), None);
        assert_eq!(seconds(&first, &diverged(1)), Some(100.0));
        assert_eq!(seconds(&first, &diverged(0)), None);
    }

    #[test]
    fn a_run_that_diverged_takes_nothing_from_the_others() {
        for records in [
            [timed(&[0], 100.0), diverged(1)],
            [diverged(1), timed(&[0], 100.0)],
        ] {
            let [joined] = merge(records).try_into().unwrap();
            assert_eq!(joined.values, [Some(5.0), None]);
            assert_eq!((joined.epochs, joined.parameters), (5, Some(7)));
            assert_eq!(joined.images_per_second, Some(10.0));
            assert_eq!(joined.outcomes, [Outcome::Trained]);
        }
        // The speed of a run that is replaced is not that of the machine that is named now.
        let [again] = merge([timed(&[0], 100.0), diverged(0)]).try_into().unwrap();
        assert_eq!(again.images_per_second, None);
        // The outcome belongs to seed 1, which is run again.
        let dead = Record {
            outcomes: vec![Outcome::DeadStart],
            ..diverged(0).value(1, Some(90.0))
        };
        let [joined] = merge([dead, timed(&[1], 100.0)]).try_into().unwrap();
        assert_eq!(joined.outcomes, [Outcome::Trained]);
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
