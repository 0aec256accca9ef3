//! ReLU and the three ways a gradient passes it.
//!
//! ```text
//! y = max(0, x)                       NaN stays NaN
//! dx = dy where the rule's gate is open, 0 elsewhere
//! ```
//!
//! The gate is read from the output y, so a convolution with a fused ReLU needs nothing but its saved output.

use serde::{Deserialize, Serialize};

use super::output::written_by;
use super::planes::{split, split2};
use super::real::Real;
use super::vectorize::vectorize;

/// How a gradient passes a ReLU.
///
/// All-CNN paper (arXiv 1412.6806), section 4 and Fig. 1: with the output `y = max(0, x)` and the incoming gradient `g`,
///
/// ```text
/// Backprop:   g * [y > 0]
/// Deconvnet:  g * [g > 0]
/// Guided:     g * [y > 0] * [g > 0]
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReluRule {
    /// The derivative, with 0 at 0.
    #[default]
    Backprop,
    /// The gradient's own sign decides (Zeiler and Fergus 2014).
    Deconvnet,
    /// Both must be positive (guided backpropagation).
    Guided,
}

impl ReluRule {
    /// What a ReLU with output `y` passes of the gradient `g`.
    #[inline(always)]
    pub fn gate<T: Real>(self, y: T, g: T) -> T {
        // Written so that NaN passes: a broken run must not look healthy.
        let closed = match self {
            Self::Backprop => y <= T::ZERO,
            Self::Deconvnet => g <= T::ZERO,
            Self::Guided => y <= T::ZERO || g <= T::ZERO,
        };
        if closed { T::ZERO } else { g }
    }
}

/// Cells that are handed to a thread at a time.
const RUN: usize = 1 << 12;

/// max(0, x).
pub fn forward<T: Real>(x: &[T]) -> Vec<T> {
    let fill = |y: &mut [T]| {
        split((x, RUN), (y, RUN), |x, y| {
            vectorize!({
                for (x, y) in x.iter().zip(y) {
                    *y = if *x < T::ZERO { T::ZERO } else { *x };
                }
            });
        });
    };
    // SAFETY: the loop stores to every element.
    unsafe { written_by(x.len(), fill) }
}

/// The gradient with respect to x, from the output y and the gradient dy with respect to it.
///
/// # Panics
/// If the lengths differ.
pub fn backward<T: Real>(rule: ReluRule, y: &[T], dy: &[T]) -> Vec<T> {
    assert_eq!(y.len(), dy.len());
    let fill = |dx: &mut [T]| {
        split2((y, RUN), (dy, RUN), (dx, RUN), |_, y, dy, dx| match rule {
            ReluRule::Backprop => gated(y, dy, dx, |y, g| ReluRule::Backprop.gate(y, g)),
            ReluRule::Deconvnet => gated(y, dy, dx, |y, g| ReluRule::Deconvnet.gate(y, g)),
            ReluRule::Guided => gated(y, dy, dx, |y, g| ReluRule::Guided.gate(y, g)),
        });
    };
    // SAFETY: `gated` stores to every element.
    unsafe { written_by(dy.len(), fill) }
}

#[inline(always)]
fn gated<T: Real>(y: &[T], dy: &[T], dx: &mut [T], gate: impl Fn(T, T) -> T) {
    vectorize!({
        for ((y, dy), dx) in y.iter().zip(dy).zip(dx) {
            *dx = gate(*y, *dy);
        }
    });
}
