//! Tests of upsampling.

use candle_core::{DType, Result, Tensor};
use proptest::prelude::*;

use super::*;
use crate::ops::test_support::{
    assert_pair, assert_same_bits_for_any_thread_count, message, normal, tensor, with_gradient,
};
use crate::reference;
use crate::testing::{Directions, Tolerance, gradcheck, values};

#[test]
fn shapes() -> Result<()> {
    let ys = upsample_nearest2d(&normal(1, &[2, 3, 4, 5]), (2, 3))?;
    assert_eq!(ys.dims(), [2, 3, 8, 15]);
    Ok(())
}

#[test]
fn errors() -> Result<()> {
    let xs = normal(1, &[1, 1, 2, 2]);
    assert!(message(upsample_nearest2d(&xs, (0, 1))).contains("factor is (0, 1)"));
    assert!(message(upsample_nearest2d(&xs.squeeze(0)?, (2, 2))).contains("(N, C, H, W)"));
    assert!(message(upsample_nearest2d(&xs.to_dtype(DType::U32)?, (2, 2))).contains("dtype U32"));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn matches_reference(
        dims in [1usize..3, 1usize..4, 1usize..9, 1usize..9],
        factor in (1usize..4, 1usize..4),
        seed in any::<u64>(),
    ) {
        let check = || -> Result<()> {
            let [n, c, h, w] = dims;
            let out = [n, c, h * factor.0, w * factor.1];
            let (x, g) = (normal(seed, &dims), normal(2, &out));
            let y = reference::upsample::upsample_nearest2d(n * c, (h, w), factor, &values(&x)?);
            let dx = reference::upsample::upsample_nearest2d_backward(n * c, (h, w), factor, &values(&g)?);
            let expected = (tensor(y, &out), tensor(dx, &dims));
            let tolerance = Tolerance::Elementwise(1e-12);
            let actual = with_gradient(|x| upsample_nearest2d(x, factor), &x, &g)?;
            assert_pair("kernel", &actual, &expected, tolerance);
            let actual = with_gradient(|x| composed::upsample_nearest2d(x, factor), &x, &g)?;
            assert_pair("composed", &actual, &expected, tolerance);
            Ok(())
        };
        if let Err(error) = check() {
            prop_assert!(false, "{error}");
        }
    }
}

#[test]
fn a_gradient_that_is_already_there_is_kept() -> Result<()> {
    // Candle's own op overwrites what another branch has added.
    let x = normal(1, &[1, 1, 2, 2]);
    let both =
        |x: &Tensor| (upsample_nearest2d(x, (2, 2))?.sum_all()? + x.sum_all()? * 10.0)?.reshape(1);
    let (_, dx) = with_gradient(both, &x, &tensor(vec![1.0], &[1]))?;
    assert_eq!(values(&dx)?, [14.0; 4]);
    Ok(())
}

#[test]
fn gradients() -> Result<()> {
    let upsample = |x: &[Tensor]| upsample_nearest2d(&x[0], (2, 3));
    gradcheck(
        upsample,
        &[normal(1, &[2, 2, 3, 4])],
        Directions::EveryElement,
    )
}

#[test]
fn same_bits_for_any_thread_count() -> Result<()> {
    let (x, g) = (normal(1, &[16, 16, 16, 16]), normal(2, &[16, 16, 32, 48]));
    assert_same_bits_for_any_thread_count("upsample_nearest2d", || {
        with_gradient(|x| upsample_nearest2d(x, (2, 3)), &x, &g)
    })
}
