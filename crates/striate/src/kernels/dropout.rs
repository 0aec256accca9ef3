//! Dropout without a stored mask.
//!
//! ```text
//! y[e] = 0                   if word(e) < p * 2^32
//!        x[e] / (1 - p)      otherwise
//! ```
//!
//! `word(e)` is a word of a seeded key stream (`kernels::chacha`): element `e = 256 g + 16 w + l` of a tensor takes word `w` of block `16 g + l`.
//! The backward pass is the same function of the gradient, so nothing has to be kept.

use super::chacha::{GROUP, words};
use super::output::written_by;
use super::planes::split2;
use super::real::Real;
use super::vectorize::vectorize;
use crate::rng::StreamKey;
use rayon::prelude::*;

/// The words below this bound are dropped: `p` of all of them. None if all are.
pub fn threshold(p: f64) -> Option<u32> {
    let bound = (p.clamp(0.0, 1.0) * (1u64 << 32) as f64).round() as u64;
    u32::try_from(bound).ok()
}

/// Drops single elements of `x`.
pub fn elements<T: Real>(key: &StreamKey, p: f64, x: &[T]) -> Vec<T> {
    const GROUPS_A_TASK: usize = 64;
    let Some(bound) = threshold(p) else {
        return vec![T::ZERO; x.len()];
    };
    let scale = T::from_f64(1.0 / (1.0 - p));
    let fill = |y: &mut [T]| {
        let run = GROUPS_A_TASK * GROUP;
        let tasks = x.par_chunks(run).zip(y.par_chunks_mut(run)).enumerate();
        tasks.for_each(|(task, (x, y))| {
            for (group, (x, y)) in x.chunks(GROUP).zip(y.chunks_mut(GROUP)).enumerate() {
                let words = words(key, (task * GROUPS_A_TASK + group) as u64);
                vectorize!({
                    // Copies, which no store to y can change.
                    let (bound, scale) = (bound, scale);
                    for ((x, y), &word) in x.iter().zip(y).zip(words.as_flattened()) {
                        let kept = *x * scale;
                        *y = if word < bound { T::ZERO } else { kept };
                    }
                });
            }
        });
    };
    // SAFETY: the loop stores to every element: a group holds as many words as its chunk has elements, or more.
    unsafe { written_by(x.len(), fill) }
}

/// Drops whole planes of `plane` elements of `x`; plane `e` takes the word that element `e` takes in [`elements`].
///
/// # Panics
/// If `plane` is 0 or does not divide the length of `x`.
pub fn planes<T: Real>(key: &StreamKey, p: f64, plane: usize, x: &[T]) -> Vec<T> {
    assert!(plane > 0, "a plane without cells");
    let count = x.len() / plane;
    assert_eq!(count * plane, x.len());
    let bound = threshold(p);
    let mut dropped = Vec::with_capacity(count);
    for group in 0..count.div_ceil(GROUP) {
        let words = words(key, group as u64);
        let rest = count - dropped.len();
        let words = words.as_flattened().iter().take(rest);
        dropped.extend(words.map(|&word| bound.is_none_or(|bound| word < bound)));
    }
    let scale = T::from_f64(1.0 / (1.0 - p));
    let fill = |y: &mut [T]| {
        split2((x, plane), (&dropped, 1), (y, plane), |_, x, dropped, y| {
            let planes = x.chunks_exact(plane).zip(y.chunks_exact_mut(plane));
            for ((x, y), &dropped) in planes.zip(dropped) {
                if dropped {
                    y.fill(T::ZERO);
                } else {
                    x.iter().zip(y).for_each(|(x, y)| *y = *x * scale);
                }
            }
        });
    };
    // SAFETY: every plane is filled, by zeros or by the loop.
    unsafe { written_by(x.len(), fill) }
}
