//! ReLU whose backward rule can be switched for a whole model.

use std::cell::Cell;

use candle_core::{Result, Tensor, bail};
use serde::{Deserialize, Serialize};

/// How a gradient passes a ReLU.
///
/// All-CNN paper, section 4 and Fig. 1: with activation `y = max(0, x)` and incoming gradient `g`,
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

thread_local! {
    static CURRENT: Cell<ReluRule> = const { Cell::new(ReluRule::Backprop) };
}

impl ReluRule {
    /// Runs `f` with this rule for every ReLU that `f` puts into a graph on this thread, fused ones included.
    ///
    /// The rule is fixed in the forward pass; the backward pass may run outside the scope.
    /// Scopes nest, and a panic in `f` restores the outer rule.
    pub fn scope<T>(self, f: impl FnOnce() -> T) -> T {
        struct Restore(ReluRule);
        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.set(self.0);
            }
        }
        let _restore = Restore(CURRENT.replace(self));
        f()
    }

    /// The rule of the innermost scope on this thread.
    pub fn current() -> Self {
        CURRENT.get()
    }
}

/// max(0, x), element by element.
pub fn relu(xs: &Tensor) -> Result<Tensor> {
    bail!("relu: not available yet for {:?}", xs.shape())
}
