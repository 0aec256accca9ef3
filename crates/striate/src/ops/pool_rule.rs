//! How a gradient passes a max pooling: the rule of a scope, for a whole model.

use std::cell::Cell;

use candle_core::{Result, Tensor, bail};

use super::cpu::{Values, for_float, tensor};
use crate::kernels::avg_pool2d::Counted;
use crate::kernels::{self, PoolShape};

/// How a gradient passes a max pooling.
///
/// The All-CNN paper (arXiv 1412.6806), section 4, compares deconvnets that know where the maxima were
/// with deconvnets that do not; it does not say what takes the switches' place, so the second rule is ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PoolRule {
    /// To the maximum: the derivative.
    #[default]
    Switches,
    /// In equal shares to all cells of the window that lie inside the map: what average pooling does.
    Uniform,
}

thread_local! {
    static CURRENT: Cell<PoolRule> = const { Cell::new(PoolRule::Switches) };
}

impl PoolRule {
    /// Runs `f` with this rule for every max pooling that `f` puts into a graph on this thread.
    ///
    /// The rule is fixed in the forward pass; the backward pass may run outside the scope.
    ///
    /// ```
    /// use striate::candle_core::{Device, Result, Tensor, Var};
    /// use striate::{PoolRule, Window2d, max_pool2d};
    /// fn main() -> Result<()> {
    ///     let xs = Var::new(&[[[[1f32, 2.0], [3.0, 4.0]]]], &Device::Cpu)?;
    ///     let ys = PoolRule::Uniform.scope(|| max_pool2d(&xs, &Window2d::square(2)))?;
    ///     let gradients = ys.backward()?;
    ///     let dx = gradients.get(&xs).map(|dx| dx.flatten_all()?.to_vec1::<f32>()).transpose()?;
    ///     assert_eq!(dx, Some(vec![0.25; 4]));
    ///     Ok(())
    /// }
    /// ```
    pub fn scope<T>(self, f: impl FnOnce() -> T) -> T {
        struct Restore(PoolRule);
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

    /// The shape, if the current rule can be composed of Candle's ops.
    pub(super) fn composed(shape: &PoolShape) -> Result<&PoolShape> {
        match Self::current() {
            Self::Switches => Ok(shape),
            Self::Uniform => bail!(
                "max_pool2d: the rule Uniform has no form for this device; move the model and its input to the CPU"
            ),
        }
    }
}

/// The gradient in equal shares.
pub(super) fn spread(shape: &PoolShape, x: &Tensor, dy: &Tensor) -> Result<Tensor> {
    let dy = dy.contiguous()?;
    let dy = Values::of(&dy)?;
    for_float!("max_pool2d", x.dtype(), F => {
        let dx = kernels::avg_pool2d::backward::<F>(shape, Counted::Input, dy.slice()?);
        tensor(dx, x.shape())
    })
}
