//! Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019), as PyTorch does them.
//!
//! Adam adds `weight_decay * p` to g; AdamW instead multiplies p by `1 - lr * weight_decay` first.

use std::collections::BTreeMap;

use candle_core::backprop::GradStore;
use candle_core::{DType, Result, Tensor, Var, bail};
use serde::{Deserialize, Serialize};

use super::buffer::{Buffer, Float, compute_dtype, in_place, normal_or_zero, update_in_place};
use super::members::{self, Member, members};
use super::{Optimizer, ParamGroup, TrainError, check_range};

const STATE: [&str; 2] = ["exp_avg", "exp_avg_sq"];

/// Where weight decay acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdamDecay {
    /// In the gradient: Adam.
    #[default]
    Gradient,
    /// On the parameter itself: AdamW.
    Decoupled,
}

/// Settings of [`Adam`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamConfig {
    /// The learning rate.
    pub lr: f64,
    /// Memory of the mean.
    pub beta1: f64,
    /// Memory of the mean square.
    pub beta2: f64,
    /// What keeps the division from zero.
    pub eps: f64,
    /// The weight decay.
    pub weight_decay: f64,
    /// Where it acts.
    pub decay: AdamDecay,
}

impl Default for AdamConfig {
    fn default() -> Self {
        Self {
            lr: 1e-3,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 0.0,
            decay: AdamDecay::Gradient,
        }
    }
}

impl AdamConfig {
    pub(super) fn check(&self) -> std::result::Result<(), TrainError> {
        let positive = "a number that is not negative";
        check_range("lr", self.lr, 0.0.., positive)?;
        check_range("beta1", self.beta1, 0.0..1.0, "a number from 0 to below 1")?;
        check_range("beta2", self.beta2, 0.0..1.0, "a number from 0 to below 1")?;
        check_range("eps", self.eps, 0.0.., positive)?;
        check_range("weight_decay", self.weight_decay, 0.0.., positive)
    }
}

/// Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019), as PyTorch does them.
///
/// ```text
/// m = beta1 * m + (1 - beta1) * g          v = beta2 * v + (1 - beta2) * g^2
/// p = p - lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
/// ```
///
/// ```
/// use lab::train::{Adam, AdamConfig, Optimizer};
/// use candle_core::{Device, Var};
/// let p = Var::new(&[1f32, -2.0], &Device::Cpu)?;
/// let mut adam = Adam::new(vec![("p".into(), p.clone())], AdamConfig::default(), &[])?;
/// let loss = p.sqr()?.sum_all()?;
/// adam.step(&loss.backward()?, 1.0)?;
/// let names: Vec<String> = adam.state()?.into_keys().collect();
/// assert_eq!(names, ["exp_avg/p", "exp_avg_sq/p", "steps/p"]);
/// # Ok::<(), lab::train::TrainError>(())
/// ```
#[derive(Debug)]
pub struct Adam {
    config: AdamConfig,
    members: Vec<Member>,
}

impl Adam {
    /// The optimizer for these parameters.
    ///
    /// # Errors
    /// A setting that means nothing, or a group that no tensor belongs to.
    pub fn new(
        params: Vec<(String, Var)>,
        config: AdamConfig,
        groups: &[ParamGroup],
    ) -> std::result::Result<Self, TrainError> {
        config.check()?;
        let members = members(params, groups, config.weight_decay)?;
        Ok(Self { config, members })
    }
}

impl Optimizer for Adam {
    fn step(&mut self, grads: &GradStore, lr_factor: f64) -> Result<()> {
        for member in self.members.iter_mut().filter(|m| m.lr_factor > 0.0) {
            let Some(grad) = grads.get(&member.var) else {
                continue;
            };
            if member.buffers.is_empty() {
                let zeros = Buffer::zeros(&member.var)?;
                member.buffers = vec![zeros.clone(), zeros];
            }
            member.steps += 1;
            let lr = self.config.lr * lr_factor * member.lr_factor;
            let rule = Rule::new(&self.config, lr, member.weight_decay, member.steps);
            match (in_place(&member.var), member.var.dtype()) {
                (true, DType::F64) => rule.update::<f64>(member, grad)?,
                (true, _) => rule.update::<f32>(member, grad)?,
                _ => rule.compose(member, grad)?,
            }
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

/// One update of one tensor, with everything that does not depend on the element worked out.
struct Rule {
    beta1: f64,
    beta2: f64,
    eps: f64,
    /// What is added to the gradient for every unit of the parameter.
    l2: f64,
    /// What the parameter is multiplied by first.
    shrink: f64,
    /// The learning rate over the bias correction of the mean.
    rate: f64,
    /// The square root of the bias correction of the mean square.
    root: f64,
}

impl Rule {
    fn new(config: &AdamConfig, lr: f64, weight_decay: f64, t: u64) -> Self {
        let correction = |beta: f64| 1.0 - beta.powf(t as f64);
        let (l2, shrink) = match config.decay {
            AdamDecay::Gradient => (weight_decay, 1.0),
            AdamDecay::Decoupled => (0.0, 1.0 - lr * weight_decay),
        };
        Self {
            beta1: config.beta1,
            beta2: config.beta2,
            eps: config.eps,
            l2,
            shrink,
            rate: lr / correction(config.beta1),
            root: correction(config.beta2).sqrt(),
        }
    }

    fn update<T: Float>(&self, member: &mut Member, grad: &Tensor) -> Result<()> {
        let of = T::from_f64;
        let (beta1, beta2, eps) = (of(self.beta1), of(self.beta2), of(self.eps));
        let (take1, take2) = (of(1.0 - self.beta1), of(1.0 - self.beta2));
        let (l2, shrink) = (of(self.l2), of(self.shrink));
        let (rate, root) = (of(self.rate), of(self.root));
        let [mean, square] = member.buffers.as_mut_slice() else {
            bail!("adam: the state of {} is not complete", member.name)
        };
        update_in_place(
            &member.var,
            grad,
            [mean, square],
            |params, grads, [m, v]| {
                for (((p, &g), m), v) in params.iter_mut().zip(grads).zip(m).zip(v) {
                    let g = g + l2 * *p;
                    *m = normal_or_zero(beta1 * *m + take1 * g);
                    let square = beta2 * *v + take2 * g * g;
                    // Without eps the quotient needs every square.
                    *v = if eps > T::ZERO {
                        normal_or_zero(square)
                    } else {
                        square
                    };
                    *p = shrink * *p - rate * *m / (v.sqrt() / root + eps);
                }
            },
        )
    }

    fn compose(&self, member: &mut Member, grad: &Tensor) -> Result<()> {
        let dtype = compute_dtype(&member.var);
        let p = member.var.as_detached_tensor().to_dtype(dtype)?;
        let g = (grad.to_dtype(dtype)? + (&p * self.l2)?)?;
        let [mean, square] = member.buffers.as_mut_slice() else {
            bail!("adam: the state of {} is not complete", member.name)
        };
        let m = ((mean.as_tensor()? * self.beta1)? + (&g * (1.0 - self.beta1))?)?;
        let v = ((square.as_tensor()? * self.beta2)? + (g.sqr()? * (1.0 - self.beta2))?)?;
        let change = (&m / ((v.sqrt()? / self.root)? + self.eps)?)?;
        let p = ((p * self.shrink)? - (change * self.rate)?)?;
        (*mean, *square) = (Buffer::Tensor(m), Buffer::Tensor(v));
        member.var.set(&p.to_dtype(member.var.dtype())?)
    }
}
