//! Comparisons of measured values with their noise: the parts of a verdict.

use serde::Serialize;

use super::number::{number, with_spread};
use super::pairs::paired_error;
use super::{Finding, Record, Relation, Verdict};

/// A difference counts only if it is larger than this many standard errors.
pub const STANDARD_ERRORS: f64 = 2.0;

/// One comparison of a finding.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// What this comparison alone says.
    pub verdict: Verdict,
    /// The values and their noise, for a reader.
    pub evidence: String,
    /// Whether the noise is known; without it the sign alone decides.
    pub noise_is_known: bool,
}

impl Finding {
    /// The comparisons that the relation asks for, by the records of one data set.
    pub(super) fn compare(&self, records: &[&Record]) -> Vec<Comparison> {
        let value = |row: &'static str| Value::of(row, records);
        let below = |low, high, times| value(low).below(&value(high), times);
        match self.relation {
            Relation::Falls(rows) => rows
                .windows(2)
                .map(|pair| below(pair[1], pair[0], 1.0))
                .collect(),
            Relation::Below(pairs) => pairs
                .iter()
                .map(|&(low, high)| below(low, high, 1.0))
                .collect(),
            Relation::AtMostTimes { row, times, than } => vec![below(row, than, times)],
            Relation::Alike { rows, by } => {
                let pairs = rows.iter().enumerate();
                let pairs = pairs.flat_map(|(at, &a)| rows[at + 1..].iter().map(move |&b| (a, b)));
                pairs.map(|(a, b)| value(a).alike(&value(b), by)).collect()
            }
            Relation::AtMost { row, limit } => vec![value(row).bound(
                |value| limit - value,
                &format!("wanted at most {}", number(limit)),
            )],
            Relation::AtLeast { rows, limit } => {
                let wanted = format!("wanted at least {}", number(limit));
                let bound = |row: &&'static str| value(row).bound(|value| value - limit, &wanted);
                rows.iter().map(bound).collect()
            }
            Relation::Within { rows, of, by } => {
                let wanted = format!("wanted {} to {}", number(of - by), number(of + by));
                let margin = |value: f64| by - (value - of).abs();
                let bound = |row: &&'static str| value(row).bound(margin, &wanted);
                rows.iter().map(bound).collect()
            }
        }
    }
}

/// The measured value of a row.
struct Value<'a> {
    row: &'static str,
    record: Option<&'a Record>,
    /// Mean over the seeds; `None` if there is no record or no number.
    mean: Option<f64>,
    standard_error: Option<f64>,
    /// Epochs of training; those that were asked for if they are others, and 0 if the record does not say.
    epochs: usize,
    /// Whether they are others than those of the experiment.
    has_other_epochs: bool,
}

impl<'a> Value<'a> {
    fn of(row: &'static str, records: &[&'a Record]) -> Self {
        let record = records.iter().copied().find(|r| r.model == row);
        Self {
            row,
            record,
            mean: record
                .and_then(|r| r.mean())
                .filter(|mean| mean.is_finite()),
            standard_error: record.and_then(|r| r.standard_error()),
            epochs: record.map_or(0, |r| r.given_epochs().unwrap_or(r.epochs)),
            has_other_epochs: record.is_some_and(|r| r.has_other_epochs()),
        }
    }

    /// This row below `times` the other; strictly, if `times` is one.
    fn below(&self, other: &Self, times: f64) -> Comparison {
        let (Some(low), Some(high)) = (self.mean, other.mean) else {
            return missing([self, other]);
        };
        if let Some(unlike) = self.unlike(other) {
            return unlike;
        }
        let (difference, error) = (times * high - low, self.error_with(other, times));
        let than = match times == 1.0 {
            true => format!("{} {}", other.row, number(high)),
            false => format!("{times} times {}: {}", other.row, number(times * high)),
        };
        let side = if difference < 0.0 { "higher" } else { "lower" };
        Comparison {
            verdict: decide(difference, error, times == 1.0),
            evidence: format!(
                "{} {}, {than}; {side} by {}{}",
                self.row,
                number(low),
                with_noise(difference.abs(), error),
                failed([self, other]),
            ),
            noise_is_known: error.is_some(),
        }
    }

    /// This row and the other at most `by` apart.
    fn alike(&self, other: &Self, by: f64) -> Comparison {
        let (Some(a), Some(b)) = (self.mean, other.mean) else {
            return missing([self, other]);
        };
        if let Some(unlike) = self.unlike(other) {
            return unlike;
        }
        let (apart, error) = ((a - b).abs(), self.error_with(other, 1.0));
        Comparison {
            verdict: decide(by - apart, error, false),
            evidence: format!(
                "{} {}, {} {}; apart by {}, wanted at most {}{}",
                self.row,
                number(a),
                other.row,
                number(b),
                with_noise(apart, error),
                number(by),
                failed([self, other]),
            ),
            noise_is_known: error.is_some(),
        }
    }

    /// In place of a comparison: epochs that differ because those of a row were changed.
    fn unlike(&self, other: &Self) -> Option<Comparison> {
        let is_changed = self.has_other_epochs || other.has_other_epochs;
        let epochs = |value: &Self| match value.epochs {
            0 => "the experiment's".to_owned(),
            epochs => epochs.to_string(),
        };
        (is_changed && self.epochs != other.epochs).then(|| Comparison {
            verdict: Verdict::NotRun,
            evidence: format!(
                "{} after {} epochs, {} after {}: not comparable",
                self.row,
                epochs(self),
                other.row,
                epochs(other)
            ),
            noise_is_known: false,
        })
    }

    /// This row on the right side of a bound, with its distance from it.
    fn bound(&self, margin: impl Fn(f64) -> f64, wanted: &str) -> Comparison {
        let Some(mean) = self.mean else {
            return missing([self]);
        };
        Comparison {
            verdict: decide(margin(mean), self.standard_error, false),
            evidence: format!(
                "{} {}, {wanted}{}",
                self.row,
                with_noise(mean, self.standard_error),
                failed([self]),
            ),
            noise_is_known: self.standard_error.is_some(),
        }
    }

    /// The standard error of `times` the other minus this one.
    fn error_with(&self, other: &Self, times: f64) -> Option<f64> {
        let (a, b) = (self.record?, other.record?);
        // With one seed the pairs say nothing of what another training would have given.
        if let (Some(of_a), Some(of_b)) = (a.error_of_seeds(), b.error_of_seeds())
            && let Some(paired) = paired_error(a, b, times)
        {
            return Some(paired.max(of_a.hypot(times * of_b)));
        }
        Some(self.standard_error?.hypot(times * other.standard_error?))
    }
}

fn decide(margin: f64, standard_error: Option<f64>, strictly: bool) -> Verdict {
    match standard_error.map(|s| STANDARD_ERRORS * s) {
        Some(noise) if noise > 0.0 && margin.abs() <= noise => Verdict::WithinTheNoise,
        _ if margin > 0.0 || (margin == 0.0 && !strictly) => Verdict::Holds,
        _ => Verdict::DoesNotHold,
    }
}

fn with_noise(value: f64, standard_error: Option<f64>) -> String {
    match standard_error {
        Some(s) => with_spread(value, STANDARD_ERRORS * s),
        None => format!("{} (one run, noise unknown)", number(value)),
    }
}

fn missing<'a>(values: impl IntoIterator<Item = &'a Value<'a>>) -> Comparison {
    let rows = values.into_iter().filter(|value| value.mean.is_none());
    let rows: Vec<&str> = rows.map(|value| value.row).collect();
    Comparison {
        verdict: Verdict::NotRun,
        evidence: format!("no number for {}", rows.join(" and ")),
        noise_is_known: false,
    }
}

/// The rows whose mean lacks seeds, since these gave no number.
fn failed<'a>(values: impl IntoIterator<Item = &'a Value<'a>>) -> String {
    let of_row = |value: &Value| match value.record.map_or(0, Record::failed) {
        0 => String::new(),
        n => format!("; {}: {n} without a number", value.row),
    };
    values.into_iter().map(of_row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Claim, Scale};

    #[test]
    fn what_is_measured_after_another_training_is_not_comparable() {
        const FALLS: Finding = Finding::new(
            "B is nearer than A.",
            "Sec. 3",
            "distance",
            Relation::Falls(&["A", "B"]),
        );
        let record = |row: &str, value| {
            let claim = Claim::new("p/t", row, "distance", "");
            Record::new(&claim, "digits", Scale::Quick).value(0, Some(value))
        };
        let (a, b) = (record("A", 2.0), record("B", 1.0));
        let judge = |records: &[Record]| FALLS.judge(records)[0].comparisons[0].clone();
        assert_eq!(judge(&[a.clone(), b.clone()]).verdict, Verdict::Holds);
        let shorter = b.other_epochs(3);
        let judged = judge(&[a.clone(), shorter.clone()]);
        assert_eq!(judged.verdict, Verdict::NotRun);
        assert_eq!(
            judged.evidence,
            "B after 3 epochs, A after the experiment's: not comparable"
        );
        let both = [a.other_epochs(3), shorter];
        assert_eq!(judge(&both).verdict, Verdict::Holds);
    }

    #[test]
    fn a_row_that_lacks_seeds_says_so() {
        const FALLS: Finding = Finding::of_error(
            "B errs less than A.",
            "Sec. 3",
            Relation::Falls(&["A", "B"]),
        );
        let record = |row: &str, values: [Option<f64>; 3]| {
            let claim = Claim::new("p/t", row, FALLS.quantity, "%");
            let record = Record::new(&claim, "digits", Scale::Quick);
            let seeds = values.into_iter().zip(0..);
            seeds.fold(record, |record, (value, seed)| record.value(seed, value))
        };
        let records = [
            record("A", [Some(9.0), None, Some(9.2)]),
            record("B", [Some(5.0), Some(5.1), Some(5.2)]),
        ];
        let comparison = FALLS.judge(&records)[0].comparisons[0].clone();
        assert!(comparison.noise_is_known);
        let evidence = comparison.evidence;
        assert!(evidence.ends_with("; A: 1 without a number"), "{evidence}");
    }
}
