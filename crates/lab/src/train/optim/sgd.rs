//! Stochastic gradient descent with momentum, as PyTorch's `torch.optim.SGD` does it.

use std::collections::BTreeMap;

use candle_core::backprop::GradStore;
use candle_core::{DType, Result, Tensor, Var};
use serde::{Deserialize, Serialize};

use super::buffer::{Buffer, Float, compute_dtype, in_place, normal_or_zero, update_in_place};
use super::members::{self, Member, members};
use super::{Optimizer, ParamGroup, TrainError, check_range};

const STATE: [&str; 1] = ["momentum_buffer"];

/// Settings of [`Sgd`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SgdConfig {
    /// The learning rate.
    pub lr: f64,
    /// How much of the last update is kept; 0 for none.
    #[serde(default)]
    pub momentum: f64,
    /// How much of the gradient is left out of the momentum.
    #[serde(default)]
    pub dampening: f64,
    /// Look ahead along the momentum (Nesterov).
    #[serde(default)]
    pub nesterov: bool,
    /// What is added to the gradient for every unit of the parameter.
    #[serde(default)]
    pub weight_decay: f64,
}

impl Default for SgdConfig {
    fn default() -> Self {
        Self {
            lr: 0.01,
            momentum: 0.0,
            dampening: 0.0,
            nesterov: false,
            weight_decay: 0.0,
        }
    }
}

impl SgdConfig {
    pub(super) fn check(&self) -> std::result::Result<(), TrainError> {
        check_range("lr", self.lr, 0.0.., "a number that is not negative")?;
        check_range(
            "momentum",
            self.momentum,
            0.0..1.0,
            "a number from 0 to below 1",
        )?;
        check_range(
            "dampening",
            self.dampening,
            0.0..=1.0,
            "a number from 0 to 1",
        )?;
        let wanted = "a number that is not negative";
        check_range("weight_decay", self.weight_decay, 0.0.., wanted)?;
        if self.nesterov && (self.momentum == 0.0 || self.dampening != 0.0) {
            let found = format!(
                "true with momentum {} and dampening {}",
                self.momentum, self.dampening
            );
            let wanted = "a momentum above 0 and no dampening with it";
            return Err(TrainError::recipe("optimizer.nesterov", found, wanted));
        }
        Ok(())
    }
}

/// Stochastic gradient descent with momentum, as PyTorch's `torch.optim.SGD` does it.
///
/// ```text
/// g = gradient + weight_decay * p
/// v = g                                    in the first step
/// v = momentum * v + (1 - dampening) * g   afterwards
/// p = p - lr * v                           or, with Nesterov, p - lr * (g + momentum * v)
/// ```
///
/// ```
/// use lab::train::{Optimizer, Sgd, SgdConfig};
/// use candle_core::{Device, Var};
/// let p = Var::new(&[1f32, 2.0], &Device::Cpu)?;
/// let config = SgdConfig { lr: 0.1, momentum: 0.9, ..Default::default() };
/// let mut sgd = Sgd::new(vec![("p".into(), p.clone())], config, &[])?;
/// let loss = p.sqr()?.sum_all()?;
/// sgd.step(&loss.backward()?, 1.0)?;
/// assert_eq!(p.to_vec1::<f32>()?, [0.8, 1.6]);
/// # Ok::<(), lab::train::TrainError>(())
/// ```
#[derive(Debug)]
pub struct Sgd {
    config: SgdConfig,
    members: Vec<Member>,
}

impl Sgd {
    /// The optimizer for these parameters.
    ///
    /// # Errors
    /// A setting that means nothing, or a group that no tensor belongs to.
    pub fn new(
        params: Vec<(String, Var)>,
        config: SgdConfig,
        groups: &[ParamGroup],
    ) -> std::result::Result<Self, TrainError> {
        config.check()?;
        let members = members(params, groups, config.weight_decay)?;
        Ok(Self { config, members })
    }
}

impl Optimizer for Sgd {
    fn step(&mut self, grads: &GradStore, lr_factor: f64) -> Result<()> {
        for member in self.members.iter_mut().filter(|m| m.lr_factor > 0.0) {
            let Some(grad) = grads.get(&member.var) else {
                continue;
            };
            let rule = Rule {
                lr: self.config.lr * lr_factor * member.lr_factor,
                weight_decay: member.weight_decay,
                first: member.buffers.is_empty(),
                config: self.config,
            };
            if self.config.momentum > 0.0 && rule.first {
                member.buffers.push(Buffer::zeros(&member.var)?);
            }
            match (in_place(&member.var), member.var.dtype()) {
                (true, DType::F64) => rule.update::<f64>(member, grad)?,
                (true, _) => rule.update::<f32>(member, grad)?,
                _ => rule.compose(member, grad)?,
            }
            member.steps += 1;
        }
        Ok(())
    }

    fn lr(&self) -> f64 {
        self.config.lr
    }

    fn state(&self) -> Result<BTreeMap<String, Tensor>> {
        members::state(&self.members, &STATE)
    }

    fn load_state(&mut self, state: &BTreeMap<String, Tensor>) -> Result<()> {
        members::load_state(&mut self.members, &STATE, state)
    }
}

/// One update of one tensor.
struct Rule {
    lr: f64,
    weight_decay: f64,
    first: bool,
    config: SgdConfig,
}

impl Rule {
    fn update<T: Float>(&self, member: &mut Member, grad: &Tensor) -> Result<()> {
        let lr = T::from_f64(self.lr);
        let weight_decay = T::from_f64(self.weight_decay);
        let (keep, take) = self.keep_and_take();
        let (keep, take) = (T::from_f64(keep), T::from_f64(take));
        let momentum = T::from_f64(self.config.momentum);
        let var = &member.var;
        match (member.buffers.first_mut(), self.config.nesterov) {
            (None, _) => update_in_place::<T, 0>(var, grad, [], |params, grads, []| {
                for (p, &g) in params.iter_mut().zip(grads) {
                    *p -= lr * (g + weight_decay * *p);
                }
            }),
            (Some(buffer), false) => update_in_place(var, grad, [buffer], |params, grads, [v]| {
                for ((p, &g), v) in params.iter_mut().zip(grads).zip(v) {
                    *v = normal_or_zero(keep * *v + take * (g + weight_decay * *p));
                    *p -= lr * *v;
                }
            }),
            (Some(buffer), true) => update_in_place(var, grad, [buffer], |params, grads, [v]| {
                for ((p, &g), v) in params.iter_mut().zip(grads).zip(v) {
                    let g = g + weight_decay * *p;
                    *v = normal_or_zero(keep * *v + take * g);
                    *p -= lr * (g + momentum * *v);
                }
            }),
        }
    }

    fn compose(&self, member: &mut Member, grad: &Tensor) -> Result<()> {
        let dtype = compute_dtype(&member.var);
        let p = member.var.as_detached_tensor().to_dtype(dtype)?;
        let g = (grad.to_dtype(dtype)? + (&p * self.weight_decay)?)?;
        let (keep, take) = self.keep_and_take();
        let change = match member.buffers.first_mut() {
            None => g,
            Some(buffer) => {
                let v = ((buffer.as_tensor()? * keep)? + (&g * take)?)?;
                *buffer = Buffer::Tensor(v.clone());
                match self.config.nesterov {
                    true => (g + (v * self.config.momentum)?)?,
                    false => v,
                }
            }
        };
        let p = (p - (change * self.lr)?)?;
        member.var.set(&p.to_dtype(member.var.dtype())?)
    }

    /// Weights of the old momentum and of the gradient; in the first step the momentum is the gradient.
    fn keep_and_take(&self) -> (f64, f64) {
        match self.first {
            true => (0.0, 1.0),
            false => (self.config.momentum, 1.0 - self.config.dampening),
        }
    }
}
