//! Gradient descent with momentum, in place.
//!
//! ```text
//! d  = g + decay * w
//! v' = momentum * v + d
//! w' = w - rate * v'                     or, with Nesterov's rule,  w - rate * (d + momentum * v')
//! ```
//!
//! One pass over memory updates both: nothing is allocated, and each number is read and written once.
//! A velocity that is subnormal becomes 0: where there is neither gradient nor decay, as in units that no image reaches,
//! it would fall there in some hundred steps, and CPUs compute with such numbers many times slower.

use rayon::prelude::*;

use super::real::Real;
use super::vectorize::vectorize;

/// The rates of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdRates {
    /// The learning rate.
    pub rate: f64,
    /// What is kept of the velocity.
    pub momentum: f64,
    /// The pull of the weights towards 0.
    pub decay: f64,
    /// Whether the step looks ahead by Nesterov's rule.
    pub nesterov: bool,
}

/// Numbers that are handed to a thread at a time.
const RUN: usize = 1 << 15;

/// One step: updates `weight` and `velocity` by `gradient`.
///
/// # Panics
/// If the lengths differ.
pub fn step<T: Real>(rates: &SgdRates, weight: &mut [T], velocity: &mut [T], gradient: &[T]) {
    assert_eq!(weight.len(), gradient.len());
    assert_eq!(velocity.len(), gradient.len());
    let number = T::from_f64;
    let (rate, momentum, decay) = (
        number(rates.rate),
        number(rates.momentum),
        number(rates.decay),
    );
    let run = |((weight, velocity), gradient): ((&mut [T], &mut [T]), &[T])| {
        vectorize!({
            for ((w, v), &g) in weight.iter_mut().zip(velocity).zip(gradient) {
                let d = g + decay * *w;
                *v = normal_or_zero(momentum * *v + d);
                let push = if rates.nesterov {
                    d + momentum * *v
                } else {
                    *v
                };
                *w = *w - rate * push;
            }
        });
    };
    if gradient.len() <= RUN {
        return run(((weight, velocity), gradient));
    }
    weight
        .par_chunks_mut(RUN)
        .zip(velocity.par_chunks_mut(RUN))
        .zip(gradient.par_chunks(RUN))
        .for_each(run);
}

/// 0 for a subnormal number.
#[inline(always)]
fn normal_or_zero<T: Real>(x: T) -> T {
    let subnormal = x < T::SMALLEST_NORMAL && x > -T::SMALLEST_NORMAL;
    if subnormal { T::ZERO } else { x }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_steps_worked_by_hand() {
        let rates = |nesterov| SgdRates {
            rate: 0.5,
            momentum: 0.5,
            decay: 0.25,
            nesterov,
        };
        let (mut w, mut v) = ([4.0f64], [0.0]);
        step(&rates(false), &mut w, &mut v, &[1.0]);
        assert_eq!((w, v), ([3.0], [2.0]));
        step(&rates(false), &mut w, &mut v, &[0.25]);
        assert_eq!((w, v), ([2.0], [2.0]));
        let (mut w, mut v) = ([4.0f64], [0.0]);
        step(&rates(true), &mut w, &mut v, &[1.0]);
        assert_eq!((w, v), ([2.5], [2.0]));
    }

    #[test]
    fn a_velocity_that_nothing_feeds_falls_to_zero() {
        let rates = SgdRates {
            rate: 0.1,
            momentum: 0.5,
            decay: 0.0,
            nesterov: false,
        };
        let mut v = [4.0 * f32::MIN_POSITIVE, -4.0 * f32::MIN_POSITIVE, f32::NAN];
        for power in [2.0, 1.0] {
            step(&rates, &mut [1.0; 3], &mut v, &[0.0; 3]);
            assert_eq!(v[0], power * f32::MIN_POSITIVE);
            assert_eq!(v[1], -v[0]);
        }
        step(&rates, &mut [1.0; 3], &mut v, &[0.0; 3]);
        assert_eq!(v[..2], [0.0, 0.0]);
        assert!(v[2].is_nan());
    }

    #[test]
    fn long_slices_are_cut_without_a_gap() {
        let len = 2 * RUN + 7;
        let rates = SgdRates {
            rate: 1.0,
            momentum: 0.0,
            decay: 0.0,
            nesterov: false,
        };
        let (mut w, mut v) = (vec![0.0f32; len], vec![9.0; len]);
        let g: Vec<f32> = (0..len).map(|i| i as f32).collect();
        step(&rates, &mut w, &mut v, &g);
        assert!((0..len).all(|i| w[i] == -(i as f32) && v[i] == i as f32));
    }
}
