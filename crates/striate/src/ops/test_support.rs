//! What the tests of the ops share: random tensors, random windows, and the ways to compare.

use candle_core::{Device, Result, Tensor, Var};
use proptest::prelude::*;

use crate::rng::stream;
use crate::testing::{Tolerance, assert_close};
use crate::window::{Rounding, Window2d};

/// A tensor of standard normal numbers in f64, a function of `seed` and shape.
pub(super) fn normal(seed: u64, dims: &[usize]) -> Tensor {
    let mut draws = stream(seed, "sampling", 0);
    let values: Vec<f64> = (0..dims.iter().product()).map(|_| draws.normal()).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).expect("shape and length agree")
}

/// A tensor of distinct numbers in random order, so that no maximum is close to another.
pub(super) fn distinct(seed: u64, dims: &[usize]) -> Tensor {
    let mut values: Vec<f64> = (0..dims.iter().product())
        .map(|k: usize| k as f64 / 8.0)
        .collect();
    stream(seed, "sampling", 1).shuffle(&mut values);
    Tensor::from_vec(values, dims, &Device::Cpu).expect("shape and length agree")
}

/// A tensor of f64 values with this shape.
pub(super) fn tensor(values: Vec<f64>, dims: &[usize]) -> Tensor {
    Tensor::from_vec(values, dims, &Device::Cpu).expect("shape and length agree")
}

/// (N, C, H, W) and a window that fits, with stride, padding, dilation and either rounding.
pub(super) fn pooling() -> impl Strategy<Value = ([usize; 4], Window2d)> {
    let axis = || (1usize..5, 1usize..4, 1usize..3, 0usize..20);
    (
        (1usize..3, 1usize..4),
        axis(),
        axis(),
        any::<bool>(),
        0usize..3,
        0usize..3,
    )
        .prop_map(|((n, c), (kh, sh, dh, h), (kw, sw, dw, w), ceil, ph, pw)| {
            // Padding of at most half a window, and with dilation none, so that every window sees the input.
            let pad = |p: usize, k: usize, d: usize| if d == 1 { p.min(k / 2) } else { 0 };
            let window = Window2d {
                size: (kh, kw),
                stride: (sh, sw),
                padding: (pad(ph, kh, dh), pad(pw, kw, dw)),
                dilation: (dh, dw),
                rounding: if ceil {
                    Rounding::Ceil
                } else {
                    Rounding::Floor
                },
            };
            let (span_h, span_w) = window.span();
            ([n, c, span_h + h, span_w + w], window)
        })
}

/// The output of `f` at `x` and the gradient of sum(output * weights) with respect to x.
pub(super) fn with_gradient(
    f: impl Fn(&Tensor) -> Result<Tensor>,
    x: &Tensor,
    weights: &Tensor,
) -> Result<(Tensor, Tensor)> {
    let x = Var::from_tensor(x)?;
    let y = f(&x)?;
    let gradients = y.mul(weights)?.sum_all()?.backward()?;
    match gradients.get(&x) {
        Some(gradient) => Ok((y, gradient.clone())),
        None => candle_core::bail!("no gradient"),
    }
}

/// Two (output, gradient) pairs agree.
#[track_caller]
pub(super) fn assert_pair(
    what: &str,
    actual: &(Tensor, Tensor),
    expected: &(Tensor, Tensor),
    tolerance: Tolerance,
) {
    assert_close(
        &format!("{what}, output"),
        &actual.0,
        &expected.0,
        tolerance,
    );
    assert_close(
        &format!("{what}, gradient"),
        &actual.1,
        &expected.1,
        tolerance,
    );
}

/// `op` gives the same bits, output and gradient, on pools of one thread and of more.
pub(super) fn assert_same_bits_for_any_thread_count(
    what: &str,
    op: impl Fn() -> Result<(Tensor, Tensor)> + Send + Sync,
) -> Result<()> {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.map_err(candle_core::Error::wrap)?.install(&op)
    };
    let one = on(1)?;
    for threads in [2, 3, 8] {
        let what = format!("{what}, {threads} threads");
        assert_pair(&what, &on(threads)?, &one, Tolerance::Exact);
    }
    Ok(())
}

/// The message of an error.
#[track_caller]
pub(super) fn message<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => panic!("an error was expected"),
        Err(error) => error.to_string(),
    }
}
