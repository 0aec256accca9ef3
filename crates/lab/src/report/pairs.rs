//! Two rows compared image by image: what the test set leaves open of their difference.

use super::Record;
use crate::train::Mistakes;

/// The standard error of `times` the error of `b` minus that of `a`, in percent, from the images that both were tested on.
///
/// With `d` of an image `times` the share of the seeds of `b` that have it wrong minus that of `a`,
/// it is `100 sqrt(variance(d) / n)` over the `n` images:
/// images that both have right or both wrong say nothing, which is why it is smaller than that of rows taken as independent.
/// The variance is that after two more images, one that only `a` has wrong and one that only `b` has wrong,
/// so that rows without a difference have an error too.
/// `None` if a run of either did not keep its mistakes, if they are not those of its value,
/// or if the two were tested on different numbers of images.
pub(super) fn paired_error(a: &Record, b: &Record, times: f64) -> Option<f64> {
    let (a, b) = (shares(a)?, shares(b)?);
    if a.len() != b.len() || a.is_empty() {
        return None;
    }
    let differences = a.iter().zip(&b).map(|(a, b)| times * b - a);
    let (sum, squares) = differences
        .chain([times, -1.0])
        .fold((0.0, 0.0), |(sum, squares), d| (sum + d, squares + d * d));
    let n = a.len() as f64;
    let mean = sum / (n + 2.0);
    Some(100.0 * ((squares / (n + 2.0) - mean * mean) / n).sqrt())
}

/// For each test image the share of the seeds that have it wrong; `None` unless each seed kept the mistakes of its value.
fn shares(record: &Record) -> Option<Vec<f64>> {
    let first = record.mistakes.first()?;
    let is_of_all = record.mistakes.len() == record.values.len() && record.unit == "%";
    let is_of_value = |(mistakes, value): (&Mistakes, &Option<f64>)| {
        let error = 100.0 * mistakes.count() as f64 / mistakes.images() as f64;
        mistakes.images() == first.images() && value.is_some_and(|v| (v - error).abs() < 1e-6)
    };
    if !is_of_all || !record.mistakes.iter().zip(&record.values).all(is_of_value) {
        return None;
    }
    let mut shares = vec![0.0; first.images()];
    for seed in &record.mistakes {
        for (share, wrong) in shares.iter_mut().zip(seed.iter()) {
            *share += f64::from(u8::from(wrong));
        }
    }
    let seeds = record.mistakes.len() as f64;
    shares.iter_mut().for_each(|share| *share /= seeds);
    Some(shares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Claim, Scale};

    fn record(of_seeds: &[Mistakes]) -> Record {
        let record = Record::new(
            &Claim::new("p/t", "A", "test error", "%"),
            "x",
            Scale::Quick,
        );
        let record = of_seeds
            .iter()
            .zip(0..)
            .fold(record, |record, (mistakes, seed)| {
                let error = 100.0 * mistakes.count() as f64 / mistakes.images() as f64;
                record.value(seed, Some(error))
            });
        Record {
            mistakes: of_seeds.to_vec(),
            ..record
        }
    }

    fn of(images: usize, is_wrong: impl Fn(usize) -> bool) -> Mistakes {
        (0..images).map(is_wrong).collect()
    }

    #[test]
    fn images_that_both_have_wrong_are_no_noise() {
        // 400 of 2,000 wrong, of which 360 in both.
        let (a, b) = (
            of(2_000, |i| i < 400),
            of(2_000, |i| (40..440).contains(&i)),
        );
        let both = [record(&[a]), record(&[b])];
        let paired = paired_error(&both[0], &both[1], 1.0).unwrap();
        // McNemar: sqrt(40 + 40) / 2,000.
        assert!(
            (paired - 100.0 * 80f64.sqrt() / 2_000.0).abs() < 0.01,
            "{paired}"
        );
        let alone = |record: &Record| record.standard_error();
        assert_eq!(alone(&both[0]), None);
        let same = paired_error(&both[0], &both[0], 1.0).unwrap();
        assert!((0.0..0.08).contains(&same), "{same}");
    }

    #[test]
    fn independent_mistakes_give_the_error_of_independent_rows() {
        let (a, b) = (of(10_000, |i| i % 10 == 0), of(10_000, |i| i / 10 % 5 == 0));
        let paired = paired_error(&record(&[a]), &record(&[b]), 1.0).unwrap();
        let apart = 100.0 * ((0.1 * 0.9 + 0.2 * 0.8) / 10_000f64).sqrt();
        assert!((paired - apart).abs() < 0.01, "{paired} {apart}");
    }

    #[test]
    fn seeds_that_differ_make_less_noise_together() {
        let seed = |from: usize| of(1_000, move |i| i % 10 == from);
        let right = record(&[of(1_000, |_| false)]);
        let one = paired_error(&right, &record(&[seed(0)]), 1.0).unwrap();
        let two = paired_error(&right, &record(&[seed(0), seed(1)]), 1.0).unwrap();
        assert!(two < 0.8 * one, "{one} {two}");
    }

    #[test]
    fn without_the_mistakes_of_every_seed_there_are_no_pairs() {
        let all = record(&[of(10, |i| i == 0), of(10, |i| i == 1)]);
        let lacking = Record {
            mistakes: all.mistakes[..1].to_vec(),
            ..all.clone()
        };
        let longer = record(&[of(11, |i| i == 0)]);
        let mixed = record(&[of(10, |i| i == 0), of(11, |i| i == 0)]);
        let of_another = Record {
            values: vec![Some(20.0), Some(10.0)],
            ..all.clone()
        };
        for other in [&lacking, &longer, &mixed, &of_another, &record(&[])] {
            assert_eq!(paired_error(&all, other, 1.0), None);
            assert_eq!(paired_error(other, &all, 1.0), None);
        }
    }
}
