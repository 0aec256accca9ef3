//! Tests of the ReLU and its rules.

use candle_core::{DType, Result, Tensor};

use super::*;
use crate::ops::test_support::{
    assert_pair, assert_same_bits_for_any_thread_count, message, normal, tensor, with_gradient,
};
use crate::reference;
use crate::testing::{Directions, Tolerance, gradcheck, values};

/// What is left of the gradient, from the input and the gradient.
type Definition = fn(f64, f64) -> f64;

const RULES: [(ReluRule, Definition); 3] = [
    (ReluRule::Backprop, reference::relu::backprop),
    (ReluRule::Deconvnet, reference::relu::deconvnet),
    (ReluRule::Guided, reference::relu::guided),
];

#[test]
fn shapes() -> Result<()> {
    for dims in [vec![], vec![3], vec![2, 3, 4, 5], vec![0, 3]] {
        assert_eq!(relu(&normal(1, &dims))?.dims(), dims);
    }
    Ok(())
}

#[test]
fn errors() -> Result<()> {
    let xs = normal(1, &[3]).to_dtype(DType::U32)?;
    assert!(message(relu(&xs)).contains("relu: dtype U32"));
    Ok(())
}

#[test]
fn matches_reference() -> Result<()> {
    for (rule, definition) in RULES {
        // The second shape is large enough for several tasks.
        for dims in [[2, 3, 4, 5], [3, 7, 61, 67]] {
            let (x, g) = (normal(1, &dims), normal(2, &dims));
            let (xs, gs) = (values(&x)?, values(&g)?);
            let y = xs.iter().map(|&x| reference::relu::relu(x)).collect();
            let dx = xs
                .iter()
                .zip(&gs)
                .map(|(&x, &g)| definition(x, g))
                .collect();
            let expected = (tensor(y, &dims), tensor(dx, &dims));
            let under_rule = |x: &Tensor| rule.scope(|| relu(x));
            let actual = with_gradient(under_rule, &x, &g)?;
            assert_pair(&format!("{rule:?}"), &actual, &expected, Tolerance::Exact);
            let composed = with_gradient(|x| composed::relu(x, rule), &x, &g)?;
            assert_pair(
                &format!("{rule:?}, composed"),
                &composed,
                &expected,
                Tolerance::Exact,
            );
            // Another stride, and half precision.
            let (xt, gt) = (x.transpose(1, 3)?, g.transpose(1, 3)?);
            let strided = with_gradient(under_rule, &xt, &gt)?;
            let transposed = (expected.0.transpose(1, 3)?, expected.1.transpose(1, 3)?);
            assert_pair("strided", &strided, &transposed, Tolerance::Exact);
            let half = relu(&x.to_dtype(DType::F16)?)?;
            assert_eq!(half.dtype(), DType::F16);
        }
    }
    Ok(())
}

#[test]
fn the_derivative_at_zero_is_zero_and_nan_passes() -> Result<()> {
    let x = tensor(vec![0.0, -0.0, f64::NAN], &[3]);
    let (y, dx) = with_gradient(relu, &x, &tensor(vec![1.0; 3], &[3]))?;
    assert!(values(&y)?[2].is_nan());
    assert_eq!(values(&dx)?, [0.0, 0.0, 1.0]);
    Ok(())
}

#[test]
fn a_panic_ends_a_scope() {
    let panicked = std::panic::catch_unwind(|| ReluRule::Guided.scope(|| panic!("on purpose")));
    assert!(panicked.is_err());
    assert_eq!(ReluRule::current(), ReluRule::Backprop);
}

#[test]
fn gradients() -> Result<()> {
    gradcheck(
        |x| relu(&x[0]),
        &[normal(1, &[2, 3, 4, 5])],
        Directions::EveryElement,
    )
}

#[test]
fn same_bits_for_any_thread_count() -> Result<()> {
    let (x, g) = (normal(1, &[64, 64, 33]), normal(2, &[64, 64, 33]));
    assert_same_bits_for_any_thread_count("relu", || with_gradient(relu, &x, &g))
}
