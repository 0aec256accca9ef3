//! Fully connected layers as every network here has them: He's normal draw, bias 0.

use candle_core::{Result, Tensor};
use candle_nn::init::{DEFAULT_KAIMING_NORMAL, ZERO};
use candle_nn::{Linear, VarBuilder};

use crate::size::check_weight;

/// A layer with tensors `weight` (out, in) and `bias` (out).
pub(crate) fn dense(inputs: usize, outputs: usize, vb: VarBuilder) -> Result<Linear> {
    check_weight(&vb.prefix(), outputs, &[inputs])?;
    let weight = vb.get_with_hints((outputs, inputs), "weight", DEFAULT_KAIMING_NORMAL)?;
    let bias: Tensor = vb.get_with_hints(outputs, "bias", ZERO)?;
    Ok(Linear::new(weight, Some(bias)))
}
