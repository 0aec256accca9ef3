//! What is left to train, so that progress can be told for all of it.

use std::collections::BTreeMap;
use std::time::Duration;

use lab::train::Overall;

/// The runs that are still to be trained, with the seconds that each should take where that is known.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    left: BTreeMap<String, Option<f64>>,
    all: usize,
    /// Seconds of the runs that were trained: expected, and taken.
    spent: (f64, f64),
}

impl Agenda {
    /// These runs, each once, by their names.
    pub(crate) fn of(runs: impl IntoIterator<Item = (String, Option<f64>)>) -> Self {
        let left: BTreeMap<_, _> = runs.into_iter().collect();
        Self {
            all: left.len(),
            left,
            spent: (0.0, 0.0),
        }
    }

    /// How far all is at the beginning of a run; nothing for a run that is not on the agenda.
    pub(crate) fn begin(&self, run: &str) -> Option<Overall> {
        let own = *self.left.get(run)?;
        Some(Overall {
            task: self.all - self.left.len() + 1,
            of: self.all,
            rest: self
                .time_left()
                .zip(own)
                .map(|(left, own)| left.saturating_sub(self.at_pace(own))),
        })
    }

    /// A run has ended, here after so many seconds or elsewhere.
    pub(crate) fn end(&mut self, run: &str, taken: Option<f64>) {
        if let (Some(Some(expected)), Some(taken)) = (self.left.remove(run), taken) {
            self.spent.0 += expected;
            self.spent.1 += taken;
        }
    }

    /// The time of what is left, by the pace of this machine so far; nothing if a run's time is not known.
    fn time_left(&self) -> Option<Duration> {
        let seconds = self.left.values().copied().sum::<Option<f64>>()?;
        Some(self.at_pace(seconds))
    }

    /// What should take so many seconds, by the pace of this machine so far.
    fn at_pace(&self, seconds: f64) -> Duration {
        let pace = match self.spent {
            (expected, taken) if expected > 0.0 => taken / expected,
            _ => 1.0,
        };
        Duration::try_from_secs_f64(seconds * pace).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agenda(seconds: [Option<f64>; 3]) -> Agenda {
        let names = ["a", "b", "c"].map(str::to_owned);
        Agenda::of(names.into_iter().zip(seconds))
    }

    #[test]
    fn runs_are_counted_as_they_end() {
        let mut agenda = agenda([Some(10.0), None, Some(30.0)]);
        assert_eq!(agenda.begin("d"), None);
        let first = agenda.begin("b").expect("on the agenda");
        assert_eq!((first.task, first.of, first.rest), (1, 3, None));
        agenda.end("b", Some(5.0));
        agenda.end("a", None);
        let last = agenda.begin("c").expect("on the agenda");
        assert_eq!((last.task, last.of), (3, 3));
        assert_eq!(last.rest, Some(Duration::ZERO));
        assert_eq!(agenda.begin("a"), None);
    }

    #[test]
    fn the_time_left_follows_the_pace_of_this_machine() {
        let mut agenda = agenda([Some(10.0), Some(20.0), Some(30.0)]);
        assert_eq!(agenda.time_left(), Some(Duration::from_secs(60)));
        // Twice as slow as expected.
        agenda.end("a", Some(20.0));
        assert_eq!(agenda.time_left(), Some(Duration::from_secs(100)));
        let second = agenda.begin("b").expect("on the agenda");
        assert_eq!(second.rest, Some(Duration::from_secs(60)));
    }
}
