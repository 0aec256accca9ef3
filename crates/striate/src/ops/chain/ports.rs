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

use candle_core::{CpuStorage, CustomOp3, DType, Device, Layout, Result, Shape, Tensor, bail};

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

/// The last of the row of ports for the parameters of `steps`, which asks for a gradient if one of them does.
pub(super) fn ports(steps: &[Step], deposit: &Arc<Deposit>) -> Result<Tensor> {
    let nothing = Tensor::zeros((), DType::F64, &Device::Cpu)?;
    let mut last = nothing.clone();
    for (index, step) in steps.iter().enumerate() {
        let (Step::Conv { weight, bias, .. }, true) = (step, step.tracked() != (false, false))
        else {
            continue;
        };
        let port = Port {
            step: index,
            deposit: deposit.clone(),
        };
        last = last.apply_op3(weight, bias.as_ref().unwrap_or(&nothing), port)?;
    }
    Ok(last)
}

struct Port {
    step: usize,
    deposit: Arc<Deposit>,
}

impl CustomOp3 for Port {
    fn name(&self) -> &'static str {
        "chain parameters"
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
        Ok((CpuStorage::F64(vec![0.0]), Shape::from(())))
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
        // The port before this one has the same ticket.
        let passed = before.track_op().then(|| ticket.clone());
        Ok((passed, dweight, dbias))
    }
}
