//! ReLU whose backward rule can be switched for a whole model.

use std::cell::RefCell;

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor, TensorId};

use super::composed;
use super::cpu::{Values, for_float, in_float, owned, slice, tensor};
use super::rules::ReluRule;
use crate::kernels;

const NAME: &str = "relu";

/// max(0, x), element by element; NaN stays NaN.
///
/// # Gradient
/// That of the [`ReluRule`] of the scope in which this function is called.
/// Under the default rule it is 0 where x <= 0.
///
/// # Errors
/// Integer dtypes.
///
/// ```
/// use striate::candle_core::{Device, Result, Tensor, Var};
/// use striate::{ReluRule, relu};
/// fn main() -> Result<()> {
///     let x = Var::new(&[-1f32, 2.0, 3.0], &Device::Cpu)?;
///     let weights = Tensor::new(&[1f32, -1.0, 1.0], &Device::Cpu)?;
///     let y = ReluRule::Guided.scope(|| relu(&x))?;
///     let gradients = (y * weights)?.sum_all()?.backward()?;
///     let dx = gradients.get(&x).map(|dx| dx.to_vec1::<f32>()).transpose()?;
///     assert_eq!(dx, Some(vec![0.0, 0.0, 1.0]));
///     Ok(())
/// }
/// ```
pub fn relu(xs: &Tensor) -> Result<Tensor> {
    let ys = in_float(NAME, xs, |xs| match xs.device() {
        Device::Cpu => xs.apply_op1(Relu {
            rule: ReluRule::current(),
        }),
        _ => composed::relu(xs, ReluRule::current()),
    })?;
    TRACE.with_borrow_mut(|trace| trace.iter_mut().for_each(|ids| ids.push(ys.id())));
    Ok(ys)
}

thread_local! {
    /// The outputs of [`relu`], innermost trace last.
    static TRACE: RefCell<Vec<Vec<TensorId>>> = const { RefCell::new(Vec::new()) };
}

/// Runs `f` and returns its result with the ids of the tensors that [`relu`] computed on this thread meanwhile.
///
/// ReLUs that are fused into a convolution are not among them: their input is never a tensor.
/// Code that walks a graph can so tell the ReLUs that follow a [`ReluRule`] from those that do not.
pub fn trace_relus<T>(f: impl FnOnce() -> T) -> (T, Vec<TensorId>) {
    struct Trace;
    impl Drop for Trace {
        fn drop(&mut self) {
            TRACE.with_borrow_mut(Vec::pop);
        }
    }
    TRACE.with_borrow_mut(|trace| trace.push(Vec::new()));
    let trace = Trace;
    let result = f();
    let ids = TRACE.with_borrow_mut(|trace| trace.last_mut().map(std::mem::take));
    drop(trace);
    (result, ids.unwrap_or_default())
}

struct Relu {
    rule: ReluRule,
}

impl CustomOp1 for Relu {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        for_float!(NAME, storage.dtype(), F => {
            let y = kernels::relu::forward(slice::<F>(storage, layout)?);
            owned(y, layout.shape())
        })
    }

    fn bwd(&self, _x: &Tensor, y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let dy = dy.contiguous()?;
        let (y, dy) = (Values::of(y)?, Values::of(&dy)?);
        let shape = _x.shape();
        for_float!(NAME, _x.dtype(), F => {
            tensor(kernels::relu::backward::<F>(self.rule, y.slice()?, dy.slice()?), shape)
        })
        .map(Some)
    }
}

#[cfg(test)]
mod tests;
