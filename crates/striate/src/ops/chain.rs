//! Layers in a row as one node of Candle's graph.
//!
//! Candle's backward pass adds the gradient of every node to a map of zeros that it makes first:
//! three maps in memory and two passes over them, between any two layers.
//! Here the gradient goes from layer to layer in memory of our own, and a ReLU's gate is applied in its place.

mod node;
mod ports;
mod step;

use candle_core::{DType, Result, Tensor};

use super::avg_pool2d::{AvgPool, GlobalAvgPool, Padding, avg_pool2d, global_avg_pool};
use super::conv2d::{self, Conv2dOptions};
use super::cpu::checked;
use super::dropout::{Dropout, dropout};
use super::max_pool2d::{
    MaxPool, MaxPoolWithSwitches, Switches, SwitchesPlace, max_pool2d, max_pool2d_with_switches,
};
use super::max_unpool2d::{MaxUnpool, max_unpool2d};
use super::rules::PoolRule;
use crate::rng::Stream;
use crate::window::Window2d;
use node::Node;
use step::Step;

/// A run of layers, whose backward pass is one step of Candle's.
///
/// Values and gradients are, to the bit, those of the ops one by one; only time and memory differ.
/// Training All-CNN-C or Network In Network so takes less of both, because no gradient of a map passes through Candle's sums.
///
/// # Convention
/// Every method computes what the function of the same name computes, under the rules of the current scope.
/// Where one node has no use, the layers run as that function: outside the CPU, in f16 and bf16, under [`PoolRule::Uniform`],
/// and as long as nothing asks for a gradient.
/// What lies between two layers of a chain is no tensor that a caller could see; [`finish`](Self::finish) gives one.
///
/// # Errors
/// Those of the functions.
///
/// ```
/// use striate::candle_core::{DType, Device, Result, Tensor, Var};
/// use striate::{Chain, Conv2dOptions, Window2d};
/// fn main() -> Result<()> {
///     let xs = Tensor::ones((2, 3, 8, 8), DType::F32, &Device::Cpu)?;
///     let weight = Var::ones((4, 3, 3, 3), DType::F32, &Device::Cpu)?;
///     let ys = Chain::new(&xs)
///         .conv2d(&weight, None, &Conv2dOptions::default())?
///         .max_pool2d(&Window2d::square(2).stride(2))?
///         .global_avg_pool()?
///         .finish()?;
///     assert_eq!(ys.dims(), [2, 4]);
///     let gradients = ys.sum_all()?.backward()?;
///     assert!(gradients.get(&weight).is_some());
///     Ok(())
/// }
/// ```
#[must_use = "a chain computes its last layer in `finish`"]
pub struct Chain {
    /// What the first step reads.
    xs: Tensor,
    steps: Vec<Step>,
    /// The output of every step but the last, which has not been computed yet; tracked by nothing.
    maps: Vec<Tensor>,
}

impl Chain {
    /// The chain without layers, whose result is `xs`.
    pub fn new(xs: &Tensor) -> Self {
        Self {
            xs: xs.clone(),
            steps: Vec::new(),
            maps: Vec::new(),
        }
    }

    /// Goes on with [`conv2d`](super::conv2d()).
    pub fn conv2d(
        mut self,
        weight: &Tensor,
        bias: Option<&Tensor>,
        options: &Conv2dOptions,
    ) -> Result<Self> {
        let tracked = weight.track_op() || bias.is_some_and(Tensor::track_op);
        if !self.is_one_node(tracked) {
            return self.then(|xs| conv2d::conv2d(xs, weight, bias, options));
        }
        let xs = self.compute("conv2d")?;
        let op = conv2d::op(&xs, weight, bias, options)?;
        let weight = conv2d::in_float_dtype(weight)?;
        let bias = bias.map(conv2d::in_float_dtype).transpose()?;
        Ok(self.push(Step::Conv { op, weight, bias }))
    }

    /// Goes on with [`max_pool2d`].
    pub fn max_pool2d(mut self, window: &Window2d) -> Result<Self> {
        if !self.is_one_node(false) || PoolRule::current() == PoolRule::Uniform {
            return self.then(|xs| max_pool2d(xs, window));
        }
        let xs = self.compute("max_pool2d")?;
        Ok(self.push(Step::MaxPool(MaxPool::new(&xs, window)?)))
    }

    /// Ends with [`max_pool2d_with_switches`], whose switches need the maxima.
    pub fn max_pool2d_with_switches(mut self, window: &Window2d) -> Result<(Tensor, Switches)> {
        if !self.is_one_node(false) || PoolRule::current() == PoolRule::Uniform {
            return max_pool2d_with_switches(&self.finish()?, window);
        }
        let xs = self.compute("max_pool2d")?;
        let place = SwitchesPlace::of(&xs)?;
        let op = MaxPoolWithSwitches::new(&xs, window, &place)?;
        let ys = self.push(Step::MaxPoolWithSwitches(op)).finish()?;
        Ok((ys, place.switches()?))
    }

    /// Goes on with [`max_unpool2d`].
    pub fn max_unpool2d(
        mut self,
        switches: &Switches,
        output_size: (usize, usize),
    ) -> Result<Self> {
        if !self.is_one_node(false) {
            return self.then(|xs| max_unpool2d(xs, switches, output_size));
        }
        let xs = self.compute("max_unpool2d")?;
        let (op, indices) = MaxUnpool::new(&xs, switches, output_size)?;
        Ok(self.push(Step::MaxUnpool { op, indices }))
    }

    /// Goes on with [`avg_pool2d`].
    pub fn avg_pool2d(mut self, window: &Window2d, padding: Padding) -> Result<Self> {
        if !self.is_one_node(false) {
            return self.then(|xs| avg_pool2d(xs, window, padding));
        }
        let xs = self.compute("avg_pool2d")?;
        Ok(self.push(Step::AvgPool(AvgPool::new(&xs, window, padding)?)))
    }

    /// Goes on with [`global_avg_pool`].
    pub fn global_avg_pool(mut self) -> Result<Self> {
        if !self.is_one_node(false) {
            return self.then(global_avg_pool);
        }
        let xs = self.compute("global_avg_pool")?;
        Ok(self.push(Step::GlobalAvgPool(GlobalAvgPool::new(&xs)?)))
    }

    /// Goes on with [`dropout`].
    pub fn dropout(mut self, p: f32, stream: &Stream) -> Result<Self> {
        if !self.is_one_node(false) || p == 0.0 {
            return self.then(|xs| dropout(xs, p, stream));
        }
        let op = Dropout::of_elements(p, stream)?;
        self.compute("dropout")?;
        Ok(self.push(Step::Dropout(op)))
    }

    /// Goes on with any function; a new node begins with its result.
    pub fn then(self, f: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Self> {
        Ok(Self::new(&f(&self.finish()?)?))
    }

    /// The output of the last layer.
    pub fn finish(self) -> Result<Tensor> {
        if self.steps.is_empty() {
            return Ok(self.xs);
        }
        Node::apply(&self.xs, self.steps, self.maps)
    }

    /// Whether a step becomes part of the node, if its parameters ask for a gradient or not.
    fn is_one_node(&self, tracked: bool) -> bool {
        let tracked = tracked || self.xs.track_op() || !self.steps.is_empty();
        let float = matches!(self.xs.dtype(), DType::F32 | DType::F64);
        tracked && float && self.xs.device().is_cpu()
    }

    /// The input of the step called `name`, which the step before it computes now.
    fn compute(&mut self, name: &'static str) -> Result<Tensor> {
        let Some(step) = self.steps.last() else {
            self.xs = checked(name, &self.xs)?;
            return Ok(self.xs.clone());
        };
        let ys = step.forward(self.maps.last().unwrap_or(&self.xs))?;
        self.maps.push(ys.clone());
        Ok(ys)
    }

    fn push(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

#[cfg(test)]
mod tests;
