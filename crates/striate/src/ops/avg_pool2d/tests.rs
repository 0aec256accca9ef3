//! Tests of average pooling.

use candle_core::{DType, Result, Tensor};
use proptest::prelude::*;

use super::*;
use crate::ops::test_support::{
    assert_pair, assert_same_bits_for_any_thread_count, message, normal, pooling, tensor,
    with_gradient,
};
use crate::reference;
use crate::testing::{Directions, Tolerance, gradcheck, values};

const BOTH: [(Padding, bool, Counted); 2] = [
    (Padding::Counted, true, Counted::Frame),
    (Padding::Ignored, false, Counted::Input),
];

#[test]
fn shapes() -> Result<()> {
    let xs = normal(1, &[2, 3, 8, 7]);
    let window = Window2d::square(3).stride(2).ceil();
    assert_eq!(
        avg_pool2d(&xs, &window, Padding::Counted)?.dims(),
        [2, 3, 4, 3]
    );
    assert_eq!(global_avg_pool(&xs)?.dims(), [2, 3]);
    assert_eq!(global_avg_pool(&normal(1, &[0, 3, 2, 2]))?.dims(), [0, 3]);
    Ok(())
}

#[test]
fn errors() -> Result<()> {
    let (xs, window) = (normal(1, &[1, 1, 4, 4]), Window2d::square(2));
    let pool = |xs: &Tensor, window: Window2d| message(avg_pool2d(xs, &window, Padding::Ignored));
    assert!(pool(&xs.to_dtype(DType::I64)?, window).contains("avg_pool2d: dtype I64"));
    assert!(pool(&xs, window.padding(2)).contains("in the padding alone"));
    assert!(pool(&xs.squeeze(0)?, window).contains("(N, C, H, W)"));
    assert!(message(global_avg_pool(&xs.squeeze(0)?)).contains("global_avg_pool"));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn matches_reference((dims, window) in pooling(), seed in any::<u64>()) {
        let check = || -> Result<()> {
            let [n, c, h, w] = dims;
            let (ho, wo) = window.output_size(h, w)?;
            let (x, g) = (normal(seed, &dims), normal(2, &[n, c, ho, wo]));
            for (padding, counts, counted) in BOTH {
                let y = reference::avg_pool2d::forward(n * c, (h, w), &window, counts, &values(&x)?)?;
                let dx = reference::avg_pool2d::backward(n * c, (h, w), &window, counts, &values(&g)?)?;
                let expected = (tensor(y, g.dims()), tensor(dx, &dims));
                let what = format!("{window:?}, {padding:?}");
                let actual = with_gradient(|x| avg_pool2d(x, &window, padding), &x, &g)?;
                assert_pair(&what, &actual, &expected, Tolerance::Elementwise(1e-12));
                let shape = pool_shape(NAME, &x, &window)?;
                let composed = with_gradient(|x| composed::avg_pool2d(x, &shape, counted), &x, &g)?;
                assert_pair(&what, &composed, &expected, Tolerance::Elementwise(1e-12));
            }
            Ok(())
        };
        if let Err(error) = check() {
            prop_assert!(false, "{error}");
        }
    }
}

/// A window beside an infinite cell does not see it, on the way back neither.
#[test]
fn infinities_stay_with_the_windows_that_see_them() -> Result<()> {
    let window = Window2d::square(3).padding(1);
    for special in [f64::INFINITY, f64::NAN] {
        let mut cells = vec![1.0; 16];
        cells[0] = special;
        let x = tensor(cells.clone(), &[1, 1, 4, 4]);
        cells.reverse();
        let g = tensor(cells, &[1, 1, 4, 4]);
        for (padding, _, counted) in BOTH {
            let kernel = with_gradient(|x| avg_pool2d(x, &window, padding), &x, &g)?;
            let shape = pool_shape(NAME, &x, &window)?;
            let composed = with_gradient(|x| composed::avg_pool2d(x, &shape, counted), &x, &g)?;
            let tolerance = Tolerance::Elementwise(1e-12);
            assert_pair(&format!("{padding:?}"), &composed, &kernel, tolerance);
        }
        let shape = pool_shape(NAME, &x, &window)?;
        let y = values(&composed::avg_pool2d(&x, &shape, Counted::Frame)?)?;
        assert!((y[15] - 4.0 / 9.0).abs() < 1e-12, "{y:?}");
    }
    Ok(())
}

#[test]
fn the_global_mean_is_the_mean_over_the_whole_map() -> Result<()> {
    for dims in [[2, 3, 5, 7], [20, 30, 9, 11], [1, 2, 1, 1]] {
        let [n, c, h, w] = dims;
        let (x, g) = (normal(1, &dims), normal(2, &[n, c]));
        let window = Window2d::new((h, w));
        let y = reference::avg_pool2d::forward(n * c, (h, w), &window, false, &values(&x)?)?;
        let dx = reference::avg_pool2d::backward(n * c, (h, w), &window, false, &values(&g)?)?;
        let expected = (tensor(y, &[n, c]), tensor(dx, &dims));
        let actual = with_gradient(global_avg_pool, &x, &g)?;
        assert_pair(
            "global_avg_pool",
            &actual,
            &expected,
            Tolerance::Elementwise(1e-12),
        );
    }
    Ok(())
}

#[test]
fn gradients() -> Result<()> {
    let x = normal(1, &[2, 2, 5, 6]);
    for (padding, _, _) in BOTH {
        let window = Window2d::square(3).stride(2).padding(1).ceil();
        let pool = |x: &[Tensor]| avg_pool2d(&x[0], &window, padding);
        gradcheck(pool, std::slice::from_ref(&x), Directions::EveryElement)?;
    }
    gradcheck(|x| global_avg_pool(&x[0]), &[x], Directions::EveryElement)
}

#[test]
fn same_bits_for_any_thread_count() -> Result<()> {
    let (x, g) = (normal(1, &[16, 16, 31, 33]), normal(2, &[16, 16, 15, 16]));
    let window = Window2d::square(3).stride(2);
    assert_same_bits_for_any_thread_count("avg_pool2d", || {
        with_gradient(|x| avg_pool2d(x, &window, Padding::Counted), &x, &g)
    })?;
    let g = normal(2, &[16, 16]);
    assert_same_bits_for_any_thread_count("global_avg_pool", || {
        with_gradient(global_avg_pool, &x, &g)
    })
}
