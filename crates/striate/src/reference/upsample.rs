//! Reference nearest-neighbor upsampling: plain loops, no speed.
//!
//! ```text
//! y[i,j] = x[i / down, j / across];  the gradient of x[i,j] is the sum over its copies
//! ```

use super::grid;

/// Each cell of `planes` maps of `h` x `w` repeated (down, across) times.
pub fn upsample_nearest2d(
    planes: usize,
    (h, w): (usize, usize),
    (down, across): (usize, usize),
    x: &[f64],
) -> Vec<f64> {
    let mut y = Vec::new();
    for plane in 0..planes {
        for (i, j) in grid(h * down, w * across) {
            y.push(x[(plane * h + i / down) * w + j / across]);
        }
    }
    y
}

/// The gradient of [`upsample_nearest2d`]: each cell receives the sum over its copies.
pub fn upsample_nearest2d_backward(
    planes: usize,
    (h, w): (usize, usize),
    (down, across): (usize, usize),
    dy: &[f64],
) -> Vec<f64> {
    let mut dx = vec![0.0; planes * h * w];
    for plane in 0..planes {
        for (i, j) in grid(h * down, w * across) {
            let copy = (plane * h * down + i) * w * across + j;
            dx[(plane * h + i / down) * w + j / across] += dy[copy];
        }
    }
    dx
}
