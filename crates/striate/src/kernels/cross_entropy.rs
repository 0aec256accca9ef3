//! Softmax and negative log-likelihood.
//!
//! ```text
//! m = max over k of z[k],   l = m + ln(sum over k of exp(z[k] - m))
//! loss = mean over rows of (l - z[label])
//! dz[k] = (exp(z[k] - l) - [k = label]) * g / rows
//! ```
//!
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
        sum += (log_sum_exp(row) - row[label as usize]).to_f64();
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
                    let l = log_sum_exp(z);
                    for (z, dz) in z.iter().zip(dz.iter_mut()) {
                        *dz = (*z - l).exp() * factor;
                    }
                    dz[label as usize] = dz[label as usize] - factor;
                }
            },
        );
    };
    // SAFETY: the inner loop stores to every element of every row before the label's is read back.
    unsafe { written_by(logits.len(), fill) }
}

fn log_sum_exp<T: Real>(row: &[T]) -> T {
    let max = row
        .iter()
        .fold(T::NEG_INFINITY, |m, &z| if z > m { z } else { m });
    if max == T::NEG_INFINITY {
        // Every logit is -inf or NaN; the sum below would only see NaN.
        return row.iter().fold(max, |sum, &z| sum + z);
    }
    let sum = row.iter().fold(T::ZERO, |sum, &z| sum + (z - max).exp());
    max + sum.ln()
}
