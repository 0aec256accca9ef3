//! The transforms of tiles of 6x6: the points 0, 1, -1, 2, -2 and infinity.

use super::form::Map;
use super::unit::{Input, Norms, Sums, Values, number, pair, parts};
use crate::kernels::simd::Simd;

/// Cells of a transformed row.
const SIDE: usize = 6;

impl Norms<SIDE> for Input {
    const NORMS: [f64; SIDE] = [
        1.0 / 4.0,
        -1.0 / 6.0,
        -1.0 / 6.0,
        1.0 / 24.0,
        1.0 / 24.0,
        1.0,
    ];
}

impl Map<SIDE, SIDE> for Input {
    #[inline(always)]
    unsafe fn map<S: Simd<Elem = f32>>(d: [S::V; SIDE]) -> [S::V; SIDE] {
        // SAFETY: passed on.
        unsafe {
            let (four, five) = (number::<S>(4.0), number::<S>(5.0));
            let one = pair::<S>(S::fnma(four, d[2], d[4]), S::fnma(four, d[1], d[3]), 1.0);
            let two = pair::<S>(S::sub(d[4], d[2]), S::sub(d[3], d[1]), 2.0);
            [
                S::fma(four, d[0], S::fnma(five, d[2], d[4])),
                one[0],
                one[1],
                two[0],
                two[1],
                S::fma(four, d[1], S::fnma(five, d[3], d[5])),
            ]
        }
    }
}

impl<const N: usize> Map<N, SIDE> for Values {
    #[inline(always)]
    unsafe fn map<S: Simd<Elem = f32>>(c: [S::V; N]) -> [S::V; SIDE] {
        // SAFETY: passed on.
        unsafe {
            let (one, two) = (parts::<S, N>(c, 1.0), parts::<S, N>(c, 4.0));
            let (one, two) = (
                pair::<S>(one[0], one[1], 1.0),
                pair::<S>(two[0], two[1], 2.0),
            );
            [c[0], one[0], one[1], two[0], two[1], c[N - 1]]
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
            let mut sums = [S::zero(); N];
            for (j, sum) in sums.iter_mut().enumerate() {
                let (first, second) = (one[j % 2], two[j % 2]);
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
