//! The regular target grid G: coordinates of the output's pixels.

use crate::options::AlignCorners;

/// Coordinates of the centers of `n` pixels in a row.
pub(super) fn axis(n: usize, align_corners: AlignCorners) -> Vec<f64> {
    (0..n)
        .map(|i| align_corners.to_coordinate(i as f64, n))
        .collect()
}

/// (x, y) of every pixel of (height, width), in row-major order.
pub(super) fn points_2d((h, w): (usize, usize), align_corners: AlignCorners) -> Vec<f64> {
    let (xs, ys) = (axis(w, align_corners), axis(h, align_corners));
    let row = |&y: &f64| xs.iter().flat_map(move |&x| [x, y]).collect::<Vec<_>>();
    ys.iter().flat_map(row).collect()
}
