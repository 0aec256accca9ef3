//! The one node of a chain.

use std::borrow::Cow;
use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, WithDType};

use super::ports::{Deposit, Pairs, ports};
use super::step::{Step, on_cpu};
use crate::kernels::Lanes;
use crate::ops::cpu::{Values, for_float, tensor};

const NAME: &str = "chain";

/// The steps with what their backward pass reads.
pub(super) struct Node {
    steps: Vec<Step>,
    /// The output of every step but the last.
    maps: Vec<Tensor>,
    deposit: Arc<Deposit>,
}

impl Node {
    /// The output of the last step, which is computed here, with the node as its origin.
    pub(super) fn apply(xs: &Tensor, steps: Vec<Step>, maps: Vec<Tensor>) -> Result<Tensor> {
        let deposit = Arc::new(Deposit::default());
        let port = ports(&steps, &deposit)?;
        let node = Self {
            steps,
            maps,
            deposit,
        };
        xs.apply_op2(&port, node)
    }

    fn forward(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let Some(last) = self.steps.last() else {
            candle_core::bail!("{NAME}: no layers");
        };
        let Some(map) = self.maps.last() else {
            return last.forward_storage(x, layout);
        };
        let (map, layout) = map.storage_and_layout();
        last.forward_storage(on_cpu(&map)?, layout)
    }

    /// The gradients of x, if it asks for one, and of the parameters of each step.
    fn backward(&self, xs: &Tensor, ys: &Tensor, dy: &Tensor) -> Result<(Option<Tensor>, Pairs)> {
        let dy = dy.contiguous()?;
        let dy = Values::of(&dy)?;
        for_float!(NAME, xs.dtype(), F => self.walk::<F>(xs, ys, dy.slice()?))
    }

    fn walk<F: Lanes + WithDType>(
        &self,
        xs: &Tensor,
        ys: &Tensor,
        dy: &[F],
    ) -> Result<(Option<Tensor>, Pairs)> {
        let mut pairs = Vec::new();
        let mut signal = Some(Cow::Borrowed(dy));
        for (index, step) in self.steps.iter().enumerate().rev() {
            let Some(dy) = signal.take() else { break };
            let x = match index {
                0 => xs,
                _ => &self.maps[index - 1],
            };
            let y = self.maps.get(index).unwrap_or(ys);
            let gradients = step.backward(x, y, dy, index > 0 || xs.track_op())?;
            if let Step::Conv { weight, bias, .. } = step {
                let dweight = gradients
                    .dweight
                    .map(|values| tensor(values, weight.shape()));
                let dbias = gradients.dbias.zip(bias.as_ref());
                let dbias = dbias.map(|(values, bias)| tensor(values, bias.shape()));
                let pair = (dweight.transpose()?, dbias.transpose()?);
                // A frozen layer has no port that would take its pair out again.
                if pair.0.is_some() || pair.1.is_some() {
                    pairs.push((index, pair));
                }
            }
            signal = gradients.dx.map(Cow::Owned);
        }
        let dx = match signal {
            Some(dx) if xs.track_op() => Some(tensor(dx.into_owned(), xs.shape())?),
            _ => None,
        };
        Ok((dx, pairs))
    }
}

impl CustomOp2 for Node {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        layout: &Layout,
        _port: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.forward(x, layout)
    }

    fn bwd(
        &self,
        xs: &Tensor,
        port: &Tensor,
        ys: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (dx, pairs) = self.backward(xs, ys, dy)?;
        let leave = || self.deposit.leave(pairs);
        Ok((dx, port.track_op().then(leave).transpose()?))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::*;
    use crate::ops::conv2d::{Conv2dOptions, op};
    use crate::ops::test_support::normal;

    /// The backward pass leaves pairs for the layers that have a port, and for no others.
    #[test]
    fn frozen_layers_leave_nothing() -> Result<()> {
        let xs = Var::from_tensor(&normal(1, &[1, 2, 5, 5]))?;
        let weights = [normal(2, &[3, 2, 3, 3]), normal(3, &[4, 3, 3, 3])];
        let options = Conv2dOptions::default();
        for frozen in [0, 1] {
            let mut node = Node {
                steps: Vec::new(),
                maps: Vec::new(),
                deposit: Arc::default(),
            };
            let mut ys = xs.as_tensor().clone();
            for (index, weight) in weights.iter().enumerate() {
                let op = op(&ys, weight, None, &options)?;
                let weight = match index == frozen {
                    true => weight.clone(),
                    false => Var::from_tensor(weight)?.as_tensor().clone(),
                };
                let bias = None;
                node.steps.push(Step::Conv { op, weight, bias });
                if let Some(step) = node.steps.last() {
                    ys = step.forward(&ys)?;
                }
                node.maps.push(ys.clone());
            }
            node.maps.pop();
            let (dx, pairs) = node.backward(&xs, &ys, &ys.ones_like()?)?;
            let left: Vec<usize> = pairs.iter().map(|(index, _)| *index).collect();
            assert_eq!((dx.is_some(), left), (true, vec![1 - frozen]));
        }
        Ok(())
    }
}
