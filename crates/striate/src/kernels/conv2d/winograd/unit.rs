//! Stride 1: Winograd's short convolutions on 6x6 tiles.
//!
//! M outputs of a K-tap correlation read M + K - 1 = 6 inputs; F(4, 3) and F(2, 5) both do.
//! Input, taps and outputs are polynomials; the product is taken at the points p = 0, 1, -1, 2, -2 and infinity:
//!
//! ```text
//! outputs = A^T [ (G taps) * (B^T input) ]        * elementwise
//!
//! A[i, j] = p_i^j                  6 x M          infinity reads the last coefficient
//! G[i, j] = p_i^j / n_i            6 x K          n = 4, -6, -6, 24, 24, 1 (product of p_i - p_j over j != i)
//! B^T     = coefficients of the product of x - p_j over j != i, 6 x 6
//! ```
//!
//! The taps' gradient is the transpose of the same formula, G^T [ (B^T input) * (A douts) ], so three 1-D maps serve all:
//! [`Input`] (B^T), [`Values`] (A, and G before its division), [`Sums`] (their transposes).
//!
//! Safety: pointers have the extents that each function names; vectors need [`dispatch`](crate::kernels::simd::dispatch).

use super::form::{Form, Map, Tile, WeightGradient, pixels_to_cells, twice};
use crate::kernels::simd::Simd;

/// Side of a tile.
const SIDE: usize = 6;
/// 1 / n: what G divides by.
const NORMS: [f64; SIDE] = [
    1.0 / 4.0,
    -1.0 / 6.0,
    -1.0 / 6.0,
    1.0 / 24.0,
    1.0 / 24.0,
    1.0,
];

#[inline(always)]
unsafe fn number<S: Simd<Elem = f32>>(value: f64) -> S::V {
    // SAFETY: passed on.
    unsafe { S::splat(value as f32) }
}

/// B^T d.
struct Input;

impl Map<SIDE, SIDE> for Input {
    #[inline(always)]
    unsafe fn map<S: Simd<Elem = f32>>(d: [S::V; SIDE]) -> [S::V; SIDE] {
        // SAFETY: passed on.
        unsafe {
            let (two, four, five) = (number::<S>(2.0), number::<S>(4.0), number::<S>(5.0));
            let even_1 = S::fnma(four, d[2], d[4]);
            let odd_1 = S::fnma(four, d[1], d[3]);
            let even_2 = S::sub(d[4], d[2]);
            let odd_2 = S::sub(d[3], d[1]);
            [
                S::fma(four, d[0], S::fnma(five, d[2], d[4])),
                S::add(even_1, odd_1),
                S::sub(even_1, odd_1),
                S::fma(two, odd_2, even_2),
                S::fnma(two, odd_2, even_2),
                S::fma(four, d[1], S::fnma(five, d[3], d[5])),
            ]
        }
    }
}

/// The polynomial with the coefficients `c` at the six points.
struct Values;

impl<const N: usize> Map<N, SIDE> for Values {
    #[inline(always)]
    unsafe fn map<S: Simd<Elem = f32>>(c: [S::V; N]) -> [S::V; SIDE] {
        // SAFETY: passed on.
        unsafe {
            let (two, four) = (number::<S>(2.0), number::<S>(4.0));
            // Even and odd parts by Horner's rule in p * p, from the highest coefficient down.
            let part = |parity: usize, square: Option<S::V>| {
                let mut sum = S::zero();
                for j in (0..N).rev().filter(|j| j % 2 == parity) {
                    sum = if j + 2 >= N {
                        c[j]
                    } else {
                        match square {
                            Some(square) => S::fma(square, sum, c[j]),
                            None => S::add(sum, c[j]),
                        }
                    };
                }
                sum
            };
            let (even_1, odd_1) = (part(0, None), part(1, None));
            let (even_2, odd_2) = (part(0, Some(four)), part(1, Some(four)));
            [
                c[0],
                S::add(even_1, odd_1),
                S::sub(even_1, odd_1),
                S::fma(two, odd_2, even_2),
                S::fnma(two, odd_2, even_2),
                c[N - 1],
            ]
        }
    }
}

/// The transpose of [`Values`].
struct Sums;

impl<const N: usize> Map<SIDE, N> for Sums {
    #[inline(always)]
    unsafe fn map<S: Simd<Elem = f32>>(v: [S::V; SIDE]) -> [S::V; N] {
        // SAFETY: passed on.
        unsafe {
            let (even_1, odd_1) = (S::add(v[1], v[2]), S::sub(v[1], v[2]));
            let (even_2, odd_2) = (S::add(v[3], v[4]), S::sub(v[3], v[4]));
            let mut sums = [S::zero(); N];
            for (j, sum) in sums.iter_mut().enumerate() {
                let (first, second) = if j % 2 == 0 {
                    (even_1, even_2)
                } else {
                    (odd_1, odd_2)
                };
                *sum = match j {
                    0 => S::add(v[0], S::add(first, second)),
                    _ => S::fma(number::<S>(f64::from(1u32 << j)), second, first),
                };
                if j == N - 1 {
                    *sum = S::add(*sum, v[SIDE - 1]);
                }
            }
            sums
        }
    }
}

/// Tiles of MxM outputs of a KxK kernel.
#[derive(Clone, Copy)]
pub(super) struct Unit<const M: usize, const K: usize>;

/// Tiles that overlap by the kernel, less one pixel.
pub(super) struct Overlapping<const M: usize>;

/// Tiles that do not.
pub(super) struct Apart<const M: usize>;

impl<const M: usize> Tile for Overlapping<M> {
    const STEP: usize = M;
    const READ: usize = SIDE;
    const CELLS: usize = SIDE * SIDE;

    #[inline(always)]
    unsafe fn transform<S: Simd<Elem = f32>>(
        from: *const f32,
        row_step: usize,
        to: *mut f32,
        plane: usize,
    ) {
        // SAFETY: passed on.
        unsafe { pixels_to_cells::<S, Input, SIDE, SIDE>(from, row_step, to, plane) }
    }
}

impl<const M: usize> Tile for Apart<M> {
    const STEP: usize = M;
    const READ: usize = M;
    const CELLS: usize = SIDE * SIDE;

    #[inline(always)]
    unsafe fn transform<S: Simd<Elem = f32>>(
        from: *const f32,
        row_step: usize,
        to: *mut f32,
        plane: usize,
    ) {
        // SAFETY: passed on.
        unsafe { pixels_to_cells::<S, Values, M, SIDE>(from, row_step, to, plane) }
    }
}

impl<const M: usize, const K: usize> Form for Unit<M, K> {
    const RESULTS: usize = M;
    const KERNEL: usize = K;
    type Input = Overlapping<M>;

    #[inline(always)]
    unsafe fn output_tile<S: Simd<Elem = f32>>(
        from: *const f32,
        plane: usize,
        to: impl FnMut(usize, usize, S::V),
    ) {
        // SAFETY: passed on.
        unsafe {
            twice::<S, Sums, SIDE, M>(|i, j| S::load(from.add((i * SIDE + j) * plane)), to);
        }
    }

    #[inline(always)]
    unsafe fn weight_tile<S: Simd<Elem = f32>>(
        tap: impl Fn(usize, usize) -> S::V,
        mut to: impl FnMut(usize, S::V),
    ) {
        // SAFETY: passed on.
        unsafe {
            twice::<S, Values, K, SIDE>(tap, |i, j, v| {
                to(i * SIDE + j, S::mul(v, number::<S>(NORMS[i] * NORMS[j])));
            });
        }
    }
}

impl<const M: usize, const K: usize> WeightGradient for Unit<M, K> {
    type Gradient = Apart<M>;

    #[inline(always)]
    unsafe fn weight_gradient_tile<S: Simd<Elem = f32>>(
        cell: impl Fn(usize) -> S::V,
        mut to: impl FnMut(usize, S::V),
    ) {
        // SAFETY: passed on.
        unsafe {
            twice::<S, Sums, SIDE, K>(
                |i, j| S::mul(cell(i * SIDE + j), number::<S>(NORMS[i] * NORMS[j])),
                |i, j, v| to(i * K + j, v),
            );
        }
    }
}
