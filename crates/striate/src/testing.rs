//! Gradient checks, tolerances, layouts and fixture readers for tests of this crate and of crates built on it.
//!
//! Only with the feature `testing`. Functions here panic on a failed check, as test assertions do.

use candle_core::{DType, Result, Tensor};

mod fixtures;
mod gradcheck;
mod layout;

pub use fixtures::{Case, group};
pub use gradcheck::{Directions, gradcheck};
pub use layout::{Layout, ramp};

/// How far two values may be apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// |a - b| <= t + t * |b|.
    Elementwise(f64),
    /// |a - b| <= t * max |b|, for algorithms whose error grows with the largest value.
    OfMax(f64),
    /// Equal bits, except that NaN equals NaN.
    Exact,
}

impl Tolerance {
    /// The tolerance of the project for results of this dtype.
    pub fn of(dtype: DType) -> Self {
        match dtype {
            DType::F64 => Self::Elementwise(1e-9),
            _ => Self::Elementwise(1e-4),
        }
    }
}

/// Panics, naming `what` and the first offender, unless both tensors have one shape and close values.
///
/// # Panics
/// If shapes or values differ, or a tensor cannot be read as f64.
#[track_caller]
pub fn assert_close(what: &str, actual: &Tensor, expected: &Tensor, tolerance: Tolerance) {
    match compare(actual, expected, tolerance) {
        Ok(None) => {}
        Ok(Some(difference)) => panic!("{what}: {difference}"),
        Err(error) => panic!("{what}: {error}"),
    }
}

/// What differs between two tensors, if anything does.
///
/// # Errors
/// A tensor that cannot be read as f64.
pub fn compare(actual: &Tensor, expected: &Tensor, tolerance: Tolerance) -> Result<Option<String>> {
    if actual.dims() != expected.dims() {
        return Ok(Some(format!(
            "shape {:?} instead of {:?}",
            actual.dims(),
            expected.dims()
        )));
    }
    let (a, b) = (values(actual)?, values(expected)?);
    let max = b.iter().fold(0.0f64, |max, b| max.max(b.abs()));
    let close = |a: f64, b: f64| {
        let bound = match tolerance {
            Tolerance::Elementwise(t) => t + t * b.abs(),
            Tolerance::OfMax(t) => t * max,
            Tolerance::Exact => 0.0,
        };
        a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= bound
    };
    let mut offenders = (0..a.len()).filter(|&at| !close(a[at], b[at]));
    Ok(offenders.next().map(|first| {
        format!(
            "{} instead of {} at {:?}; {} of {} values differ by more than {tolerance:?}",
            a[first],
            b[first],
            position(first, actual.dims()),
            1 + offenders.count(),
            a.len()
        )
    }))
}

/// All values, in row-major order, as f64.
///
/// # Errors
/// A dtype that Candle cannot convert.
pub fn values(tensor: &Tensor) -> Result<Vec<f64>> {
    tensor
        .detach()
        .to_dtype(DType::F64)?
        .flatten_all()?
        .to_vec1()
}

fn position(mut at: usize, dims: &[usize]) -> Vec<usize> {
    let mut position = vec![0; dims.len()];
    for (axis, &dim) in dims.iter().enumerate().rev() {
        position[axis] = at % dim;
        at /= dim;
    }
    position
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn the_first_offender_is_named() -> Result<()> {
        let a = Tensor::new(&[[1f32, 2.0], [3.0, 4.0]], &Device::Cpu)?;
        let b = Tensor::new(&[[1f32, 2.0], [3.5, 4.5]], &Device::Cpu)?;
        let found = compare(&a, &b, Tolerance::Elementwise(1e-4))?.expect("a difference");
        assert!(
            found.starts_with("3 instead of 3.5 at [1, 0]; 2 of 4"),
            "{found}"
        );
        assert_eq!(compare(&a, &b, Tolerance::OfMax(0.2))?, None);
        assert!(compare(&a, &b.flatten_all()?, Tolerance::Exact)?.is_some());
        Ok(())
    }

    #[test]
    fn gradcheck_accepts_a_right_gradient_and_refuses_a_wrong_one() -> Result<()> {
        let x = Tensor::new(&[0.3f64, -1.2, 2.0], &Device::Cpu)?;
        let inputs = std::slice::from_ref(&x);
        for directions in [Directions::EveryElement, Directions::Random(3)] {
            gradcheck(|x| x[0].sqr()?.mul(&x[0]), inputs, directions)?;
            // Candle's rule for `abs` of a detached part ignores half of this function.
            let wrong = gradcheck(|x| x[0].sqr()?.mul(&x[0].detach()), inputs, directions);
            assert!(wrong.is_err());
        }
        let unused = gradcheck(
            |_| Var::new(1f64, &Device::Cpu)?.sqr(),
            inputs,
            Directions::Random(1),
        );
        assert!(unused.is_err());
        Ok(())
    }
}
