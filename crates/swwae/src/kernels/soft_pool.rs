//! Soft pooling: what and where of each window, weighted by softmax(beta z).
//!
//! ```text
//! for each plane and each row of windows:                       forward
//!     e[i] = exp(beta (z[i] - max of the window))               over whole rows of the map
//!     S = sum of e
//!     m = sum of e z / S,  x = sum of e gx / S,  y = sum of e gy / S
//! dz[i] = e[i]/S (dm (1 + beta (z[i] - m)) + beta (dx (gx - x) + dy (gy - y)))      backward
//! ```
//!
//! The output is (planes, 3, windows): m, x and y of a plane follow each other.
//! Nothing but the output is kept; the backward pass computes e again.

use striate::kernels::parts::{split, split2, vectorize};

use super::{Exp, SoftShape};

/// What, where x and where y of every window.
pub(crate) fn forward<T: Exp>(s: &SoftShape, beta: f64, z: &[T]) -> Vec<T> {
    let mut packed = vec![T::ZERO; s.planes * 3 * s.windows()];
    split(
        (z, s.cells()),
        (&mut packed, 3 * s.windows()),
        |z, packed| {
            let mut band = Band::new(s, beta);
            let planes = z
                .chunks_exact(s.cells())
                .zip(packed.chunks_exact_mut(3 * s.windows()));
            for (z, packed) in planes {
                let (what, place) = packed.split_at_mut(s.windows());
                let (xs, ys) = place.split_at_mut(s.windows());
                for i in 0..s.ho {
                    let out = i * s.wo..(i + 1) * s.wo;
                    vectorize(|| band.weigh(z, i));
                    band.sums(
                        z,
                        i,
                        &mut what[out.clone()],
                        &mut xs[out.clone()],
                        &mut ys[out],
                    );
                }
            }
        },
    );
    packed
}

/// The gradient with respect to the maps, from that of the packed output.
pub(crate) fn backward<T: Exp>(
    s: &SoftShape,
    beta: f64,
    z: &[T],
    packed: &[T],
    grad: &[T],
) -> Vec<T> {
    // Cells that no window covers get no gradient.
    let mut dz = vec![T::ZERO; s.planes * s.cells()];
    let windows = 3 * s.windows();
    let fill = |first: usize, z: &[T], grad: &[T], dz: &mut [T]| {
        let mut band = Band::new(s, beta);
        let packed = packed[first * windows..].chunks_exact(windows);
        let planes = z
            .chunks_exact(s.cells())
            .zip(grad.chunks_exact(windows))
            .zip(packed);
        for (((z, grad), packed), dz) in planes.zip(dz.chunks_exact_mut(s.cells())) {
            for i in 0..s.ho {
                vectorize(|| band.weigh(z, i));
                band.gradient(z, i, packed, grad, dz);
            }
        }
    };
    split2((z, s.cells()), (grad, windows), (&mut dz, s.cells()), fill);
    dz
}

/// The weights of one row of windows.
struct Band<'a, T> {
    s: &'a SoftShape,
    beta: T,
    /// Coordinate of each row or column of a window.
    grid: Vec<T>,
    /// The maximum of each window, once for each column of the map.
    top: Vec<T>,
    /// e, row by row of the map, `covered_columns` each.
    e: Vec<T>,
    /// 1 / sum of e, for each window.
    inverse: Vec<T>,
}

impl<'a, T: Exp> Band<'a, T> {
    fn new(s: &'a SoftShape, beta: f64) -> Self {
        let columns = s.covered_columns();
        // A window may be larger than the map: what it has no cells for takes no memory.
        let side = s.k.min(s.h.max(s.w));
        Self {
            s,
            beta: T::from_f64(beta),
            grid: (0..side).map(|u| T::from_f64(s.coordinate(u))).collect(),
            top: vec![T::ZERO; columns],
            e: vec![T::ZERO; columns * s.k.min(s.h)],
            inverse: vec![T::ZERO; s.wo],
        }
    }

    /// Computes `e` and `inverse` for the windows in row `i` of the plane `z`.
    #[inline(always)]
    fn weigh(&mut self, z: &[T], i: usize) {
        let (s, columns, k) = (self.s, self.top.len(), self.s.k);
        let rows = s.rows(i);
        let row = |r: usize| &z[r * s.w..r * s.w + columns];
        // The maximum of each column, then of each window, kept in all of its columns.
        self.top.copy_from_slice(row(rows.start));
        for r in rows.clone().skip(1) {
            for (top, &z) in self.top.iter_mut().zip(row(r)) {
                *top = if z > *top { z } else { *top };
            }
        }
        for window in self.top.chunks_mut(k) {
            let top = window
                .iter()
                .fold(T::NEG_INFINITY, |top, &z| if z > top { z } else { top });
            window.fill(top);
        }
        self.inverse.fill(T::ZERO);
        for (r, e) in rows.zip(self.e.chunks_exact_mut(columns)) {
            for ((e, &z), &top) in e.iter_mut().zip(row(r)).zip(&self.top) {
                *e = (self.beta * (z - top)).exp_of_negative();
            }
            for (sum, e) in self.inverse.iter_mut().zip(e.chunks(k)) {
                e.iter().for_each(|&e| *sum += e);
            }
        }
        for sum in &mut self.inverse {
            *sum = T::ONE / *sum;
        }
    }

    /// Writes what and where of the windows in row `i`.
    #[inline(always)]
    fn sums(&self, z: &[T], i: usize, what: &mut [T], xs: &mut [T], ys: &mut [T]) {
        let (s, columns, k) = (self.s, self.top.len(), self.s.k);
        what.fill(T::ZERO);
        xs.fill(T::ZERO);
        ys.fill(T::ZERO);
        let lines = s.rows(i).zip(self.e.chunks_exact(columns)).zip(&self.grid);
        for ((r, e), &gy) in lines {
            let z = &z[r * s.w..r * s.w + columns];
            for (j, (e, z)) in e.chunks(k).zip(z.chunks(k)).enumerate() {
                for ((&e, &z), &gx) in e.iter().zip(z).zip(&self.grid) {
                    what[j] += e * z;
                    xs[j] += e * gx;
                    ys[j] += e * gy;
                }
            }
        }
        for (j, &inverse) in self.inverse.iter().enumerate() {
            what[j] = what[j] * inverse;
            xs[j] = xs[j] * inverse;
            ys[j] = ys[j] * inverse;
        }
    }

    /// Writes the gradient of the cells that the windows in row `i` see.
    #[inline(always)]
    fn gradient(&self, z: &[T], i: usize, packed: &[T], grad: &[T], dz: &mut [T]) {
        let (s, columns, k) = (self.s, self.top.len(), self.s.k);
        let n = s.windows();
        let lines = s.rows(i).zip(self.e.chunks_exact(columns)).zip(&self.grid);
        for ((r, e), &gy) in lines {
            let (z, dz) = (&z[r * s.w..], &mut dz[r * s.w..r * s.w + columns]);
            let windows = e.chunks(k).zip(z.chunks(k)).zip(dz.chunks_mut(k));
            for (j, ((e, z), dz)) in windows.enumerate() {
                let at = i * s.wo + j;
                let (m, x, y) = (packed[at], packed[n + at], packed[2 * n + at]);
                let (dm, dx, dy) = (grad[at], grad[n + at], grad[2 * n + at]);
                let of_row = dy * (gy - y);
                for (((&e, &z), dz), &gx) in e.iter().zip(z).zip(dz).zip(&self.grid) {
                    let pull = dm * (z - m) + dx * (gx - x) + of_row;
                    let share = e * self.inverse[j];
                    let moved = share * (dm + self.beta * pull);
                    // Without a share nothing moves, though a large beta makes the other factor infinite.
                    *dz = if share == T::ZERO { share } else { moved };
                }
            }
        }
    }
}
