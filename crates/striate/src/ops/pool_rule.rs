//! How a gradient passes a max pooling under the rule of a scope.

use candle_core::{Result, Tensor, bail};

use super::cpu::{Values, for_float, tensor};
use super::rules::PoolRule;
use crate::kernels::avg_pool2d::Counted;
use crate::kernels::{self, PoolShape};

impl PoolRule {
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
