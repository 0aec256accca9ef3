//! The parameters of a network, with numbers drawn by the same rule on both sides, and their training step.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use candle_core::{DType, Device, Tensor, Var, backprop::GradStore};
use candle_nn::VarBuilder;
use lab::train::{Optimizer, Sgd, SgdConfig};

use crate::draw;

/// Rate and momentum of every training step here.
const RATES: SgdConfig = SgdConfig {
    lr: 0.01,
    momentum: 0.9,
    dampening: 0.0,
    nesterov: false,
    weight_decay: 0.0,
};

/// The parameters of a network in the order in which PyTorch's side draws them, and what trains them.
pub(crate) struct Parameters {
    vars: Vec<(String, Var)>,
    sgd: Sgd,
}

impl Parameters {
    /// A network that `build` makes, and its parameters: weight and bias of each of `layers`.
    ///
    /// A weight is uniform with He's variance, 2 / fan_in;
    /// a bias is uniform and small, so that no unit is dead for a tie.
    pub(crate) fn fill<N>(
        dtype: DType,
        layers: &[String],
        build: impl Fn(VarBuilder) -> candle_core::Result<N>,
    ) -> Result<(N, Self)> {
        let drawn = striate::Parameters::new(0, dtype, &Device::Cpu);
        let network = build(drawn.builder())?;
        let mut found: HashMap<String, Var> = drawn.named().into_iter().collect();
        let mut vars = Vec::with_capacity(found.len());
        for layer in layers {
            for kind in ["weight", "bias"] {
                let name = format!("{layer}.{kind}");
                let var = found
                    .remove(&name)
                    .with_context(|| format!("the network has no tensor {name}"))?;
                let fan_in: usize = var.dims().iter().skip(1).product();
                let bound = match kind {
                    "weight" => (6.0 / fan_in as f64).sqrt(),
                    _ => 0.1,
                };
                let values = draw::uniform(vars.len() as u64 + 1, bound, var.dims())?;
                var.set(&values.to_dtype(dtype)?)?;
                vars.push((name, var));
            }
        }
        ensure!(
            found.is_empty(),
            "PyTorch's side does not draw {:?}",
            found.keys()
        );
        let sgd = Sgd::new(vars.clone(), RATES, &[])?;
        Ok((network, Self { vars, sgd }))
    }

    /// The parameters as tensors that ask for no gradient, so that a network built on them keeps no graph.
    pub(crate) fn detached(&self) -> VarBuilder<'static> {
        let tensors: HashMap<String, Tensor> = self
            .vars
            .iter()
            .map(|(name, var)| (name.clone(), var.as_detached_tensor()))
            .collect();
        VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu)
    }

    /// One step against the gradients.
    pub(crate) fn step(&mut self, gradients: &GradStore) -> Result<()> {
        for (name, var) in &self.vars {
            ensure!(gradients.get(var).is_some(), "{name} has no gradient");
        }
        Ok(self.sgd.step(gradients, 1.0)?)
    }

    /// The gradients in f64, parameter by parameter.
    pub(crate) fn gradients(&self, store: &GradStore) -> Result<Vec<(String, Vec<f64>)>> {
        let one = |(name, var): &(String, Var)| {
            let gradient = store.get(var);
            let gradient = gradient.with_context(|| format!("{name} has no gradient"))?;
            let wide = gradient.to_dtype(DType::F64)?.flatten_all()?;
            Ok((name.clone(), wide.to_vec1::<f64>()?))
        };
        self.vars.iter().map(one).collect()
    }
}

/// Whether a loss and gradients in f32 agree with those in f64, where every product is computed.
///
/// A ReLU or a maximum may fall on either side of a near tie, in the direct path as well; in the norm of a gradient
/// such places weigh little, but more than rounding. Tests of the kernels are a thousand times stricter.
pub(crate) fn close(
    (loss, parameters): (&Tensor, &Parameters),
    (judge, judge_parameters): (&Tensor, &Parameters),
) -> Result<()> {
    let gradients = parameters.gradients(&loss.backward()?)?;
    let wanted = judge_parameters.gradients(&judge.backward()?)?;
    let loss = f64::from(loss.to_scalar::<f32>()?);
    let judge = judge.to_scalar::<f64>()?;
    ensure!(
        (loss - judge).abs() <= 1e-4 * judge.abs(),
        "loss {loss}, in f64 {judge}"
    );
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    for ((name, got), (_, wanted)) in gradients.iter().zip(&wanted) {
        let error = norm(&mut got.iter().zip(wanted).map(|(a, b)| a - b));
        let size = norm(&mut wanted.iter().copied());
        ensure!(
            error <= 1e-2 * size,
            "the gradient of {name} is off by {error:e} of {size:e}"
        );
    }
    Ok(())
}
