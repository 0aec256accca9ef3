//! Whether what a paper claims holds in what was measured.

use serde::Serialize;

use super::{Comparison, Finding, Record, Scale};

/// What the measured values say of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It is so, by more than the noise.
    Holds,
    /// It is not so, by more than the noise.
    DoesNotHold,
    /// The noise is larger than what would decide it.
    WithinTheNoise,
    /// A row was not run, or none of its runs gave a number.
    NotRun,
}

impl Verdict {
    /// All, in the order of a legend.
    pub const ALL: [Self; 4] = [
        Self::Holds,
        Self::DoesNotHold,
        Self::WithinTheNoise,
        Self::NotRun,
    ];

    /// The verdict in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::DoesNotHold => "does not hold",
            Self::WithinTheNoise => "within the noise",
            Self::NotRun => "not run",
        }
    }

    /// The verdict of several comparisons that must all hold.
    fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        let weight = |verdict: &Self| match verdict {
            Self::DoesNotHold => 3,
            Self::NotRun => 2,
            Self::WithinTheNoise => 1,
            Self::Holds => 0,
        };
        let heaviest = parts.into_iter().max_by_key(weight);
        heaviest.unwrap_or(Self::NotRun)
    }
}

/// What the measured values say of a finding, on one data set at one scale.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judgement {
    /// The verdict of all comparisons.
    pub verdict: Verdict,
    /// The scale of the runs; `None` if there are none.
    pub scale: Option<Scale>,
    /// The data sets of the runs, each once.
    pub datasets: Vec<String>,
    /// The comparisons that it rests on.
    pub comparisons: Vec<Comparison>,
}

impl Judgement {
    /// The verdict in words, and whether nothing is known of the noise of what it rests on.
    pub fn words(&self) -> String {
        let decided = |c: &Comparison| c.verdict != Verdict::NotRun;
        let is_unknown = |c: &Comparison| decided(c) && !c.noise_is_known;
        let unknown = match self.comparisons.iter().any(is_unknown) {
            true => " (one run, noise unknown)",
            false => "",
        };
        format!("{}{unknown}", self.verdict.words())
    }
}

impl Finding {
    /// What `records`, those of one experiment, say of the finding: one judgement for each scale and data set.
    ///
    /// Rows are compared on the same data set;
    /// only if a scale has one record of each row they are compared whatever their data sets.
    /// A row with other epochs than the experiment's ([`Record::other_epochs`]) is compared with rows of as many epochs alone.
    /// Records of the same thing with different seeds should be joined by [`super::merge`] first.
    /// Without any record the only judgement is [`Verdict::NotRun`].
    ///
    /// # Convention
    /// Every relation is written as a margin `m` that is positive if it is so, such as `m = b - a` for "a below b".
    /// With `s` the standard error of `m` it holds if `m > 2 s`, does not hold if `m < -2 s`, and is within the noise otherwise.
    /// Of two rows `s` is the larger of two: that of the seeds, and that of the test images.
    /// Where both have two seeds or more and kept which images they had wrong ([`Record::mistakes`]),
    /// the images are compared one by one, else as if they were independent, each row with its [`Record::standard_error`].
    /// Where nothing is known of the noise (one run of something that is no share of test images)
    /// the sign of `m` decides, and the evidence says that the noise is unknown.
    /// A finding of several comparisons does not hold if one of them does not, is not run if one of the others is not,
    /// and holds if all do.
    ///
    /// ```
    /// use lab::report::{Claim, Finding, Record, Relation, Scale, Verdict};
    /// const FINDING: Finding =
    ///     Finding::of_error("B errs less than A.", "Table 1", Relation::Falls(&["A", "B"]));
    /// let record = |model: &str, error: f64| Record {
    ///     test_images: Some(10_000),
    ///     ..Record::new(&Claim::new("p/t", model, "test error", "%"), "digits", Scale::Quick)
    ///         .value(0, Some(error))
    /// };
    /// let verdict = |a, b| FINDING.judge(&[record("A", a), record("B", b)])[0].verdict;
    /// assert_eq!(verdict(9.0, 7.0), Verdict::Holds);
    /// assert_eq!(verdict(9.0, 8.9), Verdict::WithinTheNoise);
    /// assert_eq!(verdict(7.0, 9.0), Verdict::DoesNotHold);
    /// ```
    pub fn judge(&self, records: &[Record]) -> Vec<Judgement> {
        let rows = self.relation.rows();
        let named: Vec<&Record> = records
            .iter()
            .filter(|r| r.quantity == self.quantity && rows.contains(&r.model.as_str()))
            .collect();
        let mut judgements = Vec::new();
        for scale in Scale::ALL {
            let here = named.iter().copied().filter(|r| r.scale == scale);
            let here: Vec<&Record> = here.collect();
            let once = |row: &&str| here.iter().filter(|r| r.model == **row).count() == 1;
            if rows.iter().all(once) {
                judgements.push(self.judge_group(scale, &here));
                continue;
            }
            for dataset in datasets(&here) {
                let of_set = here.iter().copied().filter(|r| r.dataset == dataset);
                judgements.push(self.judge_group(scale, &of_set.collect::<Vec<_>>()));
            }
        }
        if judgements.is_empty() {
            judgements.push(Judgement {
                verdict: Verdict::NotRun,
                scale: None,
                datasets: Vec::new(),
                comparisons: Vec::new(),
            });
        }
        judgements
    }

    fn judge_group(&self, scale: Scale, records: &[&Record]) -> Judgement {
        let comparisons = self.compare(records);
        Judgement {
            verdict: Verdict::all(comparisons.iter().map(|c| c.verdict)),
            scale: Some(scale),
            datasets: datasets(records),
            comparisons,
        }
    }
}

fn datasets(records: &[&Record]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for record in records {
        if !names.contains(&record.dataset) {
            names.push(record.dataset.clone());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Claim, Relation};

    const QUANTITY: &str = "test error";

    fn finding(relation: Relation) -> Finding {
        Finding::new("A sentence.", "Table 1", QUANTITY, relation)
    }

    fn record(model: &str, values: &[f64]) -> Record {
        let claim = Claim::new("p/t", model, QUANTITY, "%");
        let record = Record::new(&claim, "digits", Scale::Quick);
        let seeds = values.iter().zip(0..);
        seeds.fold(record, |r, (&value, seed)| r.value(seed, Some(value)))
    }

    /// A row of one run on `n` test images.
    fn tested(model: &str, error: f64, n: usize) -> Record {
        Record {
            test_images: Some(n),
            ..record(model, &[error])
        }
    }

    fn verdict(relation: Relation, records: &[Record]) -> Verdict {
        let judgements = finding(relation).judge(records);
        assert_eq!(judgements.len(), 1, "{judgements:?}");
        judgements[0].verdict
    }

    #[test]
    fn the_test_set_decides_what_one_seed_can_say() {
        let order = Relation::Falls(&["A", "B"]);
        // 2 % between 10 % and 8 %: on 1,000 images two standard errors are 2.6, on 10,000 they are 0.8.
        let run = |n| [tested("A", 10.0, n), tested("B", 8.0, n)];
        assert_eq!(verdict(order, &run(1_000)), Verdict::WithinTheNoise);
        assert_eq!(verdict(order, &run(10_000)), Verdict::Holds);
        let turned = [tested("A", 8.0, 10_000), tested("B", 10.0, 10_000)];
        assert_eq!(verdict(order, &turned), Verdict::DoesNotHold);
    }

    #[test]
    fn the_spread_over_seeds_decides_if_it_is_larger() {
        let order = Relation::Falls(&["A", "B"]);
        let quiet = [record("A", &[10.0, 10.2]), record("B", &[8.0, 8.2])];
        assert_eq!(verdict(order, &quiet), Verdict::Holds);
        let noisy = [record("A", &[10.0, 14.0]), record("B", &[8.0, 12.0])];
        assert_eq!(verdict(order, &noisy), Verdict::WithinTheNoise);
        let mut few_images = quiet.clone();
        few_images
            .iter_mut()
            .for_each(|r| r.test_images = Some(100));
        assert_eq!(verdict(order, &few_images), Verdict::WithinTheNoise);
    }

    #[test]
    fn the_rows_of_the_first_table_of_nin() {
        let dataset = "fashion-mnist (3000 training and 2000 test images)";
        let rows = ["NIN", "NIN + dropout", "NIN + dropout + augmentation"];
        let records = [27.75, 27.85, 27.95].into_iter().zip(rows);
        let records = records.map(|(error, row)| Record {
            dataset: dataset.to_owned(),
            ..record(row, &[error])
        });
        let falls = finding(Relation::Falls(&[
            "NIN",
            "NIN + dropout",
            "NIN + dropout + augmentation",
        ]));
        let judged = falls.judge(&records.collect::<Vec<_>>());
        assert_eq!(judged[0].verdict, Verdict::WithinTheNoise);
        assert_eq!(judged[0].datasets, [dataset]);
        assert_eq!(
            judged[0].comparisons[0].evidence,
            "NIN + dropout 27.85, NIN 27.75; higher by 0.10 ± 2.83"
        );
    }

    #[test]
    fn rows_of_changed_length_are_compared_with_their_like_alone() {
        let trained = |row: &str, error, epochs| Record {
            epochs,
            ..tested(row, error, 10_000)
        };
        let (a, b) = (trained("A", 13.0, 40), trained("B", 11.0, 15));
        let alike = Relation::Alike {
            rows: &["A", "B"],
            by: 9.0,
        };
        for relation in [Relation::Falls(&["A", "B"]), alike] {
            let judge = |rows: &[Record]| finding(relation).judge(rows)[0].clone();
            // The experiment has it so.
            assert_eq!(judge(&[a.clone(), b.clone()]).verdict, Verdict::Holds);
            let shorter = b.clone().other_epochs(15);
            let judged = judge(&[a.clone(), shorter.clone()]);
            assert_eq!(judged.verdict, Verdict::NotRun);
            let evidence = &judged.comparisons[0].evidence;
            assert!(evidence.ends_with(": not comparable"), "{evidence}");
            let both = [trained("A", 13.0, 15).other_epochs(15), shorter];
            assert_eq!(judge(&both).verdict, Verdict::Holds);
        }
    }

    #[test]
    fn bounds_and_differences() {
        let rows = [tested("A", 10.0, 10_000), tested("B", 5.0, 10_000)];
        let cases = [
            (
                Relation::AtMostTimes {
                    row: "B",
                    times: 0.75,
                    than: "A",
                },
                Verdict::Holds,
            ),
            (
                Relation::AtMostTimes {
                    row: "B",
                    times: 0.25,
                    than: "A",
                },
                Verdict::DoesNotHold,
            ),
            (
                Relation::AtMost {
                    row: "B",
                    limit: 6.0,
                },
                Verdict::Holds,
            ),
            (
                Relation::AtMost {
                    row: "B",
                    limit: 5.1,
                },
                Verdict::WithinTheNoise,
            ),
            (
                Relation::AtMost {
                    row: "B",
                    limit: 4.0,
                },
                Verdict::DoesNotHold,
            ),
            (
                Relation::AtLeast {
                    rows: &["B"],
                    limit: 4.0,
                },
                Verdict::Holds,
            ),
            (
                Relation::Within {
                    rows: &["A"],
                    of: 11.0,
                    by: 3.0,
                },
                Verdict::Holds,
            ),
            (
                Relation::Within {
                    rows: &["A"],
                    of: 12.0,
                    by: 1.0,
                },
                Verdict::DoesNotHold,
            ),
            (
                Relation::Alike {
                    rows: &["A", "B"],
                    by: 7.0,
                },
                Verdict::Holds,
            ),
            (
                Relation::Alike {
                    rows: &["A", "B"],
                    by: 3.0,
                },
                Verdict::DoesNotHold,
            ),
        ];
        for (relation, wanted) in cases {
            assert_eq!(verdict(relation, &rows), wanted, "{relation:?}");
        }
    }

    #[test]
    fn without_known_noise_the_sign_decides_and_the_evidence_says_so() {
        let order = finding(Relation::Falls(&["A", "B"]));
        let judged = order.judge(&[record("A", &[2.0]), record("B", &[1.9])]);
        assert_eq!(judged[0].verdict, Verdict::Holds);
        assert!(
            judged[0].comparisons[0]
                .evidence
                .ends_with("(one run, noise unknown)")
        );
        assert_eq!(judged[0].words(), "holds (one run, noise unknown)");
        let equal = order.judge(&[record("A", &[2.0]), record("B", &[2.0])]);
        assert_eq!(equal[0].verdict, Verdict::DoesNotHold);
    }

    #[test]
    fn the_weakest_comparison_decides() {
        let order = Relation::Below(&[("B", "A"), ("C", "A"), ("D", "A")]);
        let row = |model, error| tested(model, error, 10_000);
        let (a, b, c) = (row("A", 10.0), row("B", 5.0), row("C", 20.0));
        assert_eq!(
            verdict(order, &[a.clone(), b.clone(), c, row("D", 10.0)]),
            Verdict::DoesNotHold
        );
        assert_eq!(verdict(order, &[a, b, row("C", 5.0)]), Verdict::NotRun);
    }

    #[test]
    fn runs_that_gave_no_number_decide_nothing() {
        let order = finding(Relation::Falls(&["A", "B"]));
        let none = order.judge(&[]);
        assert_eq!((none[0].verdict, none[0].scale), (Verdict::NotRun, None));
        for value in [None, Some(f64::NAN), Some(f64::INFINITY)] {
            let failed = record("B", &[]).value(0, value);
            let judged = order.judge(&[tested("A", 10.0, 100), failed]);
            assert_eq!(judged[0].verdict, Verdict::NotRun);
            assert_eq!(judged[0].comparisons[0].evidence, "no number for B");
        }
    }

    #[test]
    fn rows_are_compared_on_their_data_set_and_scale() {
        let on = |model, error, dataset: &str, scale| Record {
            dataset: dataset.to_owned(),
            scale,
            ..tested(model, error, 10_000)
        };
        let records = [
            on("A", 10.0, "digits", Scale::Quick),
            on("B", 5.0, "digits", Scale::Quick),
            on("A", 10.0, "clothes", Scale::Quick),
            on("B", 20.0, "clothes", Scale::Quick),
            on("A", 10.0, "digits", Scale::Cpu),
            on("B", 5.0, "clothes", Scale::Cpu),
        ];
        let judged = finding(Relation::Falls(&["A", "B"])).judge(&records);
        let seen: Vec<_> = judged
            .iter()
            .map(|j| (j.verdict, j.datasets.len()))
            .collect();
        assert_eq!(
            seen,
            [
                (Verdict::Holds, 1),
                (Verdict::DoesNotHold, 1),
                (Verdict::Holds, 2)
            ]
        );
    }
}
