//! `LANES` points of one channel at once, where the four neighbors of each, a square of pixels, are all in memory.
//!
//! ```text
//! load the upper pair and the lower pair of neighbors of each point, one point a lane
//! y    = (w0 x0 + w1 x1) + (w2 x2 + w3 x3)
//! dots = dy x0, dy x1, dy x2, dy x3
//! dx   : the products dy w0 .. dy w3 are vectors, too, but are added point by point, since points share pixels
//! ```

use striate::kernels::Real;
use striate::kernels::parts::Simd;

use super::block::{Block, MOST_LANES};
use super::layout::Dots;
use super::number::Number;

/// The neighbors of the points at `bases`: upper left, upper right, lower left, lower right.
///
/// # Safety
/// `LANES` bases, each a pixel of `x` with neighbors right and below; called under `dispatch`.
#[inline(always)]
unsafe fn neighbors<S: Simd>(x: *const S::Elem, stride: usize, bases: *const i32) -> [S::V; 4] {
    // SAFETY: the caller's promise.
    unsafe {
        let (upper_left, upper_right) = S::load_pairs_at(x, bases);
        let (lower_left, lower_right) = S::load_pairs_at(x.add(stride), bases);
        [upper_left, upper_right, lower_left, lower_right]
    }
}

/// Stores the values of one channel, whose rows are `stride` apart, at the points of `block` from `first` on.
///
/// # Safety
/// `first` is a multiple of `LANES` below `block.len`; the next `LANES` bases are pixels of `x` with neighbors right and below;
/// `y` has room for the points of the block; called under `dispatch`.
#[inline(always)]
pub(super) unsafe fn values<S: Simd<Elem: Number>>(
    x: *const S::Elem,
    stride: usize,
    block: &Block<S::Elem>,
    first: usize,
    y: *mut S::Elem,
) {
    let count = block.len - first;
    // SAFETY: the caller's promise.
    unsafe {
        let weight = block.weight_vectors::<S>(first);
        let x = neighbors::<S>(x, stride, block.base.as_ptr().add(first));
        let upper = S::add(S::mul(weight[0], x[0]), S::mul(weight[1], x[1]));
        let lower = S::add(S::mul(weight[2], x[2]), S::mul(weight[3], x[3]));
        let (y, value) = (y.add(first), S::add(upper, lower));
        if count < S::LANES {
            S::store_first(y, value, count);
        } else {
            S::store(y, value);
        }
    }
}

/// Adds what the points of `block` from `first` on, with their `dy`, give to one channel's gradient `dx` (`INPUT`) and to the dots (`GRID`).
///
/// # Safety
/// As [`values`] for `dy` in place of `y`; `x` with `GRID` and `dx` with `INPUT` are maps of one layout.
#[inline(always)]
pub(super) unsafe fn gradients<S: Simd<Elem: Number>, const INPUT: bool, const GRID: bool>(
    x: *const S::Elem,
    dx: *mut S::Elem,
    stride: usize,
    block: &Block<S::Elem>,
    first: usize,
    dy: *const S::Elem,
    dots: &mut Dots<S::Elem>,
) {
    let count = (block.len - first).min(S::LANES);
    // SAFETY: the caller's promise; a row of dots holds whole vectors.
    unsafe {
        let dy = dy.add(first);
        let g = match count < S::LANES {
            true => S::load_first(dy, count),
            false => S::load(dy),
        };
        if GRID {
            let x = neighbors::<S>(x, stride, block.base.as_ptr().add(first));
            for (dots, x) in dots.iter_mut().zip(x) {
                let dots = dots.as_mut_ptr().add(first);
                S::store(dots, S::add(S::load(dots), S::mul(g, x)));
            }
        }
        if INPUT {
            let mut parts = [[S::Elem::ZERO; MOST_LANES]; 4];
            for (part, weight) in parts.iter_mut().zip(block.weight_vectors::<S>(first)) {
                S::store(part.as_mut_ptr(), S::mul(g, weight));
            }
            for t in 0..count {
                let upper = dx.add(block.base[first + t] as usize);
                let lower = upper.add(stride);
                // Neighbors in turns, or the compiler adds to two at once: the next point's load of one of them then waits for that store.
                *upper += parts[0][t];
                *lower += parts[2][t];
                *upper.add(1) += parts[1][t];
                *lower.add(1) += parts[3][t];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Result;
    use striate::kernels::level::Level;

    use super::super::bilinear::{ChannelLayout, backward, forward};
    use super::super::shape::{Gradients, NeedsGrad, SampleShape};
    use crate::options::{AlignCorners, PaddingMode};

    /// Every level adds in the order of the formulas above, point after point: the bits are those of plain loops.
    #[test]
    fn the_bits_are_those_of_plain_loops() -> Result<()> {
        let (h, w, points) = (9, 11, 75);
        let shape = SampleShape::new(
            (1, 1),
            [h, w],
            points,
            AlignCorners::Yes,
            PaddingMode::Zeros,
        )?;
        let number = |k: usize| (k * 7919 % 10_007) as f32 / 10_007.0;
        let x: Vec<f32> = (0..h * w).map(number).collect();
        let dy: Vec<f32> = (0..points).map(|k| number(k + 500) - 0.5).collect();
        // Coordinates from -0.9 to 0.9: every square is on the map, and many share pixels.
        let grid: Vec<f32> = (0..2 * points)
            .map(|k| 1.8 * number(k + 999) - 0.9)
            .collect();

        let (mut y, mut dx, mut dgrid) = (Vec::new(), vec![0f32; h * w], Vec::new());
        for (at, &g) in grid.chunks_exact(2).zip(&dy) {
            let (scale_x, scale_y) = ((w - 1) as f32 / 2.0, (h - 1) as f32 / 2.0);
            let (px, py) = ((at[0] + 1.0) * scale_x, (at[1] + 1.0) * scale_y);
            let (fx, fy) = (px - px.floor(), py - py.floor());
            let base = py as usize * w + px as usize;
            let weight = [
                (1.0 - fx) * (1.0 - fy),
                fx * (1.0 - fy),
                (1.0 - fx) * fy,
                fx * fy,
            ];
            let pixel = [base, base + 1, base + w, base + w + 1];
            let [a, b, c, d] = pixel.map(|pixel| x[pixel]);
            y.push((weight[0] * a + weight[1] * b) + (weight[2] * c + weight[3] * d));
            for k in 0..4 {
                dx[pixel[k]] += g * weight[k];
            }
            let dot = [g * a, g * b, g * c, g * d];
            let along_x = (dot[1] - dot[0]) * (1.0 - fy) + (dot[3] - dot[2]) * fy;
            let along_y = (dot[2] - dot[0]) * (1.0 - fx) + (dot[3] - dot[1]) * fx;
            dgrid.extend([along_x * scale_x, along_y * scale_y]);
        }

        let needs = NeedsGrad {
            input: true,
            grid: true,
        };
        for level in Level::ALL.into_iter().filter(|level| level.available()) {
            let layout = ChannelLayout::Planar;
            assert_eq!(forward(level, layout, &shape, &x, &grid)?, y, "{level}");
            let got: Gradients<f32> = backward(level, layout, &shape, [&x, &grid, &dy], needs)?;
            assert_eq!(
                (got.input, got.grid),
                (dx.clone(), dgrid.clone()),
                "{level}"
            );
        }
        Ok(())
    }
}
