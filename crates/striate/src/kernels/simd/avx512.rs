//! 16 lanes of f32 in AVX-512 registers.

use std::arch::x86_64::*;

use super::{Kernel, Simd};

/// Runs `kernel` with AVX-512 switched on.
///
/// # Safety
/// The CPU has the features.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub(super) unsafe fn enabled<T, K: Kernel<T>, S: Simd<Elem = T>>(kernel: K) -> K::Output {
    // SAFETY: this function is compiled for the level; the caller promises that the CPU has it.
    unsafe { kernel.run::<S>() }
}

/// 16 lanes of f32.
#[derive(Clone, Copy)]
pub(in crate::kernels) struct F32x16;

/// The lanes below `count`.
#[inline(always)]
fn first(count: usize) -> __mmask16 {
    if count >= 16 {
        0xffff
    } else {
        (1u16 << count) - 1
    }
}

// SAFETY (all functions): `Simd` asks callers to come through `dispatch`, which has checked the CPU;
// memory access is what the caller promises.
#[expect(
    clippy::undocumented_unsafe_blocks,
    reason = "one argument for all, above"
)]
impl Simd for F32x16 {
    type Elem = f32;
    type V = __m512;
    const LANES: usize = 16;
    const REGISTERS: usize = 32;

    #[inline(always)]
    unsafe fn zero() -> __m512 {
        unsafe { _mm512_setzero_ps() }
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> __m512 {
        unsafe { _mm512_set1_ps(value) }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> __m512 {
        unsafe { _mm512_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn store(to: *mut f32, v: __m512) {
        unsafe { _mm512_storeu_ps(to, v) }
    }
    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> __m512 {
        unsafe { _mm512_maskz_loadu_ps(first(count), from) }
    }
    #[inline(always)]
    unsafe fn store_first(to: *mut f32, v: __m512, count: usize) {
        unsafe { _mm512_mask_storeu_ps(to, first(count), v) }
    }
    #[inline(always)]
    unsafe fn add(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn sub(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn mul(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn fma(a: __m512, b: __m512, c: __m512) -> __m512 {
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    unsafe fn fnma(a: __m512, b: __m512, c: __m512) -> __m512 {
        unsafe { _mm512_fnmadd_ps(a, b, c) }
    }
    #[inline(always)]
    unsafe fn relu(v: __m512) -> __m512 {
        // The second operand wins where one is NaN.
        unsafe { _mm512_max_ps(_mm512_setzero_ps(), v) }
    }
    #[inline(always)]
    unsafe fn passed(g: __m512, by: __m512) -> __m512 {
        // "Not less or equal" holds for NaN.
        unsafe {
            let open = _mm512_cmp_ps_mask::<_CMP_NLE_UQ>(by, _mm512_setzero_ps());
            _mm512_maskz_mov_ps(open, g)
        }
    }
    #[inline(always)]
    unsafe fn later(best: __m512, at: __m512, value: __m512, value_at: __m512) -> (__m512, __m512) {
        unsafe {
            let above = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(value, best);
            let wins = above | _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(value, value);
            (
                _mm512_mask_mov_ps(best, wins, value),
                _mm512_mask_mov_ps(at, wins, value_at),
            )
        }
    }
    #[inline(always)]
    unsafe fn load_pairs(from: *const f32) -> (__m512, __m512) {
        unsafe {
            let (a, b) = (_mm512_loadu_ps(from), _mm512_loadu_ps(from.add(16)));
            let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            let odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
            (
                _mm512_permutex2var_ps(a, even, b),
                _mm512_permutex2var_ps(a, odd, b),
            )
        }
    }
    #[inline(always)]
    unsafe fn load_pairs_at(from: *const f32, at: *const i32) -> (__m512, __m512) {
        unsafe {
            // A pair goes to a lane of f64; of the masked broadcasts the compiler may make inserts.
            // 128-bit lane q of `a` holds pairs 4 q and 4 q + 1, that of `b` the two after them.
            let (mut a, mut b) = (_mm512_setzero_pd(), _mm512_setzero_pd());
            for j in 0..8 {
                let k = 4 * (j / 2) + j % 2;
                let pair = |k: usize| _mm_load_sd(from.offset(*at.add(k) as isize).cast());
                a = _mm512_mask_broadcastsd_pd(a, 1 << j, pair(k));
                b = _mm512_mask_broadcastsd_pd(b, 1 << j, pair(k + 2));
            }
            let (a, b) = (_mm512_castpd_ps(a), _mm512_castpd_ps(b));
            (
                _mm512_shuffle_ps::<0b10_00_10_00>(a, b),
                _mm512_shuffle_ps::<0b11_01_11_01>(a, b),
            )
        }
    }
    #[inline(always)]
    unsafe fn store_integers(to: *mut u32, v: __m512, offset: u32) {
        unsafe {
            let offset = _mm512_set1_epi32(offset.cast_signed());
            let integers = _mm512_add_epi32(_mm512_cvtps_epi32(v), offset);
            _mm512_storeu_si512(to.cast(), integers);
        }
    }
    #[inline(always)]
    unsafe fn transpose(from: *const f32, from_step: usize, to: *mut f32, to_step: usize) {
        unsafe {
            let zero = _mm512_setzero_ps();
            let mut rows = [zero; 16];
            for (i, row) in rows.iter_mut().enumerate() {
                *row = _mm512_loadu_ps(from.add(i * from_step));
            }
            // Pairs, then fours, within 128-bit lanes: fours[4 * i + j] holds, in lane q, column 4 * q + j of rows 4 * i ...
            let mut pairs = [zero; 16];
            for i in 0..8 {
                pairs[2 * i] = _mm512_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
                pairs[2 * i + 1] = _mm512_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
            }
            let mut fours = [zero; 16];
            for i in 0..4 {
                let p = |j: usize| _mm512_castps_pd(pairs[4 * i + j]);
                fours[4 * i] = _mm512_castpd_ps(_mm512_unpacklo_pd(p(0), p(2)));
                fours[4 * i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(p(0), p(2)));
                fours[4 * i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(p(1), p(3)));
                fours[4 * i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(p(1), p(3)));
            }
            // Then the 128-bit lanes themselves.
            for j in 0..4 {
                let even_low = _mm512_shuffle_f32x4(fours[j], fours[4 + j], 0x88);
                let even_high = _mm512_shuffle_f32x4(fours[8 + j], fours[12 + j], 0x88);
                let odd_low = _mm512_shuffle_f32x4(fours[j], fours[4 + j], 0xdd);
                let odd_high = _mm512_shuffle_f32x4(fours[8 + j], fours[12 + j], 0xdd);
                let put = |row: usize, v: __m512| _mm512_storeu_ps(to.add(row * to_step), v);
                put(j, _mm512_shuffle_f32x4(even_low, even_high, 0x88));
                put(4 + j, _mm512_shuffle_f32x4(odd_low, odd_high, 0x88));
                put(8 + j, _mm512_shuffle_f32x4(even_low, even_high, 0xdd));
                put(12 + j, _mm512_shuffle_f32x4(odd_low, odd_high, 0xdd));
            }
        }
    }
}
