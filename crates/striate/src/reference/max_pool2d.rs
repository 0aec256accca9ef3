//! Reference max pooling and unpooling: plain loops, no speed.
//!
//! ```text
//! what[i,j]  = max    over the cells (u, v) of window (i, j) of x[i*s + u*d - p, j*s + v*d - p]
//! where[i,j] = argmax over the same cells, as row * W + column; of equal values the first in row-major order
//! unpool:  y[where[k]] += what[k]
//! ```
//!
//! Stacked What-Where Auto-encoders (arXiv 1506.02351).
//! Cells outside the input do not take part; NaN is larger than every number, and the last NaN wins, as in PyTorch.

use candle_core::Result;

use super::{cells, grid};
use crate::window::Window2d;

/// what and where of `planes` maps of `h` x `w`.
///
/// # Errors
/// Those of [`Window2d::output_size`].
pub fn forward(
    planes: usize,
    (h, w): (usize, usize),
    window: &Window2d,
    x: &[f64],
) -> Result<(Vec<f64>, Vec<u32>)> {
    let (ho, wo) = window.output_size(h, w)?;
    let (mut what, mut at) = (Vec::new(), Vec::new());
    for plane in 0..planes {
        for (i, j) in grid(ho, wo) {
            let mut best: Option<(f64, usize)> = None;
            for cell in cells(window, (h, w), (i, j)).flatten() {
                let value = x[plane * h * w + cell];
                if best.is_none_or(|(max, _)| value > max || value.is_nan()) {
                    best = Some((value, cell));
                }
            }
            let (value, cell) = best.unwrap_or((f64::NEG_INFINITY, 0));
            what.push(value);
            at.push(cell as u32);
        }
    }
    Ok((what, at))
}

/// The values of each plane of `x` added up at their positions `at` in planes of `len` zeros.
pub fn unpool(planes: usize, len: usize, at: &[u32], x: &[f64]) -> Vec<f64> {
    let values = x.len() / planes.max(1);
    let mut y = vec![0.0; planes * len];
    for (k, (&at, &x)) in at.iter().zip(x).enumerate() {
        y[k / values * len + at as usize] += x;
    }
    y
}

/// The gradient of the pooling with respect to x: unpooling of dy. That of the unpooling: the values at the positions.
pub fn unpool_backward(planes: usize, len: usize, at: &[u32], dy: &[f64]) -> Vec<f64> {
    let values = at.len() / planes.max(1);
    let at = at.iter().enumerate();
    at.map(|(k, &at)| dy[k / values * len + at as usize])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_worked_by_hand() -> Result<()> {
        // Rows 1 5 5 / 4 5 2, a 2x2 window that moves by one: both windows hold a five twice or more.
        let x = [1.0, 5.0, 5.0, 4.0, 5.0, 2.0];
        let (what, at) = forward(1, (2, 3), &Window2d::square(2), &x)?;
        assert_eq!((what, at.clone()), (vec![5.0, 5.0], vec![1, 1]));
        assert_eq!(
            unpool(1, 6, &at, &[10.0, 1.0]),
            [0.0, 11.0, 0.0, 0.0, 0.0, 0.0]
        );
        assert_eq!(unpool_backward(1, 6, &at, &x), [5.0, 5.0]);
        Ok(())
    }
}
