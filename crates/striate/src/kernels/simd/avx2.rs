//! 8 lanes of f32 in AVX2 registers, with FMA.

use std::arch::x86_64::*;

use super::{Kernel, Simd};

/// Runs `kernel` with AVX2 and FMA switched on.
///
/// # Safety
/// The CPU has the features.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn enabled<T, K: Kernel<T>, S: Simd<Elem = T>>(kernel: K) -> K::Output {
    // SAFETY: this function is compiled for the level; the caller promises that the CPU has it.
    unsafe { kernel.run::<S>() }
}

/// 8 lanes of f32.
#[derive(Clone, Copy)]
pub(in crate::kernels) struct F32x8;

/// All bits set in the lanes below `count`.
#[inline(always)]
unsafe fn first(count: usize) -> __m256i {
    const ONES_THEN_ZEROS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
    // SAFETY: 8 numbers from 8 - count on are inside the table.
    unsafe { _mm256_loadu_si256(ONES_THEN_ZEROS.as_ptr().add(8 - count.min(8)).cast()) }
}

// SAFETY (all functions): `Simd` asks callers to come through `dispatch`, which has checked the CPU;
// memory access is what the caller promises.
#[expect(
    clippy::undocumented_unsafe_blocks,
    reason = "one argument for all, above"
)]
impl Simd for F32x8 {
    type Elem = f32;
    type V = __m256;
    const LANES: usize = 8;
    const REGISTERS: usize = 16;

    #[inline(always)]
    unsafe fn zero() -> __m256 {
        unsafe { _mm256_setzero_ps() }
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> __m256 {
        unsafe { _mm256_set1_ps(value) }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> __m256 {
        unsafe { _mm256_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn store(to: *mut f32, v: __m256) {
        unsafe { _mm256_storeu_ps(to, v) }
    }
    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> __m256 {
        unsafe { _mm256_maskload_ps(from, first(count)) }
    }
    #[inline(always)]
    unsafe fn store_first(to: *mut f32, v: __m256, count: usize) {
        unsafe { _mm256_maskstore_ps(to, first(count), v) }
    }
    #[inline(always)]
    unsafe fn add(a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_add_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn sub(a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_sub_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn mul(a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_mul_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn fma(a: __m256, b: __m256, c: __m256) -> __m256 {
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    unsafe fn fnma(a: __m256, b: __m256, c: __m256) -> __m256 {
        unsafe { _mm256_fnmadd_ps(a, b, c) }
    }
    #[inline(always)]
    unsafe fn relu(v: __m256) -> __m256 {
        // The second operand wins where one is NaN.
        unsafe { _mm256_max_ps(_mm256_setzero_ps(), v) }
    }
    #[inline(always)]
    unsafe fn passed(g: __m256, by: __m256) -> __m256 {
        // "Not less or equal" holds for NaN.
        unsafe { _mm256_and_ps(_mm256_cmp_ps::<_CMP_NLE_UQ>(by, _mm256_setzero_ps()), g) }
    }
    #[inline(always)]
    unsafe fn later(best: __m256, at: __m256, value: __m256, value_at: __m256) -> (__m256, __m256) {
        unsafe {
            let above = _mm256_cmp_ps::<_CMP_GT_OQ>(value, best);
            let wins = _mm256_or_ps(above, _mm256_cmp_ps::<_CMP_UNORD_Q>(value, value));
            (
                _mm256_blendv_ps(best, value, wins),
                _mm256_blendv_ps(at, value_at, wins),
            )
        }
    }
    #[inline(always)]
    unsafe fn load_pairs(from: *const f32) -> (__m256, __m256) {
        unsafe {
            let (a, b) = (_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8)));
            // Of each 128-bit half, then the halves in order.
            let in_order = |v: __m256| {
                _mm256_castpd_ps(_mm256_permute4x64_pd::<0b11_01_10_00>(_mm256_castps_pd(v)))
            };
            (
                in_order(_mm256_shuffle_ps::<0b10_00_10_00>(a, b)),
                in_order(_mm256_shuffle_ps::<0b11_01_11_01>(a, b)),
            )
        }
    }
    #[inline(always)]
    unsafe fn load_pairs_at(from: *const f32, at: *const i32) -> (__m256, __m256) {
        unsafe {
            // Four pairs: k and k + 1, then k + 4 and k + 5.
            let pair = |k: usize| from.offset(*at.add(k) as isize).cast::<f64>();
            let two = |k: usize| _mm_loadh_pd(_mm_load_sd(pair(k)), pair(k + 1));
            let four = |k: usize| _mm256_castpd_ps(_mm256_set_m128d(two(k + 4), two(k)));
            let (a, b) = (four(0), four(2));
            (
                _mm256_shuffle_ps::<0b10_00_10_00>(a, b),
                _mm256_shuffle_ps::<0b11_01_11_01>(a, b),
            )
        }
    }
    #[inline(always)]
    unsafe fn store_integers(to: *mut u32, v: __m256, offset: u32) {
        unsafe {
            let offset = _mm256_set1_epi32(offset.cast_signed());
            let integers = _mm256_add_epi32(_mm256_cvtps_epi32(v), offset);
            _mm256_storeu_si256(to.cast(), integers);
        }
    }
    #[inline(always)]
    unsafe fn transpose(from: *const f32, from_step: usize, to: *mut f32, to_step: usize) {
        unsafe {
            let zero = _mm256_setzero_ps();
            let mut rows = [zero; 8];
            for (i, row) in rows.iter_mut().enumerate() {
                *row = _mm256_loadu_ps(from.add(i * from_step));
            }
            let mut pairs = [zero; 8];
            for i in 0..4 {
                pairs[2 * i] = _mm256_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
                pairs[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
            }
            // fours[4 * i + j] holds columns j and 4 + j of rows 4 * i ... 4 * i + 3.
            let mut fours = [zero; 8];
            for i in 0..2 {
                let p = |j: usize| pairs[4 * i + j];
                fours[4 * i] = _mm256_shuffle_ps(p(0), p(2), 0x44);
                fours[4 * i + 1] = _mm256_shuffle_ps(p(0), p(2), 0xee);
                fours[4 * i + 2] = _mm256_shuffle_ps(p(1), p(3), 0x44);
                fours[4 * i + 3] = _mm256_shuffle_ps(p(1), p(3), 0xee);
            }
            for j in 0..4 {
                _mm256_storeu_ps(
                    to.add(j * to_step),
                    _mm256_permute2f128_ps(fours[j], fours[4 + j], 0x20),
                );
                _mm256_storeu_ps(
                    to.add((4 + j) * to_step),
                    _mm256_permute2f128_ps(fours[j], fours[4 + j], 0x31),
                );
            }
        }
    }
}
