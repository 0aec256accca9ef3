//! Reference p-norm pooling: plain loops, no speed.
//!
//! ```text
//! y[i,j] = (sum over the cells (u, v) of window (i, j) inside the input of |x[i*s + u*d - p, j*s + v*d - p]|^norm)^(1/norm)
//! ```

use candle_core::Result;

use super::{cells, grid};
use crate::window::Window2d;

/// The norms of `planes` maps of `h` x `w`.
///
/// # Errors
/// Those of [`Window2d::output_size`].
pub fn forward(
    planes: usize,
    size: (usize, usize),
    window: &Window2d,
    norm: f64,
    x: &[f64],
) -> Result<Vec<f64>> {
    let (ho, wo) = window.output_size(size.0, size.1)?;
    let mut y = Vec::new();
    for plane in 0..planes {
        for at in grid(ho, wo) {
            let inside = cells(window, size, at).flatten();
            let sum: f64 = inside
                .map(|cell| x[plane * size.0 * size.1 + cell].abs().powf(norm))
                .sum();
            y.push(sum.powf(1.0 / norm));
        }
    }
    Ok(y)
}

/// The gradient with respect to x: dy * sign(x) * |x|^(norm - 1) / y^(norm - 1), 0 where x is 0.
///
/// # Errors
/// Those of [`Window2d::output_size`].
pub fn backward(
    planes: usize,
    size: (usize, usize),
    window: &Window2d,
    norm: f64,
    x: &[f64],
    dy: &[f64],
) -> Result<Vec<f64>> {
    let y = forward(planes, size, window, norm, x)?;
    let (ho, wo) = window.output_size(size.0, size.1)?;
    let mut dx = vec![0.0; x.len()];
    for plane in 0..planes {
        for (i, j) in grid(ho, wo) {
            let at = (plane * ho + i) * wo + j;
            for cell in cells(window, size, (i, j)).flatten() {
                let cell = plane * size.0 * size.1 + cell;
                if x[cell] != 0.0 && y[at] > 0.0 {
                    let power = |value: f64| value.powf(norm - 1.0);
                    dx[cell] += dy[at] * x[cell].signum() * power(x[cell].abs()) / power(y[at]);
                }
            }
        }
    }
    Ok(dx)
}
