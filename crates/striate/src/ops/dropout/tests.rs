//! Tests of dropout.

use candle_core::{DType, Result, Tensor};

use super::*;
use crate::ops::test_support::{
    assert_pair, assert_same_bits_for_any_thread_count, message, normal, tensor, with_gradient,
};
use crate::reference;
use crate::rng::stream;
use crate::testing::{Tolerance, values};

#[test]
fn shapes() -> Result<()> {
    let draws = stream(1, "dropout", 0);
    for dims in [vec![7], vec![2, 3, 4, 5], vec![0, 3]] {
        assert_eq!(dropout(&normal(1, &dims), 0.5, &draws)?.dims(), dims);
    }
    let maps = normal(1, &[2, 3, 4, 5]);
    assert_eq!(channel_dropout(&maps, 0.5, &draws)?.dims(), maps.dims());
    Ok(())
}

#[test]
fn errors() -> Result<()> {
    let (xs, draws) = (normal(1, &[1, 1, 2, 2]), stream(1, "dropout", 0));
    for p in [-0.1, 1.0, f32::NAN] {
        assert!(message(dropout(&xs, p, &draws)).contains("at least 0 and below 1"));
        assert!(message(channel_dropout(&xs, p, &draws)).contains("channel_dropout: p is"));
    }
    assert!(message(dropout(&xs.to_dtype(DType::U8)?, 0.5, &draws)).contains("dtype U8"));
    assert!(message(channel_dropout(&xs.squeeze(0)?, 0.5, &draws)).contains("(N, C, H, W)"));
    Ok(())
}

#[test]
fn matches_reference() -> Result<()> {
    let mut draws = stream(3, "dropout/input", 5);
    for skip in [0, 3] {
        (0..skip).for_each(|_| {
            draws.uniform();
        });
        for (p, dims) in [(0.5f32, [2, 3, 4, 5]), (0.2, [3, 5, 40, 41])] {
            let (x, g) = (normal(1, &dims), normal(2, &dims));
            let scale = 1.0 / (1.0 - f64::from(p));
            let pass = |kept: &[bool], t: &Tensor, cells: usize| -> Result<Tensor> {
                let values = values(t)?.into_iter().enumerate();
                let passed = values.map(|(e, v)| if kept[e / cells] { v * scale } else { 0.0 });
                Ok(tensor(passed.collect(), &dims))
            };
            for cells in [1, dims[2] * dims[3]] {
                let count = dims.iter().product::<usize>() / cells;
                let kept = reference::dropout::kept(&draws, f64::from(p), count);
                let expected = (pass(&kept, &x, cells)?, pass(&kept, &g, cells)?);
                let op = |x: &Tensor| match cells {
                    1 => dropout(x, p, &draws),
                    _ => channel_dropout(x, p, &draws),
                };
                let tolerance = Tolerance::Elementwise(1e-12);
                assert_pair("dropout", &with_gradient(op, &x, &g)?, &expected, tolerance);
                let composed = |x: &Tensor| composed::masked(x, |ones| op(ones));
                assert_pair(
                    "composed",
                    &with_gradient(composed, &x, &g)?,
                    &expected,
                    tolerance,
                );
            }
        }
    }
    Ok(())
}

#[test]
fn masks_follow_the_stream() -> Result<()> {
    let xs = Tensor::ones(100_000, DType::F32, &Device::Cpu)?;
    let mask =
        |p, step| -> Result<Vec<f32>> { dropout(&xs, p, &stream(1, "dropout/a", step))?.to_vec1() };
    let (first, again, next) = (mask(0.3, 0)?, mask(0.3, 0)?, mask(0.3, 1)?);
    assert_eq!(first, again);
    let equal = first.iter().zip(&next).filter(|(a, b)| a == b).count();
    // Independent masks agree on p^2 + (1 - p)^2 of the elements.
    assert!((57_000..59_000).contains(&equal), "{equal}");
    let dropped = first.iter().filter(|&&y| y == 0.0).count();
    assert!((29_300..30_700).contains(&dropped), "{dropped}");
    let mean = first.iter().sum::<f32>() / 100_000.0;
    assert!((mean - 1.0).abs() < 0.01, "{mean}");
    Ok(())
}

#[test]
fn same_bits_for_any_thread_count() -> Result<()> {
    let (x, g) = (normal(1, &[16, 16, 31, 33]), normal(2, &[16, 16, 31, 33]));
    let draws = stream(1, "dropout", 0);
    assert_same_bits_for_any_thread_count("dropout", || {
        with_gradient(|x| dropout(x, 0.5, &draws), &x, &g)
    })?;
    assert_same_bits_for_any_thread_count("channel_dropout", || {
        with_gradient(|x| channel_dropout(x, 0.5, &draws), &x, &g)
    })
}
