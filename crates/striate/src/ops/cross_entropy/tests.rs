//! Tests of cross-entropy.

use candle_core::{DType, Result, Tensor};

use super::*;
use crate::ops::test_support::{
    assert_pair, assert_same_bits_for_any_thread_count, message, normal, tensor, with_gradient,
};
use crate::reference;
use crate::rng::stream;
use crate::testing::{Directions, Tolerance, gradcheck, values};

fn labels(rows: usize, classes: usize) -> Tensor {
    let mut draws = stream(1, "labels", 0);
    let labels: Vec<u32> = (0..rows)
        .map(|_| draws.below(classes as u64) as u32)
        .collect();
    Tensor::new(labels, &Device::Cpu).expect("a vector is a tensor")
}

#[test]
fn shapes() -> Result<()> {
    let loss = cross_entropy(&normal(1, &[4, 10]), &labels(4, 10))?;
    assert_eq!((loss.dims(), loss.dtype()), (&[] as &[usize], DType::F64));
    Ok(())
}

#[test]
fn errors() -> Result<()> {
    let (logits, targets) = (normal(1, &[4, 3]), labels(4, 3));
    let too_large = Tensor::new(&[0u32, 1, 3, 0], &Device::Cpu)?;
    assert!(message(cross_entropy(&logits, &too_large)).contains("label 3 in row 2"));
    assert!(message(cross_entropy(&logits, &labels(3, 3))).contains("it must be [4]"));
    assert!(
        message(cross_entropy(&logits, &targets.to_dtype(DType::F32)?))
            .contains("must be u32 or i64")
    );
    let negative = Tensor::new(&[0i64, 1, -1, 0], &Device::Cpu)?;
    assert!(message(cross_entropy(&logits, &negative)).contains("-1 in row 2"));
    let too_large = Tensor::new(&[0i64, 1, 3, 0], &Device::Cpu)?;
    assert!(message(cross_entropy(&logits, &too_large)).contains("label 3 in row 2"));
    assert!(message(cross_entropy(&logits.flatten_all()?, &targets)).contains("(N, K)"));
    assert!(
        message(cross_entropy(&normal(1, &[0, 3]), &labels(0, 3))).contains("at least one row")
    );
    Ok(())
}

/// PyTorch's labels are i64.
#[test]
fn labels_of_both_dtypes_give_the_same_loss() -> Result<()> {
    let (logits, targets) = (normal(1, &[4, 3]), labels(4, 3));
    let loss = |targets: &Tensor| cross_entropy(&logits, targets)?.to_scalar::<f64>();
    assert_eq!(loss(&targets)?, loss(&targets.to_dtype(DType::I64)?)?);
    Ok(())
}

#[test]
fn matches_reference() -> Result<()> {
    for (rows, classes) in [(1, 1), (4, 10), (300, 100), (2000, 10)] {
        let (logits, targets) = (normal(1, &[rows, classes]), labels(rows, classes));
        let (loss, gradient) = reference::cross_entropy::cross_entropy(
            classes,
            &values(&logits)?,
            &targets.to_vec1::<u32>()?,
        );
        let g = tensor(vec![1.5], &[]);
        let gradient = gradient.into_iter().map(|d| d * 1.5).collect();
        let expected = (tensor(vec![loss], &[]), tensor(gradient, &[rows, classes]));
        let actual = with_gradient(|z| cross_entropy(z, &targets), &logits, &g)?;
        assert_pair(
            "cross_entropy",
            &actual,
            &expected,
            Tolerance::Elementwise(1e-12),
        );
        let narrow = |t: &Tensor| t.to_dtype(DType::F32);
        let actual = with_gradient(
            |z| cross_entropy(z, &targets),
            &narrow(&logits)?,
            &narrow(&g)?,
        )?;
        assert_pair("f32", &actual, &expected, Tolerance::Elementwise(1e-5));
    }
    Ok(())
}

#[test]
fn large_logits_do_not_overflow_and_nan_shows() -> Result<()> {
    let targets = Tensor::new(&[0u32], &Device::Cpu)?;
    let loss = |z: Vec<f64>| values(&cross_entropy(&tensor(z, &[1, 2]), &targets)?);
    assert_eq!(loss(vec![-1e4, 1e4])?, [2e4]);
    assert_eq!(loss(vec![1e4, -1e4])?, [0.0]);
    assert!(loss(vec![0.0, f64::NAN])?[0].is_nan());
    Ok(())
}

#[test]
fn gradients() -> Result<()> {
    let targets = labels(5, 7);
    let loss = |z: &[Tensor]| cross_entropy(&z[0], &targets);
    gradcheck(loss, &[normal(1, &[5, 7])], Directions::EveryElement)
}

#[test]
fn same_bits_for_any_thread_count() -> Result<()> {
    let (z, targets) = (normal(1, &[3000, 100]), labels(3000, 100));
    let g = tensor(vec![1.0], &[]);
    assert_same_bits_for_any_thread_count("cross_entropy", || {
        with_gradient(|z| cross_entropy(z, &targets), &z, &g)
    })
}
