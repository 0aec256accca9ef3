//! Tests of p-norm pooling.

use candle_core::{DType, Result, Tensor};
use proptest::prelude::*;

use super::*;
use crate::max_pool2d;
use crate::ops::test_support::{
    assert_pair, assert_same_bits_for_any_thread_count, message, normal, pooling, tensor,
    with_gradient,
};
use crate::reference;
use crate::testing::{Directions, Tolerance, gradcheck, values};

#[test]
fn errors() -> Result<()> {
    let (xs, window) = (normal(1, &[1, 1, 4, 4]), Window2d::square(2));
    for p in [0.5, 0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(message(lp_pool2d(&xs, &window, p)).contains("from 1 on"));
    }
    let pool = |xs: &Tensor, window: Window2d| message(lp_pool2d(xs, &window, 2.0));
    assert!(pool(&xs.to_dtype(DType::I64)?, window).contains("lp_pool2d: dtype I64"));
    assert!(pool(&xs, window.padding(2)).contains("in the padding alone"));
    assert!(pool(&xs.squeeze(0)?, window).contains("(N, C, H, W)"));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn matches_reference((dims, window) in pooling(), p in 1.0..6.0f64, seed in any::<u64>()) {
        let check = || -> Result<()> {
            let [n, c, h, w] = dims;
            let (ho, wo) = window.output_size(h, w)?;
            let (x, g) = (normal(seed, &dims), normal(2, &[n, c, ho, wo]));
            let y = reference::lp_pool2d::forward(n * c, (h, w), &window, p, &values(&x)?)?;
            let dx = reference::lp_pool2d::backward(
                n * c, (h, w), &window, p, &values(&x)?, &values(&g)?,
            )?;
            let expected = (tensor(y, g.dims()), tensor(dx, &dims));
            let actual = with_gradient(|x| lp_pool2d(x, &window, p), &x, &g)?;
            assert_pair(&format!("{window:?}, p {p}"), &actual, &expected, Tolerance::Elementwise(1e-10));
            Ok(())
        };
        if let Err(error) = check() {
            prop_assert!(false, "{error}");
        }
    }
}

#[test]
fn gradients() -> Result<()> {
    let x = normal(1, &[2, 2, 5, 6]);
    let window = Window2d::square(3).stride(2).padding(1).ceil();
    for p in [1.5, 2.0, 3.0] {
        let pool = |x: &[Tensor]| lp_pool2d(&x[0], &window, p);
        gradcheck(pool, std::slice::from_ref(&x), Directions::EveryElement)?;
    }
    Ok(())
}

#[test]
fn a_large_p_is_the_maximum_of_sizes() -> Result<()> {
    // Powers of these would leave the range of f32 and of f64.
    let x = (normal(1, &[1, 2, 8, 8]) * 1e30)?;
    let window = Window2d::square(3).stride(2);
    let got = values(&lp_pool2d(&x, &window, 1e6)?)?;
    let want = values(&max_pool2d(&x.abs()?, &window)?)?;
    for (got, want) in got.iter().zip(&want) {
        assert!((got - want).abs() <= 1e-5 * want, "{got} {want}");
    }
    Ok(())
}

#[test]
fn windows_of_zeros_have_no_gradient() -> Result<()> {
    let x = Tensor::zeros((1, 1, 4, 4), DType::F64, &Device::Cpu)?;
    let g = normal(2, &[1, 1, 2, 2]);
    let window = Window2d::square(2).stride(2);
    let (y, dx) = with_gradient(|x| lp_pool2d(x, &window, 2.0), &x, &g)?;
    assert_eq!(values(&y)?, [0.0; 4]);
    assert_eq!(values(&dx)?, [0.0; 16]);
    Ok(())
}

/// A zero has no sign, whichever zero it is.
#[test]
fn zeros_have_no_gradient() -> Result<()> {
    let x = tensor(vec![3.0, 0.0, -4.0, -0.0], &[1, 1, 2, 2]);
    let g = tensor(vec![1.0], &[1, 1, 1, 1]);
    let window = Window2d::square(2);
    for (p, wanted) in [(1.0, [1.0, 0.0, -1.0, 0.0]), (2.0, [0.6, 0.0, -0.8, 0.0])] {
        let dx = values(&with_gradient(|x| lp_pool2d(x, &window, p), &x, &g)?.1)?;
        let of_reference =
            reference::lp_pool2d::backward(1, (2, 2), &window, p, &values(&x)?, &[1.0])?;
        for (at, wanted) in wanted.into_iter().enumerate() {
            assert!((dx[at] - wanted).abs() < 1e-12, "{dx:?}");
            assert!(
                (of_reference[at] - wanted).abs() < 1e-12,
                "{of_reference:?}"
            );
        }
    }
    Ok(())
}

#[test]
fn nan_is_not_hidden() -> Result<()> {
    let x = Tensor::new(&[[1.0, f64::NAN, 2.0, 3.0]], &Device::Cpu)?.reshape((1, 1, 1, 4))?;
    let y = values(&lp_pool2d(&x, &Window2d::new((1, 2)).stride(2), 2.0)?)?;
    assert!(y[0].is_nan() && y[1].is_finite(), "{y:?}");
    Ok(())
}

#[test]
fn same_bits_for_any_thread_count() -> Result<()> {
    let (x, g) = (normal(1, &[8, 8, 15, 17]), normal(2, &[8, 8, 7, 8]));
    let window = Window2d::square(3).stride(2);
    assert_same_bits_for_any_thread_count("lp_pool2d", || {
        with_gradient(|x| lp_pool2d(x, &window, 3.0), &x, &g)
    })
}
