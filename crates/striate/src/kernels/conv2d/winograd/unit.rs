//! Stride 1: Winograd's short convolutions.
//!
//! M outputs of a K-tap correlation read M + K - 1 inputs: F(4, 3) six, F(4, 5) eight.
//! Input, taps and outputs are polynomials; the product is taken at as many points p, the last of which is infinity:
//!
//! ```text
//! outputs = A^T [ (G taps) * (B^T input) ]        * elementwise
//!
//! A[i, j] = p_i^j                  infinity reads the last coefficient
//! G[i, j] = p_i^j / n_i            n = product of p_i - p_j over j != i, 1 for infinity
//! B^T     = coefficients of the product of x - p_j over j != i
//! ```
//!
//! The taps' gradient is the transpose of the same formula, G^T [ (B^T input) * (A douts) ], so three 1-D maps serve all:
//! [`Input`] (B^T), [`Values`] (A, and G before its division), [`Sums`] (their transposes).
//! `six` and `eight` have them for their points, which come in pairs p and -p: even and odd powers are summed apart.
//!
//! Safety: pointers have the extents that each function names; vectors need [`dispatch`](crate::kernels::simd::dispatch).

use super::form::{By, Form, Map, WeightGradient, cells_to_pixels, twice};
use crate::kernels::simd::Simd;

/// B^T d.
pub(super) struct Input;

/// The polynomial with these coefficients at the points.
pub(super) struct Values;

/// The transpose of [`Values`].
pub(super) struct Sums;

/// What G divides by.
pub(super) trait Norms<const SIDE: usize> {
    /// 1 / n.
    const NORMS: [f64; SIDE];
}

#[inline(always)]
pub(super) unsafe fn number<S: Simd<Elem = f32>>(value: f64) -> S::V {
    // SAFETY: passed on.
    unsafe { S::splat(value as f32) }
}

/// even + p odd, even - p odd.
#[inline(always)]
pub(super) unsafe fn pair<S: Simd<Elem = f32>>(even: S::V, odd: S::V, p: f64) -> [S::V; 2] {
    // SAFETY: passed on.
    unsafe {
        if p == 1.0 {
            return [S::add(even, odd), S::sub(even, odd)];
        }
        let p = number::<S>(p);
        [S::fma(p, odd, even), S::fnma(p, odd, even)]
    }
}

/// The even coefficients and the odd ones as polynomials in p * p, whose value is `square`: Horner's rule.
#[inline(always)]
pub(super) unsafe fn parts<S: Simd<Elem = f32>, const N: usize>(
    c: [S::V; N],
    square: f64,
) -> [S::V; 2] {
    // SAFETY: passed on.
    unsafe {
        let mut parts = [S::zero(); 2];
        for j in (0..N).rev() {
            let part = &mut parts[j % 2];
            *part = if j + 2 >= N {
                c[j]
            } else if square == 1.0 {
                S::add(*part, c[j])
            } else {
                S::fma(number::<S>(square), *part, c[j])
            };
        }
        parts
    }
}

/// Tiles of MxM outputs of a KxK kernel, which read SIDE x SIDE pixels.
#[derive(Clone, Copy)]
pub(super) struct Unit<const M: usize, const K: usize, const SIDE: usize>;

impl<const M: usize, const K: usize, const SIDE: usize> Form for Unit<M, K, SIDE>
where
    Input: Map<SIDE, SIDE> + Norms<SIDE>,
    Values: Map<K, SIDE>,
    Sums: Map<SIDE, M>,
{
    const RESULTS: usize = M;
    const KERNEL: usize = K;
    type Input = By<Input, SIDE, SIDE, M>;

    #[inline(always)]
    unsafe fn output_tile<S: Simd<Elem = f32>>(
        from: *const f32,
        plane: usize,
        to: impl FnMut(usize, usize, S::V),
    ) {
        // SAFETY: passed on.
        unsafe { cells_to_pixels::<S, Sums, SIDE, M>(from, plane, to) }
    }

    #[inline(always)]
    unsafe fn weight_tile<S: Simd<Elem = f32>>(
        tap: impl Fn(usize, usize) -> S::V,
        mut to: impl FnMut(usize, S::V),
    ) {
        // SAFETY: passed on.
        unsafe {
            twice::<S, Values, K, SIDE>(tap, |i, j, v| {
                to(i * SIDE + j, S::mul(v, norm::<S, SIDE>(i, j)));
            });
        }
    }
}

impl<const M: usize, const K: usize, const SIDE: usize> WeightGradient for Unit<M, K, SIDE>
where
    Input: Map<SIDE, SIDE> + Norms<SIDE>,
    Values: Map<M, SIDE> + Map<K, SIDE>,
    Sums: Map<SIDE, M> + Map<SIDE, K>,
{
    type Gradient = By<Values, M, SIDE, M>;

    #[inline(always)]
    unsafe fn weight_gradient_tile<S: Simd<Elem = f32>>(
        cell: impl Fn(usize) -> S::V,
        mut to: impl FnMut(usize, S::V),
    ) {
        // SAFETY: passed on.
        unsafe {
            twice::<S, Sums, SIDE, K>(
                |i, j| S::mul(cell(i * SIDE + j), norm::<S, SIDE>(i, j)),
                |i, j, v| to(i * K + j, v),
            );
        }
    }
}

/// What G and its transpose multiply cell (i, j) by.
#[inline(always)]
unsafe fn norm<S: Simd<Elem = f32>, const SIDE: usize>(i: usize, j: usize) -> S::V
where
    Input: Norms<SIDE>,
{
    // SAFETY: passed on.
    unsafe { number::<S>(Input::NORMS[i] * Input::NORMS[j]) }
}
