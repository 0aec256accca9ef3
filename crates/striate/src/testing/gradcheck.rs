//! Gradients against central differences in f64.
//!
//! With a fixed random weight r for every output, the scalar is L(x) = sum(r * f(x)).
//! For a direction d the difference (L(x + h d) - L(x - h d)) / 2h must equal the inner product of dL/dx and d.

use candle_core::{DType, Device, Result, Tensor, Var, bail};

use super::values;
use crate::rng::{Stream, stream};

/// Along which directions the differences are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directions {
    /// Along every axis: one per element. Finds the element that is wrong.
    EveryElement,
    /// Along this number of random directions through all elements.
    Random(usize),
}

const STEP: f64 = 1e-5;
const TOLERANCE: f64 = 1e-6;

/// Checks the gradient of `f` with respect to each of `inputs`, f64 tensors on the CPU.
///
/// # Errors
/// What `f` returns; an input that is not f64, gets no gradient, or gets a wrong one.
pub fn gradcheck(
    f: impl Fn(&[Tensor]) -> Result<Tensor>,
    inputs: &[Tensor],
    directions: Directions,
) -> Result<()> {
    let vars: Vec<Var> = inputs.iter().map(Var::from_tensor).collect::<Result<_>>()?;
    let tensors: Vec<Tensor> = vars.iter().map(|var| var.as_tensor().clone()).collect();
    let ys = f(&tensors)?;
    let mut draws = stream(0, "gradcheck", 0);
    let weights = normal(&mut draws, &ys)?;
    let loss = |inputs: &[Tensor]| f(inputs)?.mul(&weights)?.sum_all();
    let gradients = loss(&tensors)?.backward()?;
    for (index, var) in vars.iter().enumerate() {
        if var.dtype() != DType::F64 {
            bail!(
                "gradcheck: input {index} has dtype {:?}; it must be f64",
                var.dtype()
            );
        }
        let Some(gradient) = gradients.get(var) else {
            bail!("gradcheck: input {index} gets no gradient");
        };
        if gradient.dims() != var.dims() {
            bail!(
                "gradcheck: input {index} has shape {:?}, its gradient {:?}",
                var.dims(),
                gradient.dims()
            );
        }
        let gradient = values(gradient)?;
        let count = match directions {
            Directions::EveryElement => gradient.len(),
            Directions::Random(count) => count,
        };
        for k in 0..count {
            let direction = match directions {
                Directions::EveryElement => unit(k, var)?,
                Directions::Random(_) => normal(&mut draws, var)?,
            };
            let at = |step: f64| -> Result<f64> {
                let mut moved: Vec<Tensor> = inputs.to_vec();
                moved[index] = (&inputs[index] + (&direction * step)?)?;
                loss(&moved)?.to_scalar::<f64>()
            };
            let numeric = (at(STEP)? - at(-STEP)?) / (2.0 * STEP);
            let along = values(&direction)?;
            let analytic: f64 = gradient.iter().zip(&along).map(|(g, d)| g * d).sum();
            // NaN must not pass.
            let close = (numeric - analytic).abs() <= TOLERANCE * (1.0 + numeric.abs());
            if !close {
                bail!(
                    "gradcheck: input {index}, direction {k}: gradient {analytic}, difference {numeric}"
                );
            }
        }
    }
    Ok(())
}

fn normal(draws: &mut Stream, like: &Tensor) -> Result<Tensor> {
    let values: Vec<f64> = (0..like.elem_count()).map(|_| draws.normal()).collect();
    Tensor::from_vec(values, like.shape(), &Device::Cpu)
}

fn unit(at: usize, like: &Tensor) -> Result<Tensor> {
    let mut values = vec![0f64; like.elem_count()];
    values[at] = 1.0;
    Tensor::from_vec(values, like.shape(), &Device::Cpu)
}
