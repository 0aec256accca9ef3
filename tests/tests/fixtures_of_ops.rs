//! Ops equal to PyTorch's in every case of the fixtures, values and gradients.
//!
//! Reads the groups `conv2d`, `max_pool2d` and `max_unpool2d` in the folder named by `STRIATE_FIXTURES`
//! (default `tests/fixtures`, made by `generate.py` beside them).
//! All parameters come from the JSON; a folder without a group passes and says so.

use std::path::{Path, PathBuf};

use candle_core::{DType, Result, Tensor, Var};
use striate::testing::{Case, Tolerance, assert_close, group};
use striate::{
    Activation, Conv2dOptions, ConvAlgorithm, Rounding, Switches, Window2d, conv2d, max_pool2d,
    max_pool2d_with_switches, max_unpool2d,
};

fn cases(name: &str) -> Result<Vec<Case>> {
    let folder = match std::env::var_os("STRIATE_FIXTURES") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"),
    };
    let cases = group(&folder, name)?;
    if cases.is_none() {
        eprintln!("{}: no group {name}, nothing to compare", folder.display());
    }
    Ok(cases.unwrap_or_default())
}

/// Compares `ys` with the case's output, and the gradient of each variable with the tensor of its name,
/// as far as the case has them.
fn check(case: &Case, ys: &Tensor, vars: &[(&str, &Var)], tolerance: Tolerance) -> Result<()> {
    assert_close(&case.name, ys, case.tensor("output")?, tolerance);
    let Some(grad_output) = case.get("grad_output") else {
        return Ok(());
    };
    let gradients = ys.mul(grad_output)?.sum_all()?.backward()?;
    for (key, var) in vars {
        let Some(expected) = case.get(key) else {
            continue;
        };
        let what = format!("{}, {key}", case.name);
        match gradients.get(var) {
            Some(gradient) => assert_close(&what, gradient, expected, tolerance),
            None => panic!("{what}: no gradient"),
        }
    }
    Ok(())
}

fn var(case: &Case, key: &str) -> Result<Var> {
    Var::from_tensor(case.tensor(key)?)
}

fn window(case: &Case) -> Result<Window2d> {
    let size = case.pair("kernel", 2)?;
    let stride = match case.pair("stride", 0)? {
        // As in PyTorch, a pooling without a stride moves by its size.
        (0, 0) => size,
        stride => stride,
    };
    Ok(Window2d {
        size,
        stride,
        padding: case.pair("padding", 0)?,
        dilation: case.pair("dilation", 1)?,
        rounding: match case.flag("ceil_mode")? {
            true => Rounding::Ceil,
            false => Rounding::Floor,
        },
    })
}

mod conv {
    use super::*;

    #[test]
    fn matches_torch() -> Result<()> {
        for case in cases("conv2d")? {
            for algorithm in [ConvAlgorithm::Direct, ConvAlgorithm::Auto] {
                run(&case, algorithm)?;
            }
        }
        Ok(())
    }

    fn run(case: &Case, algorithm: ConvAlgorithm) -> Result<()> {
        let (input, weight) = (var(case, "input")?, var(case, "weight")?);
        let bias = case.get("bias").map(Var::from_tensor).transpose()?;
        let options = Conv2dOptions {
            stride: case.pair("stride", 1)?,
            padding: case.pair("padding", 0)?,
            dilation: case.pair("dilation", 1)?,
            groups: case.whole("groups", 1)?,
            activation: match case.flag("relu")? {
                true => Activation::Relu,
                false => Activation::Identity,
            },
            algorithm,
        };
        let bias_tensor = bias.as_ref().map(|bias| bias.as_tensor());
        let ys = conv2d(&input, &weight, bias_tensor, &options)?;
        let mut vars = vec![("grad_input", &input), ("grad_weight", &weight)];
        vars.extend(bias.as_ref().map(|bias| ("grad_bias", bias)));
        let tolerance = match (algorithm, ys.dtype()) {
            (ConvAlgorithm::Auto, DType::F32) => Tolerance::OfMax(1e-3),
            (_, dtype) => Tolerance::of(dtype),
        };
        check(case, &ys, &vars, tolerance)
    }
}

mod pool {
    use super::*;

    #[test]
    fn matches_torch() -> Result<()> {
        for case in cases("max_pool2d")? {
            let (input, window) = (var(&case, "input")?, window(&case)?);
            let vars = [("grad_input", &input)];
            let tolerance = Tolerance::of(input.dtype());
            check(&case, &max_pool2d(&input, &window)?, &vars, tolerance)?;
            let (ys, switches) = max_pool2d_with_switches(&input, &window)?;
            check(&case, &ys, &vars, tolerance)?;
            if let Some(indices) = case.get("indices") {
                let what = format!("{}, indices", case.name);
                assert_close(&what, &switches.indices, indices, Tolerance::Exact);
            }
        }
        Ok(())
    }
}

mod unpool {
    use super::*;

    #[test]
    fn matches_torch() -> Result<()> {
        for case in cases("max_unpool2d")? {
            let input = var(&case, "input")?;
            let output_size = match case.pair("output_size", 0)? {
                (0, 0) => {
                    let dims = case.tensor("output")?.dims4()?;
                    (dims.2, dims.3)
                }
                size => size,
            };
            // PyTorch counts its indices in the output plane.
            let switches = Switches {
                indices: case.tensor("indices")?.to_dtype(DType::U32)?,
                source: output_size,
            };
            let ys = max_unpool2d(&input, &switches, output_size)?;
            let tolerance = Tolerance::of(input.dtype());
            check(&case, &ys, &[("grad_input", &input)], tolerance)?;
        }
        Ok(())
    }
}
