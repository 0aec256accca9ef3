//! The way of parameter gradients out of a chain.
//!
//! A Candle op has three arguments at most, a chain any number of parameters.
//! So each layer's parameters are arguments of a small op of their own, a port, whose output is one number and whose gradient
//! is what the chain has left for it.
//! The ports form a row that ends in the chain: x and the last port are its arguments.
//!
//! ```text
//! forward:    w1, b1 -> port 1 -> port 2 (w2, b2) -> .. -> chain (x)
//! backward:   chain leaves all dw, db under a ticket; the ticket's number passes from port to port as their gradient
//! ```
//!
//! Every backward pass has its own ticket, so several may run over one graph, at once or one after another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::{
    CpuStorage, CustomOp2, CustomOp3, DType, Device, Layout, Result, Shape, Tensor, bail,
};

use super::step::Step;

/// The gradients of weight and bias of one step.
pub(super) type Pair = (Option<Tensor>, Option<Tensor>);

/// Those of the steps that have any, by the number of the step.
pub(super) type Pairs = Vec<(usize, Pair)>;

/// Gradients on their way from a chain to its ports.
#[derive(Default)]
pub(super) struct Deposit(Mutex<Tickets>);

#[derive(Default)]
struct Tickets {
    /// The last number that was given.
    last: u32,
    /// By ticket and step.
    pairs: HashMap<(u32, usize), Pair>,
}

impl Deposit {
    /// Leaves the gradients of steps and returns their ticket, as a gradient of the last port.
    pub(super) fn leave(&self, pairs: Pairs) -> Result<Tensor> {
        let mut tickets = self.lock();
        tickets.last = tickets.last.wrapping_add(1);
        let ticket = tickets.last;
        for (step, pair) in pairs {
            tickets.pairs.insert((ticket, step), pair);
        }
        Tensor::new(f64::from(ticket), &Device::Cpu)
    }

    fn take(&self, ticket: &Tensor, step: usize) -> Result<Pair> {
        let number = ticket.to_scalar::<f64>()? as u32;
        match self.lock().pairs.remove(&(number, step)) {
            Some(pair) => Ok(pair),
            None => bail!("chain: the backward pass left no gradients for layer {step}"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Tickets> {
        // A panic elsewhere leaves whole entries behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The row of ports for the parameters of `steps` that ask for a gradient, if any does.
pub(super) fn ports(steps: &[Step], deposit: &Arc<Deposit>) -> Result<Option<Tensor>> {
    let mut last: Option<Tensor> = None;
    for (index, step) in steps.iter().enumerate() {
        let (Step::Conv { weight, bias, .. }, true) = (step, step.tracked() != (false, false))
        else {
            continue;
        };
        let port = Port {
            step: index,
            deposit: deposit.clone(),
        };
        let before = match &last {
            Some(port) => port.clone(),
            None => Tensor::zeros((), DType::F64, &Device::Cpu)?,
        };
        last = Some(match bias {
            Some(bias) => before.apply_op3(weight, bias, port)?,
            None => before.apply_op2(weight, port)?,
        });
    }
    Ok(last)
}

struct Port {
    step: usize,
    deposit: Arc<Deposit>,
}

impl Port {
    const NAME: &'static str = "chain parameters";

    fn forward() -> (CpuStorage, Shape) {
        (CpuStorage::F64(vec![0.0]), Shape::from(()))
    }

    /// The gradient of the port before this one, which is the same ticket.
    fn passed(before: &Tensor, ticket: &Tensor) -> Option<Tensor> {
        before.track_op().then(|| ticket.clone())
    }
}

impl CustomOp2 for Port {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok(Self::forward())
    }

    fn bwd(
        &self,
        before: &Tensor,
        _weight: &Tensor,
        _: &Tensor,
        ticket: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (dweight, _) = self.deposit.take(ticket, self.step)?;
        Ok((Self::passed(before, ticket), dweight))
    }
}

impl CustomOp3 for Port {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok(Self::forward())
    }

    fn bwd(
        &self,
        before: &Tensor,
        _weight: &Tensor,
        _bias: &Tensor,
        _: &Tensor,
        ticket: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (dweight, dbias) = self.deposit.take(ticket, self.step)?;
        Ok((Self::passed(before, ticket), dweight, dbias))
    }
}
