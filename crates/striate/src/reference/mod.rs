//! Reference definitions: every op in plain loops over slices, in f64.
//!
//! Nothing here is fast. These functions are written to be compared with the papers, and they judge the kernels.
//! They know neither tensors nor kernels.

use crate::window::Window2d;

pub mod avg_pool2d;
pub mod conv2d;
pub mod cross_entropy;
pub mod dropout;
pub mod lp_pool2d;
pub mod max_pool2d;
pub mod relu;
pub mod upsample;

/// All (row, column) in row-major order.
fn grid(rows: usize, columns: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..rows).flat_map(move |i| (0..columns).map(move |j| (i, j)))
}

/// The cells of window (i, j) in row-major order, as `row * w + column`; `None` for those outside the input.
fn cells(
    window: &Window2d,
    (h, w): (usize, usize),
    (i, j): (usize, usize),
) -> impl Iterator<Item = Option<usize>> {
    let Window2d {
        size,
        stride,
        padding,
        dilation,
        ..
    } = *window;
    grid(size.0, size.1).map(move |(u, v)| {
        let row = inside(i * stride.0 + u * dilation.0, padding.0, h)?;
        let column = inside(j * stride.1 + v * dilation.1, padding.1, w)?;
        Some(row * w + column)
    })
}

/// The position in the input of a position in the padded input, if it is not padding.
fn inside(padded: usize, padding: usize, len: usize) -> Option<usize> {
    padded.checked_sub(padding).filter(|&at| at < len)
}
