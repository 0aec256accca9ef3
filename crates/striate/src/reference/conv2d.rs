//! Reference 2-D convolution: plain loops in the usual notation, no speed.
//!
//! ```text
//! y[n,o,i,j] = b[o] + sum over c,u,v of  w[o,c,u,v] * x[n, g*C+c, i*s + u*d - p, j*s + v*d - p]
//! ```
//!
//! N images, C_in maps of H x W in, C_out maps of Ho x Wo out; s stride, d dilation, p padding, each per axis.
//! With G groups, C = C_in / G, and output map o reads the C input maps of its group g = o / (C_out / G).
//! Cells outside the image count as 0.
//!
//! Each product on the right touches one cell of x, of w and of y; the three gradients are sums over the same products.

use candle_core::Result;

use super::{grid, inside};
use crate::window::Window2d;

/// Sizes of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Images, input maps, input height, input width.
    pub input: (usize, usize, usize, usize),
    /// Output maps.
    pub c_out: usize,
    /// Kernel size, stride, padding, dilation.
    pub window: Window2d,
    /// Groups; divides both map counts.
    pub groups: usize,
}

impl Sizes {
    /// Output height and width.
    ///
    /// # Errors
    /// Those of [`Window2d::output_size`].
    pub fn output_size(&self) -> Result<(usize, usize)> {
        self.window.output_size(self.input.2, self.input.3)
    }
}

/// y, (N, C_out, Ho, Wo), from x, (N, C_in, H, W), w, (C_out, C_in/G, Kh, Kw), and b, (C_out).
///
/// # Errors
/// Those of [`Window2d::output_size`].
pub fn forward(s: &Sizes, x: &[f64], w: &[f64], b: Option<&[f64]>) -> Result<Vec<f64>> {
    let (ho, wo) = s.output_size()?;
    let mut y = vec![0.0; s.input.0 * s.c_out * ho * wo];
    if let Some(b) = b {
        for (map, values) in y.chunks_exact_mut(ho * wo).enumerate() {
            values.fill(b[map % s.c_out]);
        }
    }
    for_each_product(s, |at_x, at_w, at_y| y[at_y] += w[at_w] * x[at_x])?;
    Ok(y)
}

/// The gradient with respect to x, from dy, the gradient with respect to y.
///
/// # Errors
/// Those of [`Window2d::output_size`].
pub fn backward_input(s: &Sizes, dy: &[f64], w: &[f64]) -> Result<Vec<f64>> {
    let (n, c_in, h, width) = s.input;
    let mut dx = vec![0.0; n * c_in * h * width];
    for_each_product(s, |at_x, at_w, at_y| dx[at_x] += w[at_w] * dy[at_y])?;
    Ok(dx)
}

/// The gradient with respect to w.
///
/// # Errors
/// Those of [`Window2d::output_size`].
pub fn backward_weight(s: &Sizes, x: &[f64], dy: &[f64]) -> Result<Vec<f64>> {
    let (kh, kw) = s.window.size;
    let mut dw = vec![0.0; s.c_out * (s.input.1 / s.groups) * kh * kw];
    for_each_product(s, |at_x, at_w, at_y| dw[at_w] += x[at_x] * dy[at_y])?;
    Ok(dw)
}

/// The gradient with respect to b: the sum of dy over images and positions.
///
/// # Errors
/// Those of [`Window2d::output_size`].
pub fn backward_bias(s: &Sizes, dy: &[f64]) -> Result<Vec<f64>> {
    let (ho, wo) = s.output_size()?;
    let mut db = vec![0.0; s.c_out];
    for (map, values) in dy.chunks_exact(ho * wo).enumerate() {
        db[map % s.c_out] += values.iter().sum::<f64>();
    }
    Ok(db)
}

/// Calls `product(index in x, index in w, index in y)` for every product of the formula.
fn for_each_product(s: &Sizes, mut product: impl FnMut(usize, usize, usize)) -> Result<()> {
    let (n, c_in, h, w) = s.input;
    let (ho, wo) = s.output_size()?;
    let (kh, kw) = s.window.size;
    let (c, o_per_group) = (c_in / s.groups, s.c_out / s.groups);
    for image in 0..n {
        for o in 0..s.c_out {
            for (i, j) in grid(ho, wo) {
                for from in 0..c {
                    for (u, v) in grid(kh, kw) {
                        let row = i * s.window.stride.0 + u * s.window.dilation.0;
                        let column = j * s.window.stride.1 + v * s.window.dilation.1;
                        let Some(row) = inside(row, s.window.padding.0, h) else {
                            continue;
                        };
                        let Some(column) = inside(column, s.window.padding.1, w) else {
                            continue;
                        };
                        let map = (o / o_per_group) * c + from;
                        product(
                            ((image * c_in + map) * h + row) * w + column,
                            ((o * c + from) * kh + u) * kw + v,
                            ((image * s.c_out + o) * ho + i) * wo + j,
                        );
                    }
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_worked_by_hand() -> Result<()> {
        // One 3x3 image, a 2x2 kernel, stride 2, padding 1: each window sees one corner of the image.
        let s = Sizes {
            input: (1, 1, 3, 3),
            c_out: 1,
            window: Window2d::square(2).stride(2).padding(1),
            groups: 1,
        };
        let x: Vec<f64> = (1..=9).map(f64::from).collect();
        let w = [1.0, 10.0, 100.0, 1000.0];
        // Windows: [. .; . 1], [. .; 2 3], [. 4; . 7], [5 6; 8 9].
        let expected = [1000.5, 3200.5, 7040.5, 9865.5];
        assert_eq!(forward(&s, &x, &w, Some(&[0.5]))?, expected);
        let dy = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(
            backward_input(&s, &dy, &w)?,
            [
                1000.0, 200.0, 2000.0, 30.0, 4.0, 40.0, 3000.0, 400.0, 4000.0
            ]
        );
        assert_eq!(backward_weight(&s, &x, &dy)?, [20.0, 36.0, 36.0, 64.0]);
        assert_eq!(backward_bias(&s, &dy)?, [10.0]);
        Ok(())
    }

    #[test]
    fn groups_see_their_own_maps() -> Result<()> {
        let s = Sizes {
            input: (1, 4, 1, 1),
            c_out: 2,
            window: Window2d::square(1),
            groups: 2,
        };
        let y = forward(&s, &[1.0, 2.0, 3.0, 4.0], &[1.0, 10.0, 1.0, 10.0], None)?;
        assert_eq!(y, [21.0, 43.0]);
        Ok(())
    }
}
