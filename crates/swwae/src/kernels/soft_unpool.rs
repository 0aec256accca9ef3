//! Unpooling at fractional positions: each value is spread over the four cells around its position.
//!
//! ```text
//! u = (y + 1)/2 (k - 1),  v = (x + 1)/2 (k - 1)        position in cells, kept inside the window
//! r = floor(u), f = u - r;  c = floor(v), g = v - c    at the last cell: r = k - 2, f = 1
//! out[r, c] = (1-f)(1-g) m   out[r, c+1] = (1-f) g m   out[r+1, c] = f (1-g) m   out[r+1, c+1] = f g m
//! ```
//!
//! Windows do not overlap, so every cell is written by one window.
//! What falls on cells that do not exist, where the last window hangs over the edge, is lost.

use striate::kernels::Real;
use striate::kernels::parts::split2;

use super::SoftShape;

/// The unpooled maps of `what` (planes, windows) at `place` (planes, 2, windows), x before y.
pub(crate) fn forward<T: Real>(s: &SoftShape, what: &[T], place: &[T]) -> Vec<T> {
    let mut out = vec![T::ZERO; s.planes * s.cells()];
    let n = s.windows();
    let fill = |_, what: &[T], place: &[T], out: &mut [T]| {
        let planes = what.chunks_exact(n).zip(place.chunks_exact(2 * n));
        for ((what, place), out) in planes.zip(out.chunks_exact_mut(s.cells())) {
            for (at, &m) in what.iter().enumerate() {
                let (x, y) = (Axis::new(s.k, place[at]), Axis::new(s.k, place[n + at]));
                for (du, wy) in y.weights().into_iter().enumerate() {
                    for (dv, wx) in x.weights().into_iter().enumerate() {
                        if let Some(cell) = cell(s, at, y.cell + du, x.cell + dv) {
                            out[cell] += m * wy * wx;
                        }
                    }
                }
            }
        }
    };
    split2((what, n), (place, 2 * n), (&mut out, s.cells()), fill);
    out
}

/// The gradients with respect to what and place, from that of the maps.
pub(crate) fn backward<T: Real>(
    s: &SoftShape,
    what: &[T],
    place: &[T],
    grad: &[T],
) -> (Vec<T>, Vec<T>) {
    let n = s.windows();
    // dm, dx and dy of a plane follow each other until they are parted.
    let mut packed = vec![T::ZERO; s.planes * 3 * n];
    let fill = |first: usize, place: &[T], grad: &[T], packed: &mut [T]| {
        let what = what[first * n..].chunks_exact(n);
        let planes = place.chunks_exact(2 * n).zip(grad.chunks_exact(s.cells()));
        for (((place, grad), what), packed) in planes.zip(what).zip(packed.chunks_exact_mut(3 * n))
        {
            for (at, &m) in what.iter().enumerate() {
                let (x, y) = (Axis::new(s.k, place[at]), Axis::new(s.k, place[n + at]));
                let (mut dm, mut dx, mut dy) = (T::ZERO, T::ZERO, T::ZERO);
                for (du, (wy, sy)) in y.weights().into_iter().zip(y.slopes()).enumerate() {
                    for (dv, (wx, sx)) in x.weights().into_iter().zip(x.slopes()).enumerate() {
                        if let Some(cell) = cell(s, at, y.cell + du, x.cell + dv) {
                            let g = grad[cell];
                            dm += g * wy * wx;
                            dx += g * m * wy * sx;
                            dy += g * m * sy * wx;
                        }
                    }
                }
                packed[at] = dm;
                packed[n + at] = dx;
                packed[2 * n + at] = dy;
            }
        }
    };
    split2(
        (place, 2 * n),
        (grad, s.cells()),
        (&mut packed, 3 * n),
        fill,
    );
    let parts = packed.chunks_exact(3 * n).map(|plane| plane.split_at(n));
    let (dm, dplace): (Vec<&[T]>, Vec<&[T]>) = parts.unzip();
    (dm.concat(), dplace.concat())
}

/// The cell of row `u` and column `v` of window `at`, if the map has it.
#[inline(always)]
fn cell(s: &SoftShape, at: usize, u: usize, v: usize) -> Option<usize> {
    let (row, column) = (at / s.wo * s.k + u, at % s.wo * s.k + v);
    (u < s.k && v < s.k && row < s.h && column < s.w).then_some(row * s.w + column)
}

/// One coordinate of a position.
struct Axis<T> {
    /// The cell before the position.
    cell: usize,
    /// How far the position lies past that cell.
    fraction: T,
    /// Cells for each unit of the coordinate; 0 where the coordinate was cut off.
    scale: T,
}

impl<T: Real> Axis<T> {
    #[inline(always)]
    fn new(k: usize, coordinate: T) -> Self {
        let scale = T::from_f64((k - 1) as f64 / 2.0);
        let inside = coordinate >= -T::ONE && coordinate <= T::ONE;
        let at = (coordinate + T::ONE) * scale;
        let last = (k - 1) as f64;
        // A coordinate that is not a number stays one in the fraction and spoils the output, as it should.
        let cell = at.to_f64().clamp(0.0, (last - 1.0).max(0.0)).floor();
        let fraction = at - T::from_f64(cell);
        let fraction = if fraction < T::ZERO {
            T::ZERO
        } else if fraction > T::ONE {
            T::ONE
        } else {
            fraction
        };
        Self {
            cell: cell as usize,
            fraction,
            scale: if inside { scale } else { T::ZERO },
        }
    }

    /// The shares of the cell and of the next one.
    #[inline(always)]
    fn weights(&self) -> [T; 2] {
        [T::ONE - self.fraction, self.fraction]
    }

    /// The derivatives of the shares.
    #[inline(always)]
    fn slopes(&self) -> [T; 2] {
        [-self.scale, self.scale]
    }
}
