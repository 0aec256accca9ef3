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
    Ok(())
}
