//! The transforms of Winograd's short convolutions on 6x6 tiles.
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
//! [`input`] (B^T), [`values`] (A, and G before its division), [`sums`] (their transposes).
//! In two dimensions a map runs down the columns, then along the rows.
//!
//! Safety: pointers have the extents that each function names; vectors need [`dispatch`](crate::kernels::simd::dispatch).

#![expect(
    clippy::needless_range_loop,
    reason = "the loops are the formulas' indices"
)]

use crate::kernels::simd::Simd;

/// Side of a tile.
pub(super) const SIDE: usize = 6;
/// Cells of a tile.
pub(super) const CELLS: usize = SIDE * SIDE;
/// 1 / n: what G divides by.
const NORMS: [f64; SIDE] = [
    1.0 / 4.0,
    -1.0 / 6.0,
    -1.0 / 6.0,
    1.0 / 24.0,
    1.0 / 24.0,
    1.0,
];

type Tile<S> = [[<S as Simd>::V; SIDE]; SIDE];

#[inline(always)]
unsafe fn number<S: Simd<Elem = f32>>(value: f64) -> S::V {
    // SAFETY: passed on.
    unsafe { S::splat(value as f32) }
}

/// B^T d.
#[inline(always)]
unsafe fn input<S: Simd<Elem = f32>>(d: [S::V; SIDE]) -> [S::V; SIDE] {
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

/// The polynomial with the coefficients `c` at the six points.
#[inline(always)]
unsafe fn values<S: Simd<Elem = f32>, const N: usize>(c: [S::V; N]) -> [S::V; SIDE] {
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

/// The transpose of [`values`].
#[inline(always)]
unsafe fn sums<S: Simd<Elem = f32>, const N: usize>(v: [S::V; SIDE]) -> [S::V; N] {
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

/// B^T d B of the 6x6 pixels at `from` (rows `row_step` apart, pixels LANES apart), cells stored `plane` apart.
#[inline(always)]
pub(super) unsafe fn input_tile<S: Simd<Elem = f32>>(
    from: *const f32,
    row_step: usize,
    to: *mut f32,
    plane: usize,
) {
    // SAFETY: the caller grants 6x6 pixels and 36 planes.
    unsafe {
        let mut halfway: Tile<S> = [[S::zero(); SIDE]; SIDE];
        for j in 0..SIDE {
            let mut column = [S::zero(); SIDE];
            for i in 0..SIDE {
                column[i] = S::load(from.add(i * row_step + j * S::LANES));
            }
            let column = input::<S>(column);
            for i in 0..SIDE {
                halfway[i][j] = column[i];
            }
        }
        for i in 0..SIDE {
            let row = input::<S>(halfway[i]);
            for j in 0..SIDE {
                S::store(to.add((i * SIDE + j) * plane), row[j]);
            }
        }
    }
}

/// A y A^T of the MxM pixels at `from`, stored as by [`input_tile`].
#[inline(always)]
pub(super) unsafe fn gradient_tile<S: Simd<Elem = f32>, const M: usize>(
    from: *const f32,
    row_step: usize,
    to: *mut f32,
    plane: usize,
) {
    // SAFETY: the caller grants MxM pixels and 36 planes.
    unsafe {
        let mut halfway = [[S::zero(); M]; SIDE];
        for j in 0..M {
            let mut column = [S::zero(); M];
            for i in 0..M {
                column[i] = S::load(from.add(i * row_step + j * S::LANES));
            }
            let column = values::<S, M>(column);
            for i in 0..SIDE {
                halfway[i][j] = column[i];
            }
        }
        for i in 0..SIDE {
            let row = values::<S, M>(halfway[i]);
            for j in 0..SIDE {
                S::store(to.add((i * SIDE + j) * plane), row[j]);
            }
        }
    }
}

/// A^T m A of the 36 cells at `from`, `plane` apart: MxM outputs.
#[inline(always)]
pub(super) unsafe fn output_tile<S: Simd<Elem = f32>, const M: usize>(
    from: *const f32,
    plane: usize,
) -> [[S::V; M]; M] {
    // SAFETY: the caller grants 36 planes.
    unsafe { shrink::<S, M>(|cell| S::load(from.add(cell * plane))) }
}

/// G g G^T of KxK taps.
#[inline(always)]
pub(super) unsafe fn weight_tile<S: Simd<Elem = f32>, const K: usize>(
    taps: [[S::V; K]; K],
) -> Tile<S> {
    // SAFETY: passed on.
    unsafe {
        let mut halfway = [[S::zero(); K]; SIDE];
        for j in 0..K {
            let mut column = [S::zero(); K];
            for i in 0..K {
                column[i] = taps[i][j];
            }
            let column = values::<S, K>(column);
            for i in 0..SIDE {
                halfway[i][j] = column[i];
            }
        }
        let mut tile = [[S::zero(); SIDE]; SIDE];
        for i in 0..SIDE {
            tile[i] = values::<S, K>(halfway[i]);
            for j in 0..SIDE {
                tile[i][j] = S::mul(tile[i][j], number::<S>(NORMS[i] * NORMS[j]));
            }
        }
        tile
    }
}

/// G^T u G of the 36 cells that `cell` gives: the gradient of KxK taps.
#[inline(always)]
pub(super) unsafe fn weight_gradient_tile<S: Simd<Elem = f32>, const K: usize>(
    cell: impl Fn(usize) -> S::V,
) -> [[S::V; K]; K] {
    // SAFETY: passed on.
    unsafe {
        shrink::<S, K>(|at| S::mul(cell(at), number::<S>(NORMS[at / SIDE] * NORMS[at % SIDE])))
    }
}

/// [`sums`] down the columns, then along the rows.
#[inline(always)]
unsafe fn shrink<S: Simd<Elem = f32>, const N: usize>(
    cell: impl Fn(usize) -> S::V,
) -> [[S::V; N]; N] {
    // SAFETY: passed on.
    unsafe {
        let mut halfway = [[S::zero(); SIDE]; N];
        for j in 0..SIDE {
            let mut column = [S::zero(); SIDE];
            for i in 0..SIDE {
                column[i] = cell(i * SIDE + j);
            }
            let column = sums::<S, N>(column);
            for i in 0..N {
                halfway[i][j] = column[i];
            }
        }
        let mut tile = [[S::zero(); N]; N];
        for i in 0..N {
            tile[i] = sums::<S, N>(halfway[i]);
        }
        tile
    }
}
