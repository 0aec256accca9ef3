//! Reference average pooling: plain loops, no speed.
//!
//! ```text
//! y[i,j] = (sum over the cells (u, v) of window (i, j) inside the input of x[i*s + u*d - p, j*s + v*d - p]) / n[i,j]
//! ```
//!
//! n counts the cells of the window inside the input, or, if padding counts, inside the input framed by its padding.

use candle_core::Result;

use super::{cells, grid};
use crate::window::Window2d;

/// The averages of `planes` maps of `h` x `w`.
///
/// # Errors
/// Those of [`Window2d::output_size`].
pub fn forward(
    planes: usize,
    size: (usize, usize),
    window: &Window2d,
    padding_counts: bool,
    x: &[f64],
) -> Result<Vec<f64>> {
    let (ho, wo) = window.output_size(size.0, size.1)?;
    let mut y = Vec::new();
    for plane in 0..planes {
        for (i, j) in grid(ho, wo) {
            let inside: Vec<usize> = cells(window, size, (i, j)).flatten().collect();
            let sum: f64 = inside
                .iter()
                .map(|cell| x[plane * size.0 * size.1 + cell])
                .sum();
            y.push(sum / counted(window, size, (i, j), padding_counts));
        }
    }
    Ok(y)
}

/// The gradient with respect to x: every cell of a window receives dy / n.
///
/// # Errors
/// Those of [`Window2d::output_size`].
pub fn backward(
    planes: usize,
    size: (usize, usize),
    window: &Window2d,
    padding_counts: bool,
    dy: &[f64],
) -> Result<Vec<f64>> {
    let (ho, wo) = window.output_size(size.0, size.1)?;
    let mut dx = vec![0.0; planes * size.0 * size.1];
    for plane in 0..planes {
        for (i, j) in grid(ho, wo) {
            let n = counted(window, size, (i, j), padding_counts);
            for cell in cells(window, size, (i, j)).flatten() {
                dx[plane * size.0 * size.1 + cell] += dy[(plane * ho + i) * wo + j] / n;
            }
        }
    }
    Ok(dx)
}

fn counted(
    window: &Window2d,
    (h, w): (usize, usize),
    at: (usize, usize),
    padding_counts: bool,
) -> f64 {
    if !padding_counts {
        return cells(window, (h, w), at).flatten().count() as f64;
    }
    // The framed input is an input of its own, without padding.
    let (ph, pw) = window.padding;
    let framed = (h + 2 * ph, w + 2 * pw);
    cells(&window.paddings((0, 0)), framed, at)
        .flatten()
        .count() as f64
}
