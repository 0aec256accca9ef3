//! Tests of max unpooling.

use candle_core::{Result, Tensor};
use proptest::prelude::*;

use super::*;
use crate::ops::max_pool2d_with_switches;
use crate::ops::test_support::{
    assert_pair, assert_same_bits_for_any_thread_count, distinct, message, normal, pooling, tensor,
    with_gradient,
};
use crate::reference;
use crate::testing::{Directions, Tolerance, gradcheck, values};
use crate::window::Window2d;

fn switches(indices: Vec<u32>, source: (usize, usize)) -> Switches {
    let len = indices.len();
    let indices = Tensor::from_vec(indices, (1, 1, 1, len), &Device::Cpu);
    Switches {
        indices: indices.expect("shape and length agree"),
        source,
    }
}

#[test]
fn shapes() -> Result<()> {
    let xs = normal(1, &[2, 3, 8, 7]);
    let (what, where_) = max_pool2d_with_switches(&xs, &Window2d::square(2).stride(2))?;
    assert_eq!(max_unpool2d(&what, &where_, (8, 7))?.dims(), [2, 3, 8, 7]);
    assert_eq!(max_unpool2d(&what, &where_, (9, 10))?.dims(), [2, 3, 9, 10]);
    Ok(())
}

#[test]
fn errors() -> Result<()> {
    let x = normal(1, &[1, 1, 1, 2]);
    let good = switches(vec![0, 3], (2, 2));
    assert!(
        message(max_unpool2d(&normal(1, &[1, 1, 2, 2]), &good, (2, 2))).contains("must be equal")
    );
    let wrong_dtype = Switches {
        indices: good.indices.to_dtype(DType::I64)?,
        ..good.clone()
    };
    assert!(message(max_unpool2d(&x, &wrong_dtype, (2, 2))).contains("must be u32"));
    assert!(message(max_unpool2d(&x, &good, (0, 2))).contains("at least 1 x 1"));
    for (bad, size) in [
        (switches(vec![0, 4], (2, 2)), (2, 2)),
        (switches(vec![0, 3], (2, 2)), (1, 2)),
        (switches(vec![0, 5], (2, 2)), (9, 9)),
        (switches(vec![0, u32::MAX], (2, 2)), (2, 2)),
    ] {
        let error = message(max_unpool2d(&x, &bad, size));
        assert!(error.contains("switch 1 is"), "{error}");
    }
    Ok(())
}

#[test]
fn sums_where_switches_coincide_and_keeps_rows_and_columns() -> Result<()> {
    let x = tensor(vec![1.0, 2.0, 4.0], &[1, 1, 1, 3]);
    let where_ = switches(vec![3, 3, 0], (2, 2));
    let ys = max_unpool2d(&x, &where_, (2, 2))?;
    assert_eq!(values(&ys)?, [4.0, 0.0, 0.0, 3.0]);
    let ys = max_unpool2d(&x, &where_, (2, 3))?;
    assert_eq!(values(&ys)?, [4.0, 0.0, 0.0, 0.0, 3.0, 0.0]);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn matches_reference((dims, window) in pooling(), seed in any::<u64>()) {
        let check = || -> Result<()> {
            let [n, c, h, w] = dims;
            let (what, where_) = max_pool2d_with_switches(&distinct(seed, &dims), &window)?;
            let (x, g) = (normal(seed, what.dims()), normal(2, &dims));
            let at = where_.indices.flatten_all()?.to_vec1::<u32>()?;
            let y = reference::max_pool2d::unpool(n * c, h * w, &at, &values(&x)?);
            let dx = reference::max_pool2d::unpool_backward(n * c, h * w, &at, &values(&g)?);
            let expected = (tensor(y, &dims), tensor(dx, what.dims()));
            let unpool = |x: &Tensor| max_unpool2d(x, &where_, (h, w));
            let tolerance = Tolerance::Elementwise(1e-12);
            assert_pair("kernel", &with_gradient(unpool, &x, &g)?, &expected, tolerance);
            let values = x.dim(2)? * x.dim(3)?;
            let shape = UnpoolShape::new(n * c, values, (h, w), (h, w))?;
            let composed = |x: &Tensor| composed::max_unpool2d(x, &where_.indices, &shape);
            assert_pair("composed", &with_gradient(composed, &x, &g)?, &expected, tolerance);
            Ok(())
        };
        if let Err(error) = check() {
            prop_assert!(false, "{error}");
        }
    }
}

#[test]
fn gradients() -> Result<()> {
    let window = Window2d::square(3).stride(2);
    let (what, where_) = max_pool2d_with_switches(&distinct(1, &[2, 2, 7, 7]), &window)?;
    let unpool = |x: &[Tensor]| max_unpool2d(&x[0], &where_, (7, 8));
    gradcheck(unpool, &[normal(2, what.dims())], Directions::EveryElement)
}

#[test]
fn same_bits_for_any_thread_count() -> Result<()> {
    let window = Window2d::square(3).stride(2);
    let (what, where_) = max_pool2d_with_switches(&distinct(1, &[16, 16, 33, 33]), &window)?;
    let g = normal(2, &[16, 16, 33, 33]);
    assert_same_bits_for_any_thread_count("max_unpool2d", || {
        with_gradient(|x| max_unpool2d(x, &where_, (33, 33)), &what, &g)
    })
}
