//! Tests of max pooling and its switches.

use candle_core::{DType, Result, Tensor};
use proptest::prelude::*;

use super::*;
use crate::ops::test_support::{
    assert_pair, assert_same_bits_for_any_thread_count, distinct, message, normal, pooling, tensor,
    with_gradient,
};
use crate::reference;
use crate::testing::{Directions, Tolerance, assert_close, gradcheck, values};

#[test]
fn shapes() -> Result<()> {
    let xs = normal(1, &[2, 3, 8, 7]);
    for (window, expected) in [
        (Window2d::square(2).stride(2), [2, 3, 4, 3]),
        (Window2d::square(2).stride(2).ceil(), [2, 3, 4, 4]),
        (Window2d::square(3).stride(2).padding(1), [2, 3, 4, 4]),
        (Window2d::new((3, 1)).dilations((2, 1)), [2, 3, 4, 7]),
    ] {
        assert_eq!(max_pool2d(&xs, &window)?.dims(), expected);
        let (ys, switches) = max_pool2d_with_switches(&xs, &window)?;
        assert_eq!(ys.dims(), expected);
        assert_eq!(switches.indices.dims(), expected);
        assert_eq!(switches.indices.dtype(), DType::U32);
        assert_eq!(switches.source, (8, 7));
    }
    let empty = normal(1, &[0, 3, 4, 4]);
    let (ys, _) = max_pool2d_with_switches(&empty, &Window2d::square(2))?;
    assert_eq!(ys.dims(), [0, 3, 3, 3]);
    Ok(())
}

#[test]
fn errors() -> Result<()> {
    let (xs, window) = (normal(1, &[1, 1, 4, 4]), Window2d::square(2));
    assert!(message(max_pool2d(&xs.to_dtype(DType::U8)?, &window)).contains("dtype U8"));
    assert!(message(max_pool2d(&xs.squeeze(0)?, &window)).contains("(N, C, H, W)"));
    assert!(message(max_pool2d(&xs, &Window2d::square(5))).contains("smaller than the window"));
    assert!(message(max_pool2d(&xs, &window.padding(2))).contains("in the padding alone"));
    assert!(message(max_pool2d(&normal(1, &[1, 1, 0, 4]), &window)).contains("at least 1"));
    Ok(())
}

/// Output, gradient and positions by the reference.
fn expected(
    x: &Tensor,
    window: &Window2d,
    weights: impl Fn(&[usize]) -> Tensor,
) -> Result<(Tensor, Tensor, Tensor)> {
    let (n, c, h, w) = x.dims4()?;
    let (ho, wo) = window.output_size(h, w)?;
    let (y, at) = reference::max_pool2d::forward(n * c, (h, w), window, &values(x)?)?;
    let dims = [n, c, ho, wo];
    let dy = values(&weights(&dims))?;
    let dx = reference::max_pool2d::unpool(n * c, h * w, &at, &dy);
    let at = Tensor::from_vec(at, &dims, &Device::Cpu)?;
    Ok((tensor(y, &dims), tensor(dx, &[n, c, h, w]), at))
}

fn check(x: &Tensor, window: &Window2d) -> Result<()> {
    let weights = |dims: &[usize]| normal(2, dims);
    let (y, dx, at) = expected(x, window, weights)?;
    let (g, pair) = (weights(y.dims()), (y, dx));
    let what = format!("{window:?} on {:?}", x.dims());
    let tolerance = Tolerance::Elementwise(1e-12);
    let plain = with_gradient(|x| max_pool2d(x, window), x, &g)?;
    assert_pair(&what, &plain, &pair, tolerance);
    let switches = |x: &Tensor| Ok(max_pool2d_with_switches(x, window)?.0);
    assert_pair(&what, &with_gradient(switches, x, &g)?, &pair, tolerance);
    let found = max_pool2d_with_switches(x, window)?.1.indices;
    assert_close(&what, &found, &at, Tolerance::Exact);
    let shape = pool_shape(NAME, x, window)?;
    let composed_values = |x: &Tensor| Ok(composed::max_pool2d(x, &shape)?.0);
    assert_pair(
        &what,
        &with_gradient(composed_values, x, &g)?,
        &pair,
        tolerance,
    );
    assert_close(
        &what,
        &composed::max_pool2d(x, &shape)?.1,
        &at,
        Tolerance::Exact,
    );
    let narrow = |t: &Tensor| t.to_dtype(DType::F32);
    let actual = with_gradient(|x| max_pool2d(x, window), &narrow(x)?, &narrow(&g)?)?;
    assert_pair(&what, &actual, &pair, Tolerance::Elementwise(1e-5));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn matches_reference((dims, window) in pooling(), seed in any::<u64>()) {
        let x = distinct(seed, &dims);
        if let Err(error) = check(&x, &window) {
            prop_assert!(false, "{error}");
        }
    }
}

#[test]
fn many_planes_match_the_reference() -> Result<()> {
    for window in [
        Window2d::square(2).stride(2),
        Window2d::square(3).stride(2).ceil(),
    ] {
        check(&distinct(1, &[5, 9, 33, 35]), &window)?;
    }
    Ok(())
}

#[test]
fn composed_windows_far_larger_than_the_map_are_pooled_at_once() -> Result<()> {
    let x = distinct(1, &[1, 2, 3, 5]);
    let pooled = |window| composed::max_pool2d(&x, &pool_shape(NAME, &x, &window)?);
    let (wanted, wanted_at) = pooled(Window2d::new((3, 5)))?;
    for size in [1 << 40, 1 << 60] {
        let (found, at) = pooled(Window2d::square(size).stride(size).ceil())?;
        assert_close("values", &found, &wanted, Tolerance::Exact);
        assert_close("positions", &at, &wanted_at, Tolerance::Exact);
    }
    Ok(())
}

#[test]
fn the_first_of_equal_maxima_wins() -> Result<()> {
    for fill in [0.0, f64::NEG_INFINITY] {
        let x = tensor(vec![fill; 2 * 36], &[1, 2, 6, 6]);
        for window in [
            Window2d::square(2).stride(2),
            Window2d::square(3).stride(2).padding(1),
        ] {
            check(&x, &window)?;
        }
    }
    Ok(())
}

#[test]
fn nan_wins() -> Result<()> {
    let x = tensor(vec![1.0, f64::NAN, 3.0, f64::NAN, 2.0, 0.0], &[1, 1, 2, 3]);
    let (y, switches) = max_pool2d_with_switches(&x, &Window2d::square(2))?;
    assert!(values(&y)?.iter().all(|y| y.is_nan()));
    assert_eq!(values(&switches.indices)?, [3.0, 1.0]);
    Ok(())
}

#[test]
fn strided_and_half_precision_inputs() -> Result<()> {
    let (x, window) = (distinct(1, &[2, 3, 7, 8]), Window2d::square(3).stride(2));
    let expected = max_pool2d(&x.transpose(2, 3)?.copy()?, &window)?;
    assert_close(
        "strided",
        &max_pool2d(&x.transpose(2, 3)?, &window)?,
        &expected,
        Tolerance::Exact,
    );
    let (ys, _) = max_pool2d_with_switches(&x.to_dtype(DType::BF16)?, &window)?;
    assert_eq!(ys.dtype(), DType::BF16);
    Ok(())
}

#[test]
fn gradients() -> Result<()> {
    let x = distinct(3, &[2, 2, 7, 6]);
    for window in [
        Window2d::square(2).stride(2),
        Window2d::square(3).stride(2).padding(1).ceil(),
        Window2d::new((2, 3)).strides((1, 2)).dilations((2, 1)),
    ] {
        let pool = |x: &[Tensor]| max_pool2d(&x[0], &window);
        gradcheck(pool, std::slice::from_ref(&x), Directions::EveryElement)?;
        let pool = |x: &[Tensor]| Ok(max_pool2d_with_switches(&x[0], &window)?.0);
        gradcheck(pool, std::slice::from_ref(&x), Directions::Random(4))?;
    }
    Ok(())
}

#[test]
fn same_bits_for_any_thread_count() -> Result<()> {
    let (x, window) = (
        normal(1, &[16, 16, 31, 33]),
        Window2d::square(3).stride(2).ceil(),
    );
    let g = normal(2, &[16, 16, 15, 16]);
    assert_same_bits_for_any_thread_count("max_pool2d", || {
        with_gradient(|x| max_pool2d(x, &window), &x, &g)
    })
}
