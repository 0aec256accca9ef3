//! Parameters drawn by the same rule on both sides, and their training step.

use anyhow::{Context, Result, ensure};
use candle_core::{DType, Tensor, Var, backprop::GradStore};
use striate::ops::{SgdRates, Velocity};

use crate::draw;

/// Rate and momentum of every training step here.
const RATES: SgdRates = SgdRates {
    rate: 0.01,
    momentum: 0.9,
    decay: 0.0,
    nesterov: false,
};

/// The parameters of a network in the order in which they were made.
#[derive(Default)]
pub(crate) struct Parameters {
    vars: Vec<(Var, Velocity)>,
    dtype: Option<DType>,
}

impl Parameters {
    /// Parameters of another dtype than f32; their numbers are those of f32.
    pub(crate) fn of(dtype: DType) -> Self {
        Self {
            dtype: Some(dtype),
            ..Self::default()
        }
    }

    /// A weight: uniform with He's variance, 2 / fan_in.
    pub(crate) fn weight(&mut self, shape: &[usize]) -> Result<Tensor> {
        let fan_in: usize = shape[1..].iter().product();
        self.add((6.0 / fan_in as f64).sqrt(), shape)
    }

    /// A bias: uniform and small, so that no unit is dead for a tie.
    pub(crate) fn bias(&mut self, len: usize) -> Result<Tensor> {
        self.add(0.1, &[len])
    }

    fn add(&mut self, bound: f64, shape: &[usize]) -> Result<Tensor> {
        let values = draw::uniform(self.vars.len() as u64 + 1, bound, shape)?;
        let var = Var::from_tensor(&values.to_dtype(self.dtype.unwrap_or(DType::F32))?)?;
        self.vars.push((var.clone(), Velocity::zeros_like(&var)?));
        Ok(var.as_tensor().clone())
    }

    /// One step against the gradients.
    pub(crate) fn step(&mut self, gradients: &GradStore) -> Result<()> {
        for (var, velocity) in &mut self.vars {
            let gradient = gradients.get(var).context("a parameter has no gradient")?;
            velocity.step(var, gradient, &RATES)?;
        }
        Ok(())
    }

    /// The gradients in f64, parameter by parameter.
    pub(crate) fn gradients(&self, store: &GradStore) -> Result<Vec<Vec<f64>>> {
        let one = |(var, _): &(Var, Velocity)| {
            let gradient = store.get(var).context("a parameter has no gradient")?;
            Ok(gradient
                .to_dtype(DType::F64)?
                .flatten_all()?
                .to_vec1::<f64>()?)
        };
        self.vars.iter().map(one).collect()
    }
}

/// Whether a loss and gradients agree with what they should be.
///
/// A ReLU or a maximum may fall on either side of a near tie, in the direct path as well; in the norm of a gradient
/// such places weigh little, but more than rounding. Tests of the kernels are a thousand times stricter.
pub(crate) fn close(
    loss: f64,
    wanted_loss: f64,
    gradients: &[Vec<f64>],
    wanted: &[Vec<f64>],
) -> Result<()> {
    ensure!(
        (loss - wanted_loss).abs() <= 1e-4 * wanted_loss.abs(),
        "loss {loss}, in f64 {wanted_loss}"
    );
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    for (number, (got, wanted)) in gradients.iter().zip(wanted).enumerate() {
        let error = norm(&mut got.iter().zip(wanted).map(|(a, b)| a - b));
        let size = norm(&mut wanted.iter().copied());
        ensure!(
            error <= 1e-2 * size,
            "the gradient of parameter {number} is off by {error:e} of {size:e}"
        );
    }
    Ok(())
}
