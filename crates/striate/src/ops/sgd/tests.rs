//! The fused step against the same step composed of Candle's ops, and its errors.

use candle_core::{DType, Device, Result, Tensor, Var};

use super::{SgdRates, Values, Velocity};
use crate::testing::{Tolerance, assert_close};

const RATES: SgdRates = SgdRates {
    rate: 0.1,
    momentum: 0.9,
    decay: 0.01,
    nesterov: false,
};

#[test]
fn fused_equals_composed() -> Result<()> {
    for nesterov in [false, true] {
        let rates = SgdRates { nesterov, ..RATES };
        let start = Tensor::arange(0f64, 12.0, &Device::Cpu)?.reshape((3, 4))?;
        let (one, two) = (Var::from_tensor(&start)?, Var::from_tensor(&start)?);
        let mut fused = Velocity::zeros_like(&one)?;
        let mut composed = Velocity {
            values: Values::Other(start.zeros_like()?),
        };
        for step in 0..3 {
            // A gradient with strides of its own.
            let gradient = (Tensor::arange(0f64, 12.0, &Device::Cpu)? * f64::from(step))?;
            let gradient = gradient.reshape((4, 3))?.t()?;
            fused.step(&one, &gradient, &rates)?;
            composed.step(&two, &gradient, &rates)?;
        }
        let tolerance = Tolerance::Elementwise(1e-12);
        assert_close("weight", &one, &two, tolerance);
        assert_close(
            "velocity",
            &fused.values(&one)?,
            &composed.values(&two)?,
            tolerance,
        );
    }
    Ok(())
}

#[test]
fn a_saved_velocity_goes_on() -> Result<()> {
    let weight = Var::ones((2, 3), DType::F32, &Device::Cpu)?;
    let gradient = Tensor::ones((2, 3), DType::F32, &Device::Cpu)?;
    let mut velocity = Velocity::zeros_like(&weight)?;
    velocity.step(&weight, &gradient, &RATES)?;
    let mut again = Velocity::new(&velocity.values(&weight)?)?;
    let copy = Var::from_tensor(&weight.copy()?)?;
    velocity.step(&weight, &gradient, &RATES)?;
    again.step(&copy, &gradient, &RATES)?;
    let values = |weight: &Var| weight.flatten_all()?.to_vec1::<f32>();
    assert_eq!(values(&weight)?, values(&copy)?);
    Ok(())
}

#[test]
fn errors() -> Result<()> {
    let weight = Var::ones((2, 3), DType::F32, &Device::Cpu)?;
    let mut velocity = Velocity::zeros_like(&weight)?;
    let wrong = Tensor::ones((3, 2), DType::F32, &Device::Cpu)?;
    let message = velocity
        .step(&weight, &wrong, &RATES)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("[3, 2]") && message.contains("[2, 3]"),
        "{message}"
    );
    let other = Var::ones(4, DType::F32, &Device::Cpu)?;
    let gradient = Tensor::ones(4, DType::F32, &Device::Cpu)?;
    let message = velocity
        .step(&other, &gradient, &RATES)
        .unwrap_err()
        .to_string();
    assert!(message.contains("zeros_like"), "{message}");
    assert_eq!(weight.flatten_all()?.to_vec1::<f32>()?, [1.0; 6]);
    for dtype in [DType::U32, DType::I64] {
        let weight = Var::ones(4, dtype, &Device::Cpu)?;
        let mut velocity = Velocity::zeros_like(&weight)?;
        let step = velocity.step(&weight, weight.as_tensor(), &RATES);
        let message = step.unwrap_err().to_string();
        assert!(
            message.contains(&format!("sgd: dtype {dtype:?}")),
            "{message}"
        );
    }
    Ok(())
}

/// A gradient may be the parameter itself, or a view of it.
#[test]
fn gradients_that_share_the_parameters_memory() -> Result<()> {
    let start = Tensor::arange(0f32, 9.0, &Device::Cpu)?.reshape((3, 3))?;
    let views: [fn(&Tensor) -> Result<Tensor>; 2] = [|xs| Ok(xs.clone()), Tensor::t];
    for view in views {
        let (one, two) = (Var::from_tensor(&start)?, Var::from_tensor(&start)?);
        let shared = view(one.as_tensor())?;
        let own = view(&start)?.force_contiguous()?;
        Velocity::zeros_like(&one)?.step(&one, &shared, &RATES)?;
        Velocity::zeros_like(&two)?.step(&two, &own, &RATES)?;
        assert_eq!(one.to_vec2::<f32>()?, two.to_vec2::<f32>()?);
    }
    Ok(())
}
