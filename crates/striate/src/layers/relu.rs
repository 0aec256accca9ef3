//! ReLU layer.

use candle_core::{Result, Tensor};
use candle_nn::Module;

use crate::ops;

/// max(0, x) under the [`ReluRule`](crate::ReluRule) of the scope that the forward pass runs in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relu;

impl Relu {
    /// The layer; it has no parameters.
    pub fn new() -> Self {
        Self
    }
}

impl Module for Relu {
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        ops::relu(xs)
    }
}
