//! Softmax and negative log-likelihood.
//!
//! ```text
//! m = max over k of z[k],   l = ln(sum over k of exp(z[k] - m))
//! loss = mean over rows of (l - (z[label] - m))
//! dz[k] = (exp((z[k] - m) - l) - [k = label]) * g / rows
//! ```
//!
//! m + l is never computed: beside a large m the digits of l would be lost.
//! Rows are independent; their losses are added in row order.

use super::output::written_by;
use super::planes::split2;
use super::real::Real;

/// The mean loss over rows of `classes` logits.
///
/// # Panics
/// If a label is not below `classes`, which is at least 1, or the lengths do not fit.
pub fn forward<T: Real>(classes: usize, logits: &[T], labels: &[u32]) -> T {
    assert_eq!(Some(logits.len()), classes.checked_mul(labels.len()));
    assert!(classes > 0, "at least one class");
    let mut sum = 0.0;
    for (row, &label) in logits.chunks_exact(classes).zip(labels) {
        let (max, log) = log_sum_exp(row);
        sum += (log - (row[label as usize] - max)).to_f64();
    }
    T::from_f64(sum / labels.len() as f64)
}

/// The gradient with respect to the logits, times `g`.
///
/// # Panics
/// As [`forward`].
pub fn backward<T: Real>(classes: usize, logits: &[T], labels: &[u32], g: T) -> Vec<T> {
    assert_eq!(Some(logits.len()), classes.checked_mul(labels.len()));
    assert!(classes > 0, "at least one class");
    let factor = g / T::from_f64(labels.len() as f64);
    let fill = |dz: &mut [T]| {
        split2(
            (logits, classes),
            (labels, 1),
            (dz, classes),
            |_, z, labels, dz| {
                let rows = z.chunks_exact(classes).zip(dz.chunks_exact_mut(classes));
                for ((z, dz), &label) in rows.zip(labels) {
                    let (max, log) = log_sum_exp(z);
                    for (z, dz) in z.iter().zip(dz.iter_mut()) {
                        *dz = ((*z - max) - log).exp() * factor;
                    }
                    dz[label as usize] = dz[label as usize] - factor;
                }
            },
        );
    };
    // SAFETY: the inner loop stores to every element of every row before the label's is read back.
    unsafe { written_by(logits.len(), fill) }
}

/// The largest logit, and the logarithm of the sum of exp(z - largest).
fn log_sum_exp<T: Real>(row: &[T]) -> (T, T) {
    let max = row
        .iter()
        .fold(T::NEG_INFINITY, |m, &z| if z > m { z } else { m });
    if max == T::NEG_INFINITY {
        // Every logit is -inf or NaN; the sum below would only see NaN.
        return (row.iter().fold(max, |sum, &z| sum + z), T::ZERO);
    }
    let sum = row.iter().fold(T::ZERO, |sum, &z| sum + (z - max).exp());
    (max, sum.ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Differences of logits count, and nothing else.
    fn a_shift_changes_nothing<T: Real>() {
        let row = |c: f64| [c, c, c - 1.0].map(T::from_f64);
        let (labels, g) = ([0, 2], T::ONE);
        let rows = |c| [row(c), row(c)].concat();
        let loss = forward(3, &rows(0.0), &labels);
        let gradient = backward(3, &rows(0.0), &labels, g);
        for c in [1e4, f64::from(1 << 24)] {
            assert_eq!(forward(3, &rows(c), &labels), loss, "{c}");
            assert_eq!(backward(3, &rows(c), &labels, g), gradient, "{c}");
        }
    }

    #[test]
    fn a_shift_of_all_logits_changes_nothing() {
        a_shift_changes_nothing::<f32>();
        a_shift_changes_nothing::<f64>();
        let large = [16_777_216f32; 2];
        assert!((forward(2, &large, &[0]) - std::f32::consts::LN_2).abs() < 1e-6);
        let gradient = backward(2, &large, &[0], 1.0);
        assert!((gradient[0] + 0.5).abs() < 1e-6 && (gradient[1] - 0.5).abs() < 1e-6);
    }

    #[test]
    fn rows_without_a_number_stay_broken() {
        for row in [
            [f32::NEG_INFINITY; 2],
            [f32::NAN, f32::NEG_INFINITY],
            [0.0, f32::NAN],
            [f32::INFINITY, 0.0],
        ] {
            assert!(forward(2, &row, &[0]).is_nan(), "{row:?}");
            assert!(backward(2, &row, &[0], 1.0)[0].is_nan(), "{row:?}");
        }
    }
}
