//! Stride 2: a 3x3 kernel as four short ones on the phases of the map, which takes 25 multiplications for 2x2 outputs
//! instead of 36.
//!
//! Along one axis the even pixels of a tile meet the outer taps and the odd ones the middle tap:
//!
//! ```text
//! y[i] = w[0] d[2i] + w[1] d[2i + 1] + w[2] d[2i + 2]
//! ```
//!
//! The even part is F(2, 2) at the points 0, 1 and infinity, the odd part two products:
//!
//! ```text
//! B^T d = d0 - d2, d2, d4 - d2, d1, d3
//! G w   = w0, w0 + w2, w2, w1, w1
//! A^T m = m0 + m1 + m3, m1 + m2 + m4
//! ```
//!
//! The way back makes 4 pixels of dx of 3 of dy: with padding 1, dx is w[1] dy[m] at 2m and w[2] dy[m] + w[0] dy[m + 1] at 2m + 1.
//! With rotated taps, w0 and w2 exchanged, that is the same G and the same F(2, 2):
//!
//! ```text
//! B^T d = d0 - d1, d1, d2 - d1, d0, d1
//! A^T m = m3, m0 + m1, m4, m1 + m2
//! ```
//!
//! No transform multiplies, so errors are those of a few additions more.

use super::form::{By, Form, Map, WeightGradient, cells_to_pixels, twice};
use crate::kernels::simd::Simd;

/// Cells of a transformed row.
const SIDE: usize = 5;

/// The forward pass, and the weight gradient.
#[derive(Clone, Copy)]
pub(super) struct Halving;

/// The input gradient under a padding of 1.
#[derive(Clone, Copy)]
pub(super) struct Doubling;

/// G w, from either end: rotated taps need no other.
struct Taps;

impl Map<3, SIDE> for Taps {
    #[inline(always)]
    unsafe fn map<S: Simd<Elem = f32>>(w: [S::V; 3]) -> [S::V; SIDE] {
        // SAFETY: passed on.
        unsafe { [w[0], S::add(w[0], w[2]), w[2], w[1], w[1]] }
    }
}

/// The transpose of [`Taps`].
struct TapSums;

impl Map<SIDE, 3> for TapSums {
    #[inline(always)]
    unsafe fn map<S: Simd<Elem = f32>>(u: [S::V; SIDE]) -> [S::V; 3] {
        // SAFETY: passed on.
        unsafe { [S::add(u[0], u[1]), S::add(u[3], u[4]), S::add(u[1], u[2])] }
    }
}

/// B^T d of five pixels.
pub(super) struct Five;

impl Map<5, SIDE> for Five {
    #[inline(always)]
    unsafe fn map<S: Simd<Elem = f32>>(d: [S::V; 5]) -> [S::V; SIDE] {
        // SAFETY: passed on.
        unsafe { [S::sub(d[0], d[2]), d[2], S::sub(d[4], d[2]), d[1], d[3]] }
    }
}

/// A^T m: two results of five products.
struct Two;

impl Map<SIDE, 2> for Two {
    #[inline(always)]
    unsafe fn map<S: Simd<Elem = f32>>(m: [S::V; SIDE]) -> [S::V; 2] {
        // SAFETY: passed on.
        unsafe {
            let first = S::add(S::add(m[0], m[1]), m[3]);
            [first, S::add(S::add(m[1], m[2]), m[4])]
        }
    }
}

/// The transpose of [`Two`].
pub(super) struct Spread;

impl Map<2, SIDE> for Spread {
    #[inline(always)]
    unsafe fn map<S: Simd<Elem = f32>>(y: [S::V; 2]) -> [S::V; SIDE] {
        // SAFETY: passed on.
        unsafe { [y[0], S::add(y[0], y[1]), y[1], y[0], y[1]] }
    }
}

/// B^T d of three pixels, on the way back.
pub(super) struct Three;

impl Map<3, SIDE> for Three {
    #[inline(always)]
    unsafe fn map<S: Simd<Elem = f32>>(d: [S::V; 3]) -> [S::V; SIDE] {
        // SAFETY: passed on.
        unsafe { [S::sub(d[0], d[1]), d[1], S::sub(d[2], d[1]), d[0], d[1]] }
    }
}

/// A^T m: four results of five products, on the way back.
struct Four;

impl Map<SIDE, 4> for Four {
    #[inline(always)]
    unsafe fn map<S: Simd<Elem = f32>>(m: [S::V; SIDE]) -> [S::V; 4] {
        // SAFETY: passed on.
        unsafe { [m[3], S::add(m[0], m[1]), m[4], S::add(m[1], m[2])] }
    }
}

impl Form for Halving {
    const RESULTS: usize = 2;
    const KERNEL: usize = 3;
    type Input = By<Five, 5, SIDE, 4>;

    #[inline(always)]
    unsafe fn output_tile<S: Simd<Elem = f32>>(
        from: *const f32,
        plane: usize,
        to: impl FnMut(usize, usize, S::V),
    ) {
        // SAFETY: passed on.
        unsafe { cells_to_pixels::<S, Two, SIDE, 2>(from, plane, to) }
    }

    #[inline(always)]
    unsafe fn weight_tile<S: Simd<Elem = f32>>(
        tap: impl Fn(usize, usize) -> S::V,
        mut to: impl FnMut(usize, S::V),
    ) {
        // SAFETY: passed on.
        unsafe {
            twice::<S, Taps, 3, SIDE>(tap, |i, j, v| to(i * SIDE + j, v));
        }
    }
}

impl WeightGradient for Halving {
    type Gradient = By<Spread, 2, SIDE, 2>;

    #[inline(always)]
    unsafe fn weight_gradient_tile<S: Simd<Elem = f32>>(
        cell: impl Fn(usize) -> S::V,
        mut to: impl FnMut(usize, S::V),
    ) {
        // SAFETY: passed on.
        unsafe {
            twice::<S, TapSums, SIDE, 3>(|i, j| cell(i * SIDE + j), |i, j, v| to(i * 3 + j, v));
        }
    }
}

impl Form for Doubling {
    const RESULTS: usize = 4;
    const KERNEL: usize = 3;
    type Input = By<Three, 3, SIDE, 2>;

    #[inline(always)]
    unsafe fn output_tile<S: Simd<Elem = f32>>(
        from: *const f32,
        plane: usize,
        to: impl FnMut(usize, usize, S::V),
    ) {
        // SAFETY: passed on.
        unsafe { cells_to_pixels::<S, Four, SIDE, 4>(from, plane, to) }
    }

    #[inline(always)]
    unsafe fn weight_tile<S: Simd<Elem = f32>>(
        tap: impl Fn(usize, usize) -> S::V,
        to: impl FnMut(usize, S::V),
    ) {
        // SAFETY: passed on.
        unsafe { Halving::weight_tile::<S>(tap, to) }
    }
}
