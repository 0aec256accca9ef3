//! Stochastic gradient descent against PyTorch's trajectories: `sgd.{json,safetensors}`.
//!
//! Every case minimizes `sum((p - target)^4)` and records the parameters after each step.
//! Some values run away and overflow; they must do so in the same step.
//! Cases are read from the folder `STRIATE_FIXTURES`, or from `fixtures` beside this crate.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use candle_core::{DType, Device, Tensor, Var, safetensors};
use lab::train::{Optimizer, Sgd, SgdConfig};
use serde::Deserialize;

use crate::fixtures;

/// The step, from 0, at which the learning rate of every case changes.
const CHANGE: usize = 5;

/// From this size on a value runs away: the fourth power triples its relative error in every step.
const RUNAWAY: f64 = 10.0;

/// Largest difference relative to 1 + the largest value so far: of values that stay small, and of runaways.
/// The fixtures were made in f32, so f64 differs by their roundings, and has room where they overflow.
const TOLERANCES: [(DType, f64, Option<f64>); 2] =
    [(DType::F32, 1e-5, Some(1e-4)), (DType::F64, 5e-5, None)];

#[derive(Deserialize)]
struct Group {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    lr: f64,
    lr_from_step_5: f64,
    momentum: f64,
    dampening: f64,
    nesterov: bool,
    weight_decay: f64,
    loss: String,
}

impl Case {
    fn config(&self) -> SgdConfig {
        SgdConfig {
            lr: self.lr,
            momentum: self.momentum,
            dampening: self.dampening,
            nesterov: self.nesterov,
            weight_decay: self.weight_decay,
        }
    }

    /// What the configured learning rate is multiplied by in `step`.
    fn lr_factor(&self, step: usize) -> f64 {
        match step < CHANGE {
            true => 1.0,
            false => self.lr_from_step_5 / self.lr,
        }
    }
}

/// The cases and their tensors.
type Fixtures = (Vec<Case>, HashMap<String, Tensor>);

/// Reads them; `None` when `STRIATE_FIXTURES` names a folder without them.
fn read() -> Result<Option<Fixtures>> {
    let Some(folder) = fixtures::folder_of("sgd") else {
        return Ok(None);
    };
    let json = std::fs::read(folder.join("sgd.json"))?;
    let group: Group = serde_json::from_slice(&json)?;
    ensure!(!group.cases.is_empty(), "sgd.json lists no case");
    let tensors = safetensors::load(folder.join("sgd.safetensors"), &Device::Cpu)?;
    Ok(Some((group.cases, tensors)))
}

fn tensor(tensors: &HashMap<String, Tensor>, case: &Case, what: &str) -> Result<Tensor> {
    let name = format!("{}.{what}", case.name);
    let tensor = tensors.get(&name).with_context(|| name.clone())?;
    Ok(tensor.clone())
}

/// A variable at the case's start and the optimizer for it.
fn start(case: &Case, initial: &Tensor, dtype: DType) -> Result<(Var, Sgd)> {
    let p = Var::from_tensor(&initial.to_dtype(dtype)?.copy()?)?;
    let sgd = Sgd::new(vec![("p".to_owned(), p.clone())], case.config(), &[])?;
    Ok((p, sgd))
}

fn step(p: &Var, target: &Tensor, sgd: &mut Sgd, lr_factor: f64) -> Result<()> {
    let loss = (p.as_tensor() - target)?.sqr()?.sqr()?.sum_all()?;
    sgd.step(&loss.backward()?, lr_factor)?;
    Ok(())
}

/// Compares one step; `scale` holds the largest expected value so far, element by element.
fn assert_close(
    found: &Tensor,
    expected: &Tensor,
    scale: &mut [f64],
    (small, runaway): (f64, Option<f64>),
) -> Result<()> {
    let flat =
        |t: &Tensor| -> Result<Vec<f64>> { Ok(t.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?) };
    ensure!(found.dims() == expected.dims(), "shape {:?}", found.dims());
    let pairs = flat(found)?.into_iter().zip(flat(expected)?);
    for (at, ((a, b), scale)) in pairs.zip(scale).enumerate() {
        *scale = if b.is_nan() {
            f64::INFINITY
        } else {
            scale.max(b.abs())
        };
        let tolerance = match *scale < RUNAWAY {
            true => small,
            false => match runaway {
                Some(tolerance) => tolerance,
                None => continue,
            },
        };
        let close = match b.is_finite() {
            // A found NaN fails.
            true => (a - b).abs() <= tolerance * (1.0 + *scale),
            false => !a.is_finite(),
        };
        ensure!(close, "value {at} is {a}, expected {b}");
    }
    Ok(())
}

#[test]
fn matches_torch() -> Result<()> {
    let Some((cases, tensors)) = read()? else {
        return Ok(());
    };
    for case in &cases {
        for (dtype, small, runaway) in TOLERANCES {
            follow(case, &tensors, dtype, (small, runaway))
                .with_context(|| format!("{} in {dtype:?}", case.name))?;
        }
    }
    Ok(())
}

fn follow(
    case: &Case,
    tensors: &HashMap<String, Tensor>,
    dtype: DType,
    tolerances: (f64, Option<f64>),
) -> Result<()> {
    ensure!(case.loss == "sum((p - target)^4)", "loss {}", case.loss);
    let target = tensor(tensors, case, "target")?.to_dtype(dtype)?;
    let trajectory = tensor(tensors, case, "trajectory")?;
    let (p, mut sgd) = start(case, &tensor(tensors, case, "initial")?, dtype)?;
    let mut scale = vec![0.0; target.elem_count()];
    for at in 0..trajectory.dim(0)? {
        step(&p, &target, &mut sgd, case.lr_factor(at))?;
        let found = p.as_detached_tensor();
        assert_close(&found, &trajectory.get(at)?, &mut scale, tolerances)
            .with_context(|| format!("after step {at}"))?;
    }
    Ok(())
}

/// State that was read out and loaded into a new optimizer continues the same trajectory, bit for bit.
#[test]
fn state_continues_the_trajectory() -> Result<()> {
    let Some((cases, tensors)) = read()? else {
        return Ok(());
    };
    for case in &cases {
        let target = tensor(&tensors, case, "target")?.to_dtype(DType::F32)?;
        let steps = tensor(&tensors, case, "trajectory")?.dim(0)?;
        let (p, mut sgd) = start(case, &tensor(&tensors, case, "initial")?, DType::F32)?;
        for at in 0..steps / 2 {
            step(&p, &target, &mut sgd, case.lr_factor(at))?;
        }
        let (q, mut resumed) = start(case, &p.as_detached_tensor(), DType::F32)?;
        resumed.load_state(&sgd.state()?)?;
        for at in steps / 2..steps {
            step(&p, &target, &mut sgd, case.lr_factor(at))?;
            step(&q, &target, &mut resumed, case.lr_factor(at))?;
        }
        let bits = |var: &Var| -> Result<Vec<u32>> {
            let values: Vec<f32> = var.flatten_all()?.to_vec1()?;
            Ok(values.into_iter().map(f32::to_bits).collect())
        };
        ensure!(bits(&p)? == bits(&q)?, "{}", case.name);
    }
    Ok(())
}
