//! Ops equal to PyTorch's in every case of the fixtures, values and gradients.
//!
//! Reads the groups `conv2d`, `max_pool2d` and `max_unpool2d` in the folder named by `STRIATE_FIXTURES`
//! (default `tests/fixtures`, made by `generate.py` beside them).
//! All parameters come from the JSON.

use candle_core::{DType, Result, Tensor, Var};
use striate::testing::{Case, Tolerance, assert_close};
use striate::{
    Activation, Conv2dOptions, ConvAlgorithm, Rounding, Switches, Window2d, conv2d, max_pool2d,
    max_pool2d_with_switches, max_unpool2d,
};

use crate::fixtures::{cases, check, var};

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
            let algorithms = [
                ConvAlgorithm::Direct,
                ConvAlgorithm::Auto,
                ConvAlgorithm::Winograd,
            ];
            for algorithm in algorithms {
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
        let ys = conv2d(&input, &weight, bias_tensor, &options);
        if algorithm == ConvAlgorithm::Winograd && !has_winograd(&weight, &options)? {
            assert!(ys.is_err(), "{}: Winograd's algorithm ran", case.name);
            return Ok(());
        }
        let ys = ys?;
        let mut vars = vec![("grad_input", &input), ("grad_weight", &weight)];
        vars.extend(bias.as_ref().map(|bias| ("grad_bias", bias)));
        let tolerance = match (algorithm, ys.dtype()) {
            (ConvAlgorithm::Auto | ConvAlgorithm::Winograd, DType::F32) => Tolerance::OfMax(1e-4),
            (_, dtype) => Tolerance::of(dtype),
        };
        check(case, &ys, &vars, tolerance)
    }

    /// Where Winograd's algorithm is offered; elsewhere it is refused.
    fn has_winograd(weight: &Tensor, options: &Conv2dOptions) -> Result<bool> {
        let (_, _, kh, kw) = weight.dims4()?;
        let (ph, pw) = options.padding;
        let has_form = match options.stride {
            (1, 1) => [3, 5].contains(&kh) && ph < kh && pw < kw,
            (2, 2) => kh == 3 && (ph, pw) == (1, 1),
            _ => false,
        };
        let is_plain = kh == kw && options.dilation == (1, 1) && options.groups == 1;
        Ok(has_form && is_plain && weight.dtype() == DType::F32)
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
            let what = format!("{}, indices", case.name);
            let indices = case.tensor("indices")?;
            assert_close(&what, &switches.indices, indices, Tolerance::Exact);
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
