//! Gradients of one plane, back to the positions of its maxima.

use crate::kernels::pool_shape::PoolShape;
use crate::kernels::real::Real;
use crate::window::Window2d;

/// Columns of a row from which on [`spread_pairs`] is faster than [`scatter`].
const WIDE: usize = 16;

/// The gradient of one plane.
#[inline(always)]
pub(super) fn spread<T: Real>(s: &PoolShape, at: &[u32], dy: &[T], dx: &mut [T]) {
    let tiles = Window2d::square(2).stride(2);
    if s.wo >= WIDE && (s.window == tiles || s.window == tiles.ceil()) {
        spread_pairs(s, at, dy, dx);
    } else {
        scatter(at, dy, dx);
    }
}

/// As [`scatter`] for windows of 2x2 cells side by side: every cell asks its only window; all cells of a row at once.
#[inline(always)]
fn spread_pairs<T: Real>(s: &PoolShape, at: &[u32], dy: &[T], dx: &mut [T]) {
    for (row, line) in dx.chunks_exact_mut(s.w).enumerate() {
        let window = row / 2 * s.wo;
        let (Some(at), Some(dy)) = (at.get(window..window + s.wo), dy.get(window..window + s.wo))
        else {
            // An odd last row that no window sees.
            line.fill(T::ZERO);
            continue;
        };
        let (pairs, rest) = line.as_chunks_mut::<2>();
        let mut here = (row * s.w) as u32;
        for ((pair, &at), &dy) in pairs.iter_mut().zip(at).zip(dy) {
            pair[0] = if at == here { dy } else { T::ZERO };
            pair[1] = if at == here.wrapping_add(1) {
                dy
            } else {
                T::ZERO
            };
            here = here.wrapping_add(2);
        }
        // An odd last column: seen by a window that the edge cuts, or by none.
        for cell in rest {
            let last = s.w / 2;
            let own = at.get(last).is_some_and(|&at| at == here);
            *cell = if own { dy[last] } else { T::ZERO };
        }
    }
}

/// Every window's gradient goes to its maximum.
#[inline(always)]
fn scatter<T: Real>(at: &[u32], dy: &[T], dx: &mut [T]) {
    dx.fill(T::ZERO);
    for (&at, &dy) in at.iter().zip(dy) {
        if let Some(cell) = dx.get_mut(at as usize) {
            *cell += dy;
        }
    }
}
