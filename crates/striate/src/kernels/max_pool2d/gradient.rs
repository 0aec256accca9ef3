//! Gradients of one plane, back to the positions of its maxima.

use crate::kernels::pool_shape::PoolShape;
use crate::kernels::real::Real;
use crate::window::Window2d;

/// The gradient of one plane.
#[inline(always)]
pub(super) fn spread<T: Real>(s: &PoolShape, at: &[u32], dy: &[T], dx: &mut [T]) {
    let is = |window: Window2d| s.window == window || s.window == window.ceil();
    if is(Window2d::square(2).stride(2)) {
        spread_pairs(s, at, dy, dx);
    } else if is(Window2d::square(3).stride(2)) {
        spread_threes(s, at, dy, dx);
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

/// As [`scatter`] for windows of 3x3 cells that share their edges: every cell asks its windows, one to four,
/// in the order in which [`scatter`] comes to them.
#[inline(always)]
fn spread_threes<T: Real>(s: &PoolShape, at: &[u32], dy: &[T], dx: &mut [T]) {
    for (row, line) in dx.chunks_exact_mut(s.w).enumerate() {
        line.fill(T::ZERO);
        // The window above an even row ends in it.
        let above = (row % 2 == 0 && row > 0).then(|| row / 2 - 1);
        for window in above.into_iter().chain([row / 2]) {
            let windows = window * s.wo..(window + 1) * s.wo;
            if let (Some(at), Some(dy)) = (at.get(windows.clone()), dy.get(windows)) {
                add_threes(at, dy, (row * s.w) as u32, line);
            }
        }
    }
}

/// Adds the gradients of a row of windows of three columns, two apart, to a row of cells, whose first is at `here`.
#[inline(always)]
fn add_threes<T: Real>(at: &[u32], dy: &[T], mut here: u32, line: &mut [T]) {
    let won = |at: u32, here: u32, dy: T| if at == here { dy } else { T::ZERO };
    let (pairs, rest) = line.as_chunks_mut::<2>();
    let Some((first, pairs)) = pairs.split_first_mut() else {
        // One column: all windows but the first are beyond it.
        for (cell, (&at, &dy)) in rest.iter_mut().zip(at.iter().zip(dy)) {
            *cell += won(at, here, dy);
        }
        return;
    };
    // The first window begins here; any other column pair ends a window and begins the next.
    first[0] += won(at[0], here, dy[0]);
    first[1] += won(at[0], here.wrapping_add(1), dy[0]);
    let (left, right) = (at.iter().zip(dy), at.iter().zip(dy).skip(1));
    for ((pair, (&at, &dy)), (&next_at, &next_dy)) in pairs.iter_mut().zip(left).zip(right) {
        here = here.wrapping_add(2);
        pair[0] += won(at, here, dy);
        pair[0] += won(next_at, here, next_dy);
        pair[1] += won(next_at, here.wrapping_add(1), next_dy);
    }
    // Cells behind the last window's begin: its last column, and what no window sees.
    for cell in line.iter_mut().skip(2 * at.len()).take(1) {
        let last = at.len() - 1;
        let end = here.wrapping_add(2);
        *cell += won(at[last], end, dy[last]);
    }
}

#[inline(always)]
fn scatter<T: Real>(at: &[u32], dy: &[T], dx: &mut [T]) {
    dx.fill(T::ZERO);
    for (&at, &dy) in at.iter().zip(dy) {
        if let Some(cell) = dx.get_mut(at as usize) {
            *cell += dy;
        }
    }
}
