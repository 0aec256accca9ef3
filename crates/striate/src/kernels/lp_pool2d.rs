//! p-norm pooling.
//!
//! ```text
//! y[i,j]  = (sum over the window's cells inside the input of |x|^p)^(1/p)
//! dx     += dy * sign(x) * (|x| / y)^(p-1)        0 where x is 0
//! ```
//!
//! The sum is taken of x divided by the largest |x| of the window, so that no power leaves the range of numbers.
//! Written for clarity: powers take longer than any order of the loops could save.

use super::output::written_by;
use super::planes::{split, split2};
use super::pool_shape::PoolShape;
use super::real::Real;

/// The p-norms of the windows of `x`.
///
/// # Panics
/// If `x` does not have the length that `s` says.
pub fn forward<T: Real>(s: &PoolShape, p: f64, x: &[T]) -> Vec<T> {
    assert_eq!(x.len(), s.input_len());
    let (from, to) = (s.h * s.w, s.ho * s.wo);
    let fill = |y: &mut [T]| {
        split((x, from), (y, to), |x, y| {
            for (x, y) in x.chunks_exact(from).zip(y.chunks_exact_mut(to)) {
                for (at, y) in y.iter_mut().enumerate() {
                    *y = T::from_f64(norm(s, (at / s.wo, at % s.wo), p, x));
                }
            }
        });
    };
    // SAFETY: every norm is stored, and none is loaded.
    unsafe { written_by(s.output_len(), fill) }
}

/// The gradient with respect to the input; the norms are computed again.
///
/// # Panics
/// If `x` or `dy` do not have the length that `s` says.
pub fn backward<T: Real>(s: &PoolShape, p: f64, x: &[T], dy: &[T]) -> Vec<T> {
    assert_eq!((x.len(), dy.len()), (s.input_len(), s.output_len()));
    let (from, to) = (s.h * s.w, s.ho * s.wo);
    let fill = |dx: &mut [T]| {
        split2((x, from), (dy, to), (dx, from), |_, x, dy, dx| {
            let inputs = x.chunks_exact(from).zip(dy.chunks_exact(to));
            for ((x, dy), dx) in inputs.zip(dx.chunks_exact_mut(from)) {
                spread(s, p, x, dy, dx);
            }
        });
    };
    // SAFETY: `spread` starts with a fill of its plane.
    unsafe { written_by(s.input_len(), fill) }
}

/// The cells inside the input that a window sees, as positions in the plane.
fn cells(s: &PoolShape, (i, j): (usize, usize)) -> impl Iterator<Item = usize> + '_ {
    let window = &s.window;
    let start = j * window.stride.1;
    let columns = move || {
        let seen = window.columns(s.w).seen(j);
        seen.map(move |v| start + v * window.dilation.1 - window.padding.1)
    };
    s.rows(i)
        .flat_map(move |row| columns().map(move |column| row * s.w + column))
}

/// The p-norm of a window; NaN if it sees one.
fn norm<T: Real>(s: &PoolShape, at: (usize, usize), p: f64, x: &[T]) -> f64 {
    let sizes = || cells(s, at).map(|cell| x[cell].to_f64().abs());
    // `f64::max` would pass over NaN.
    let largest = sizes().fold(
        0.0,
        |most: f64, size| if size <= most { most } else { size },
    );
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    let sum: f64 = sizes().map(|size| (size / largest).powf(p)).sum();
    largest * sum.powf(1.0 / p)
}

fn spread<T: Real>(s: &PoolShape, p: f64, x: &[T], dy: &[T], dx: &mut [T]) {
    dx.fill(T::ZERO);
    for (at, &dy) in dy.iter().enumerate() {
        let window = (at / s.wo, at % s.wo);
        let norm = norm(s, window, p, x);
        if norm == 0.0 {
            continue;
        }
        for cell in cells(s, window) {
            let x = x[cell].to_f64();
            if x == 0.0 {
                // `signum` gives it a sign, and with p = 1 the power is 1.
                continue;
            }
            let share = x.signum() * (x.abs() / norm).powf(p - 1.0);
            dx[cell] += T::from_f64(dy.to_f64() * share);
        }
    }
}
