//! Tests of the convolution op; the kernels have their own.

use candle_core::{DType, Result, Tensor, Var};
use proptest::prelude::*;

use super::*;
use crate::ops::ReluRule;
use crate::ops::test_support::{
    assert_pair, assert_same_bits_for_any_thread_count, message, normal, tensor, with_gradient,
};
use crate::reference::{
    conv2d::{self as reference, Sizes},
    relu as reference_relu,
};
use crate::testing::{Directions, Tolerance, assert_close, gradcheck, values};

fn fused() -> Conv2dOptions {
    Conv2dOptions {
        padding: (1, 1),
        activation: Activation::Relu,
        ..Default::default()
    }
}

#[test]
fn shapes() -> Result<()> {
    let (xs, weight) = (normal(1, &[2, 4, 9, 6]), normal(2, &[6, 2, 3, 2]));
    let options = Conv2dOptions {
        stride: (2, 1),
        padding: (1, 0),
        dilation: (1, 2),
        groups: 2,
        ..Default::default()
    };
    assert_eq!(conv2d(&xs, &weight, None, &options)?.dims(), [2, 6, 5, 4]);
    let half = |t: &Tensor| t.to_dtype(DType::F16);
    let ys = conv2d(&half(&xs)?, &half(&weight)?, None, &options)?;
    assert_eq!(
        (ys.dims(), ys.dtype()),
        ([2usize, 6, 5, 4].as_slice(), DType::F16)
    );
    Ok(())
}

#[test]
fn errors() -> Result<()> {
    let (xs, weight) = (normal(1, &[1, 4, 5, 5]), normal(2, &[6, 4, 3, 3]));
    let plain = Conv2dOptions::default();
    let refuse = |xs: &Tensor, weight: &Tensor, bias: Option<&Tensor>, options| {
        message(conv2d(xs, weight, bias, &options))
    };
    assert!(refuse(&xs.squeeze(0)?, &weight, None, plain).contains("(N, C, H, W)"));
    assert!(
        refuse(&xs, &weight.flatten_from(2)?, None, plain)
            .contains("(C_out, C_in / groups, Kh, Kw)")
    );
    assert!(
        refuse(&xs, &normal(1, &[6, 3, 3, 3]), None, plain)
            .contains("does not fit 4 input channels")
    );
    let groups = Conv2dOptions { groups: 0, ..plain };
    assert!(refuse(&xs, &weight, None, groups).contains("0 groups"));
    assert!(refuse(&xs, &weight, Some(&normal(1, &[5])), plain).contains("it must be [6]"));
    assert!(refuse(&xs, &weight.to_dtype(DType::F32)?, None, plain).contains("has dtype F32"));
    let integers = |t: &Tensor| t.to_dtype(DType::U32);
    assert!(refuse(&integers(&xs)?, &integers(&weight)?, None, plain).contains("dtype U32"));
    let stride = Conv2dOptions {
        stride: (1, 0),
        ..plain
    };
    assert!(refuse(&xs, &weight, None, stride).contains("stride along the width is 0"));
    assert!(
        refuse(&normal(1, &[1, 4, 2, 5]), &weight, None, plain).contains("smaller than the window")
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn matches_reference(
        (n, groups, c, o) in (1usize..3, 1usize..3, 1usize..5, 1usize..5),
        (kh, kw, more_h, more_w) in (1usize..4, 1usize..4, 0usize..6, 0usize..6),
        (sh, sw, dh, dw) in (1usize..3, 1usize..3, 1usize..3, 1usize..3),
        (ph, pw) in (0usize..3, 0usize..3),
        seed in any::<u64>(),
    ) {
        let check = || -> Result<()> {
            let (h, w) = (dh * (kh - 1) + 1 + more_h, dw * (kw - 1) + 1 + more_w);
            let options = Conv2dOptions {
                stride: (sh, sw),
                padding: (ph, pw),
                dilation: (dh, dw),
                groups,
                ..Default::default()
            };
            let s = Sizes {
                input: (n, groups * c, h, w),
                c_out: groups * o,
                window: Window2d { size: (kh, kw), stride: (sh, sw), padding: (ph, pw), dilation: (dh, dw), ..Window2d::square(1) },
                groups,
            };
            let (ho, wo) = s.output_size()?;
            let x = normal(seed, &[n, groups * c, h, w]);
            let weight = normal(1, &[groups * o, c, kh, kw]);
            let bias = normal(2, &[groups * o]);
            let g = normal(3, &[n, groups * o, ho, wo]);
            let y = reference::forward(&s, &values(&x)?, &values(&weight)?, Some(&values(&bias)?))?;
            for rule in [None, Some(ReluRule::Backprop), Some(ReluRule::Guided), Some(ReluRule::Deconvnet)] {
                let definition = match rule {
                    None => |_, g| g,
                    Some(ReluRule::Backprop) => reference_relu::backprop,
                    Some(ReluRule::Deconvnet) => reference_relu::deconvnet,
                    Some(ReluRule::Guided) => reference_relu::guided,
                };
                let clip = |&y: &f64| if rule.is_some() { reference_relu::relu(y) } else { y };
                let out = tensor(y.iter().map(clip).collect(), g.dims());
                let dy: Vec<f64> = y.iter().zip(values(&g)?).map(|(&y, g)| definition(y, g)).collect();
                let dx = tensor(reference::backward_input(&s, &dy, &values(&weight)?)?, x.dims());
                let dweight = tensor(reference::backward_weight(&s, &values(&x)?, &dy)?, weight.dims());
                let dbias = tensor(reference::backward_bias(&s, &dy)?, bias.dims());
                let activation = if rule.is_some() { Activation::Relu } else { Activation::Identity };
                let options = Conv2dOptions { activation, ..options };
                let conv = |x: &Tensor, w: &Tensor, b: &Tensor| {
                    rule.unwrap_or_default().scope(|| conv2d(x, w, Some(b), &options))
                };
                let tolerance = Tolerance::Elementwise(1e-9);
                let on_x = with_gradient(|x| conv(x, &weight, &bias), &x, &g)?;
                assert_pair("input", &on_x, &(out.clone(), dx.clone()), tolerance);
                let on_weight = with_gradient(|weight| conv(&x, weight, &bias), &weight, &g)?;
                assert_pair("weight", &on_weight, &(out.clone(), dweight.clone()), tolerance);
                let on_bias = with_gradient(|bias| conv(&x, &weight, bias), &bias, &g)?;
                assert_pair("bias", &on_bias, &(out, dbias), tolerance);
                if rule.is_none() && sh == sw && dh == dw {
                    let y = reference::forward(&s, &values(&x)?, &values(&weight)?, None)?;
                    let y = tensor(y, g.dims());
                    let conv = |x: &Tensor, w: &Tensor| composed::conv2d(x, w, geometry(x, &options)?);
                    let on_x = with_gradient(|x| conv(x, &weight), &x, &g)?;
                    assert_pair("composed, input", &on_x, &(y.clone(), dx), tolerance);
                    let on_weight = with_gradient(|weight| conv(&x, weight), &weight, &g)?;
                    assert_pair("composed, weight", &on_weight, &(y, dweight), tolerance);
                }
            }
            Ok(())
        };
        if let Err(error) = check() {
            prop_assert!(false, "{error}");
        }
    }
}

/// No window reaches the input: all of them see the padding alone.
#[test]
fn composed_gradient_of_an_input_that_no_window_sees() -> Result<()> {
    let (x, weight) = (
        tensor(vec![2.0], &[1, 1, 1, 1]),
        tensor(vec![3.0], &[1, 1, 1, 1]),
    );
    let options = Conv2dOptions {
        stride: (10, 10),
        padding: (3, 3),
        ..Default::default()
    };
    let g = tensor(vec![1.0], &[1, 1, 1, 1]);
    let composed = |x: &Tensor| composed::conv2d(x, &weight, geometry(x, &options)?);
    let kernel = |x: &Tensor| conv2d(x, &weight, None, &options);
    for (y, dx) in [
        with_gradient(composed, &x, &g)?,
        with_gradient(kernel, &x, &g)?,
    ] {
        assert_eq!((values(&y)?, values(&dx)?), (vec![0.0], vec![0.0]));
    }
    Ok(())
}

#[test]
fn strided_inputs() -> Result<()> {
    let (x, weight) = (normal(1, &[2, 3, 7, 5]), normal(2, &[4, 3, 3, 3]));
    let turned = |t: &Tensor| t.transpose(2, 3);
    let expected = conv2d(
        &turned(&x)?.copy()?,
        &turned(&weight)?.copy()?,
        None,
        &fused(),
    )?;
    let actual = conv2d(&turned(&x)?, &turned(&weight)?, None, &fused())?;
    assert_close("strided", &actual, &expected, Tolerance::Exact);
    Ok(())
}

#[test]
fn no_gradient_is_computed_where_none_is_wanted() -> Result<()> {
    let (x, weight) = (
        normal(1, &[1, 2, 5, 5]),
        Var::from_tensor(&normal(2, &[3, 2, 3, 3]))?,
    );
    let gradients = conv2d(&x, &weight, None, &fused())?.sum_all()?.backward()?;
    assert!(gradients.get(&weight).is_some());
    assert!(gradients.get(&x).is_none());
    Ok(())
}

#[test]
fn gradients() -> Result<()> {
    let options = Conv2dOptions {
        stride: (2, 1),
        groups: 2,
        ..fused()
    };
    let conv = |t: &[Tensor]| conv2d(&t[0], &t[1], Some(&t[2]), &options);
    let inputs = [
        normal(1, &[2, 4, 6, 5]),
        normal(2, &[4, 2, 3, 2]),
        normal(3, &[4]),
    ];
    gradcheck(conv, &inputs, Directions::EveryElement)
}

#[test]
fn same_bits_for_any_thread_count() -> Result<()> {
    let narrow = |t: Tensor| t.to_dtype(DType::F32);
    let x = narrow(normal(1, &[5, 16, 17, 19]))?;
    let weight = narrow(normal(2, &[24, 16, 3, 3]))?;
    let g = narrow(normal(3, &[5, 24, 17, 19]))?;
    let conv = |x: &Tensor, w: &Tensor| conv2d(x, w, None, &fused());
    assert_same_bits_for_any_thread_count("input", || with_gradient(|x| conv(x, &weight), &x, &g))?;
    assert_same_bits_for_any_thread_count("weight", || with_gradient(|w| conv(&x, w), &weight, &g))
}

#[test]
fn direct_keeps_an_infinite_pixel_to_the_outputs_that_see_it() -> Result<()> {
    let mut pixels = vec![1f32; 16 * 12 * 12];
    pixels[0] = f32::INFINITY;
    let xs = Tensor::from_vec(pixels, (1, 16, 12, 12), &candle_core::Device::Cpu)?;
    let weight = normal(3, &[16, 16, 3, 3]).to_dtype(DType::F32)?;
    let spoiled = |algorithm| -> Result<Vec<usize>> {
        let options = Conv2dOptions {
            padding: (1, 1),
            algorithm,
            ..Default::default()
        };
        let ys = values(&conv2d(&xs, &weight, None, &options)?)?;
        Ok((0..ys.len()).filter(|&at| !ys[at].is_finite()).collect())
    };
    let seeing = |&at: &usize| at % 144 / 12 <= 1 && at % 12 <= 1;
    let direct = spoiled(ConvAlgorithm::Direct)?;
    assert_eq!(direct.len(), 16 * 4);
    assert!(direct.iter().all(seeing));
    // What the documentation of the algorithm warns of.
    assert!(!spoiled(ConvAlgorithm::Winograd)?.iter().all(seeing));
    Ok(())
}
