//! The transforms of tiles of 8x8: the points 0, 1, -1, 2, -2, 1/2, -1/2 and infinity.

use super::form::Map;
use super::unit::{Input, Norms, Sums, Values, number, pair, parts};
use crate::kernels::simd::Simd;

/// Cells of a transformed row.
const SIDE: usize = 8;

impl Norms<SIDE> for Input {
    const NORMS: [f64; SIDE] = [
        -1.0,
        -2.0 / 9.0,
        -2.0 / 9.0,
        1.0 / 90.0,
        1.0 / 90.0,
        32.0 / 45.0,
        32.0 / 45.0,
        1.0,
    ];
}

impl Map<SIDE, SIDE> for Input {
    #[inline(always)]
    unsafe fn map<S: Simd<Elem = f32>>(d: [S::V; SIDE]) -> [S::V; SIDE] {
        // SAFETY: passed on.
        unsafe {
            let one = pair::<S>(
                rest::<S>([d[2], d[4], d[6]], 1.0, -4.25),
                rest::<S>([d[1], d[3], d[5]], 1.0, -4.25),
                1.0,
            );
            let two = pair::<S>(
                rest::<S>([d[2], d[4], d[6]], 0.25, -1.25),
                rest::<S>([d[1], d[3], d[5]], 0.25, -1.25),
                2.0,
            );
            let half = pair::<S>(
                rest::<S>([d[2], d[4], d[6]], 4.0, -5.0),
                rest::<S>([d[1], d[3], d[5]], 4.0, -5.0),
                0.5,
            );
            [
                end::<S>([d[0], d[2], d[4], d[6]]),
                one[0],
                one[1],
                two[0],
                two[1],
                half[0],
                half[1],
                end::<S>([d[1], d[3], d[5], d[7]]),
            ]
        }
    }
}

/// r0 d0 + r1 d1 + d2: the product over the other two pairs of points, as a polynomial in x x.
#[inline(always)]
unsafe fn rest<S: Simd<Elem = f32>>(d: [S::V; 3], r0: f64, r1: f64) -> S::V {
    // SAFETY: passed on.
    unsafe { S::fma(number::<S>(r0), d[0], S::fma(number::<S>(r1), d[1], d[2])) }
}

/// -d0 + 5.25 d1 - 5.25 d2 + d3: the product over all three pairs of points.
#[inline(always)]
unsafe fn end<S: Simd<Elem = f32>>(d: [S::V; 4]) -> S::V {
    // SAFETY: passed on.
    unsafe { S::fma(number::<S>(5.25), S::sub(d[1], d[2]), S::sub(d[3], d[0])) }
}

impl<const N: usize> Map<N, SIDE> for Values {
    #[inline(always)]
    unsafe fn map<S: Simd<Elem = f32>>(c: [S::V; N]) -> [S::V; SIDE] {
        // SAFETY: passed on.
        unsafe {
            let (one, two) = (parts::<S, N>(c, 1.0), parts::<S, N>(c, 4.0));
            let half = parts::<S, N>(c, 0.25);
            let one = pair::<S>(one[0], one[1], 1.0);
            let two = pair::<S>(two[0], two[1], 2.0);
            let half = pair::<S>(half[0], half[1], 0.5);
            [
                c[0],
                one[0],
                one[1],
                two[0],
                two[1],
                half[0],
                half[1],
                c[N - 1],
            ]
        }
    }
}

impl<const N: usize> Map<SIDE, N> for Sums {
    #[inline(always)]
    unsafe fn map<S: Simd<Elem = f32>>(v: [S::V; SIDE]) -> [S::V; N] {
        // SAFETY: passed on.
        unsafe {
            let one = [S::add(v[1], v[2]), S::sub(v[1], v[2])];
            let two = [S::add(v[3], v[4]), S::sub(v[3], v[4])];
            let half = [S::add(v[5], v[6]), S::sub(v[5], v[6])];
            let mut sums = [S::zero(); N];
            for (j, sum) in sums.iter_mut().enumerate() {
                let power = f64::from(1u32 << j);
                let larger = S::fma(number::<S>(power), two[j % 2], one[j % 2]);
                *sum = S::fma(number::<S>(1.0 / power), half[j % 2], larger);
                if j == 0 {
                    *sum = S::add(*sum, v[0]);
                }
                if j == N - 1 {
                    *sum = S::add(*sum, v[SIDE - 1]);
                }
            }
            sums
        }
    }
}
