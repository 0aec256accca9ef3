//! Gradient descent with momentum on a parameter, in place.

use std::sync::Mutex;

use candle_core::{CpuStorage, DType, InplaceOp2, Layout, Result, Tensor, Var, WithDType, bail};

use super::cpu::{contiguous, set_aside, slice, tensor, unsupported_dtype};
use crate::kernels::Real;
use crate::kernels::sgd;

pub use crate::kernels::sgd::SgdRates;

const NAME: &str = "sgd";

/// A parameter's velocity, which lives as long as its training.
///
/// ```text
/// d  = g + decay * w
/// v' = momentum * v + d
/// w' = w - rate * v'                     or, with Nesterov's rule,  w - rate * (d + momentum * v')
/// ```
///
/// with v = 0 before the first step, as PyTorch's `SGD` without dampening.
/// On the CPU a subnormal v' becomes 0, since CPUs compute with such numbers many times slower.
///
/// ```
/// use striate::candle_core::{Device, Result, Tensor, Var};
/// use striate::ops::{SgdRates, Velocity};
/// fn main() -> Result<()> {
///     let weight = Var::new(&[1f32, 2.0], &Device::Cpu)?;
///     let mut velocity = Velocity::zeros_like(&weight)?;
///     let rates = SgdRates { rate: 0.5, momentum: 0.9, decay: 0.0, nesterov: false };
///     velocity.step(&weight, &Tensor::new(&[1f32, 0.0], &Device::Cpu)?, &rates)?;
///     assert_eq!(weight.to_vec1::<f32>()?, [0.5, 2.0]);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Velocity {
    values: Values,
}

/// On the CPU the numbers themselves, so that one pass can write them together with the parameter.
#[derive(Clone, Debug)]
enum Values {
    F32(Vec<f32>),
    F64(Vec<f64>),
    Other(Tensor),
}

impl Velocity {
    /// At rest.
    ///
    /// # Errors
    /// Those of the allocation.
    pub fn zeros_like(weight: &Var) -> Result<Self> {
        Self::new(&weight.as_tensor().zeros_like()?)
    }

    /// As it was saved.
    ///
    /// # Errors
    /// Those of reading `values`.
    pub fn new(values: &Tensor) -> Result<Self> {
        let values = match (values.device().is_cpu(), values.dtype()) {
            (true, DType::F32) => Values::F32(values.flatten_all()?.to_vec1()?),
            (true, DType::F64) => Values::F64(values.flatten_all()?.to_vec1()?),
            _ => Values::Other(values.detach()),
        };
        Ok(Self { values })
    }

    /// A copy as a tensor of the parameter's shape, to be saved.
    ///
    /// # Errors
    /// A parameter of another size.
    pub fn values(&self, weight: &Var) -> Result<Tensor> {
        match &self.values {
            Values::F32(values) => tensor(values.clone(), weight.shape()),
            Values::F64(values) => tensor(values.clone(), weight.shape()),
            Values::Other(values) => Ok(values.clone()),
        }
    }

    /// Moves `weight` one step against `gradient`; on the CPU in one pass without a temporary.
    ///
    /// # Errors
    /// Shapes, dtypes or devices that differ; integer dtypes; a velocity of another parameter.
    pub fn step(&mut self, weight: &Var, gradient: &Tensor, rates: &SgdRates) -> Result<()> {
        if gradient.dims() != weight.dims() || gradient.dtype() != weight.dtype() {
            bail!(
                "{NAME}: the gradient is {:?} of {:?}, the parameter {:?} of {:?}; they must be equal",
                gradient.dims(),
                gradient.dtype(),
                weight.dims(),
                weight.dtype()
            );
        }
        if !weight.dtype().is_float() {
            return Err(unsupported_dtype(NAME, weight.dtype()));
        }
        let (len, dtype) = match &self.values {
            Values::F32(values) => (values.len(), DType::F32),
            Values::F64(values) => (values.len(), DType::F64),
            Values::Other(values) => (values.elem_count(), values.dtype()),
        };
        if (len, dtype) != (weight.elem_count(), weight.dtype()) {
            bail!(
                "{NAME}: the velocity has {len} numbers of {dtype:?}, the parameter {} of {:?}; make one with Velocity::zeros_like",
                weight.elem_count(),
                weight.dtype()
            );
        }
        let mut gradient = gradient.contiguous()?;
        if shares_storage(weight, &gradient) {
            // The step writes one while it reads the other.
            gradient = gradient.copy()?;
        }
        match &mut self.values {
            Values::F32(values) => weight.inplace_op2(&gradient, &Step::new(rates, values)),
            Values::F64(values) => weight.inplace_op2(&gradient, &Step::new(rates, values)),
            Values::Other(values) => {
                let push = (&gradient + (weight.as_tensor() * rates.decay)?)?;
                *values = ((&*values * rates.momentum)? + &push)?.detach();
                let push = if rates.nesterov {
                    (push + (&*values * rates.momentum)?)?
                } else {
                    values.clone()
                };
                weight.set(&(weight.as_tensor() - (push * rates.rate)?)?.detach())
            }
        }
    }
}

/// Whether both are views of the same numbers.
fn shares_storage(a: &Tensor, b: &Tensor) -> bool {
    let (a, b) = (a.storage_and_layout().0, b.storage_and_layout().0);
    std::ptr::eq(&raw const *a, &raw const *b)
}

/// The step of a contiguous parameter on the CPU.
struct Step<'a, T> {
    rates: &'a SgdRates,
    velocity: Mutex<&'a mut [T]>,
}

impl<'a, T> Step<'a, T> {
    fn new(rates: &'a SgdRates, velocity: &'a mut [T]) -> Self {
        let velocity = Mutex::new(velocity);
        Self { rates, velocity }
    }
}

/// f32 or f64, with the way to the numbers of a storage.
trait Stored: Real + WithDType {
    fn of(storage: &mut CpuStorage) -> Option<&mut Vec<Self>>;
}

impl Stored for f32 {
    fn of(storage: &mut CpuStorage) -> Option<&mut Vec<Self>> {
        match storage {
            CpuStorage::F32(values) => Some(values),
            _ => None,
        }
    }
}

impl Stored for f64 {
    fn of(storage: &mut CpuStorage) -> Option<&mut Vec<Self>> {
        match storage {
            CpuStorage::F64(values) => Some(values),
            _ => None,
        }
    }
}

impl<T: Stored> InplaceOp2 for Step<'_, T> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        weight: &mut CpuStorage,
        weight_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> Result<()> {
        let range = contiguous(weight_layout)?;
        let Some(weight) = T::of(weight) else {
            bail!("{NAME}: the parameter changed its dtype");
        };
        let gradient = slice::<T>(gradient, gradient_layout)?;
        let Ok(mut velocity) = self.velocity.lock() else {
            bail!("{NAME}: an earlier step panicked");
        };
        let _rules = set_aside();
        sgd::step(self.rates, &mut weight[range], &mut velocity, gradient);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
