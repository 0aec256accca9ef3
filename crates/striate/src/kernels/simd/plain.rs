//! Vectors as arrays: the compiler vectorizes them for whatever level they are compiled for.

use super::Simd;
use crate::kernels::real::Real;

/// Whether the target's baseline has a fused multiply-add; without one it would be a slow library call.
pub(in crate::kernels) const HAS_FMA: bool =
    cfg!(any(target_feature = "fma", target_arch = "aarch64"));

/// `N` numbers; `FMA` says whether products are added with one rounding.
#[derive(Clone, Copy)]
pub(in crate::kernels) struct Plain<T, const N: usize, const FMA: bool>(
    std::marker::PhantomData<T>,
);

impl<T: Real, const N: usize, const FMA: bool> Simd for Plain<T, N, FMA> {
    type Elem = T;
    type V = [T; N];
    const LANES: usize = N;
    const REGISTERS: usize = 16;

    #[inline(always)]
    unsafe fn zero() -> [T; N] {
        [T::ZERO; N]
    }
    #[inline(always)]
    unsafe fn splat(value: T) -> [T; N] {
        [value; N]
    }
    #[inline(always)]
    unsafe fn load(from: *const T) -> [T; N] {
        // SAFETY: the caller promises N readable numbers.
        unsafe { from.cast::<[T; N]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(to: *mut T, v: [T; N]) {
        // SAFETY: the caller promises N writable numbers.
        unsafe { to.cast::<[T; N]>().write_unaligned(v) }
    }
    #[inline(always)]
    unsafe fn load_first(from: *const T, count: usize) -> [T; N] {
        let mut v = [T::ZERO; N];
        for (i, lane) in v.iter_mut().enumerate().take(count) {
            // SAFETY: the caller promises `count` readable numbers.
            *lane = unsafe { from.add(i).read() };
        }
        v
    }
    #[inline(always)]
    unsafe fn store_first(to: *mut T, v: [T; N], count: usize) {
        for (i, lane) in v.iter().enumerate().take(count) {
            // SAFETY: the caller promises `count` writable numbers.
            unsafe { to.add(i).write(*lane) };
        }
    }
    #[inline(always)]
    unsafe fn add(a: [T; N], b: [T; N]) -> [T; N] {
        std::array::from_fn(|i| a[i] + b[i])
    }
    #[inline(always)]
    unsafe fn sub(a: [T; N], b: [T; N]) -> [T; N] {
        std::array::from_fn(|i| a[i] - b[i])
    }
    #[inline(always)]
    unsafe fn mul(a: [T; N], b: [T; N]) -> [T; N] {
        std::array::from_fn(|i| a[i] * b[i])
    }
    #[inline(always)]
    unsafe fn fma(a: [T; N], b: [T; N], c: [T; N]) -> [T; N] {
        std::array::from_fn(|i| {
            if FMA {
                a[i].mul_add(b[i], c[i])
            } else {
                a[i] * b[i] + c[i]
            }
        })
    }
    #[inline(always)]
    unsafe fn fnma(a: [T; N], b: [T; N], c: [T; N]) -> [T; N] {
        std::array::from_fn(|i| {
            if FMA {
                (-a[i]).mul_add(b[i], c[i])
            } else {
                c[i] - a[i] * b[i]
            }
        })
    }
    #[inline(always)]
    unsafe fn relu(v: [T; N]) -> [T; N] {
        std::array::from_fn(|i| if v[i] < T::ZERO { T::ZERO } else { v[i] })
    }
    #[inline(always)]
    unsafe fn passed(g: [T; N], by: [T; N]) -> [T; N] {
        std::array::from_fn(|i| if by[i] <= T::ZERO { T::ZERO } else { g[i] })
    }
    #[inline(always)]
    #[expect(clippy::eq_op, reason = "NaN is the value that differs from itself")]
    unsafe fn later(best: [T; N], at: [T; N], value: [T; N], value_at: [T; N]) -> ([T; N], [T; N]) {
        let wins = |i: usize| (value[i] > best[i]) | (value[i] != value[i]);
        let pick =
            |a: [T; N], b: [T; N]| std::array::from_fn(|i| if wins(i) { a[i] } else { b[i] });
        (pick(value, best), pick(value_at, at))
    }
    #[inline(always)]
    unsafe fn load_pairs(from: *const T) -> ([T; N], [T; N]) {
        // SAFETY: the caller promises 2 N readable numbers.
        unsafe {
            (
                std::array::from_fn(|i| from.add(2 * i).read()),
                std::array::from_fn(|i| from.add(2 * i + 1).read()),
            )
        }
    }
    #[inline(always)]
    unsafe fn load_pairs_at(from: *const T, at: *const i32) -> ([T; N], [T; N]) {
        // SAFETY: the caller promises N offsets, and a pair of readable numbers at each.
        unsafe {
            let number = |i: usize| from.offset(*at.add(i) as isize);
            (
                std::array::from_fn(|i| number(i).read()),
                std::array::from_fn(|i| number(i).add(1).read()),
            )
        }
    }
    #[inline(always)]
    unsafe fn store_integers(to: *mut u32, v: [T; N], offset: u32) {
        for (i, lane) in v.iter().enumerate() {
            let integer = (lane.to_f64() as i32)
                .wrapping_add_unsigned(offset)
                .cast_unsigned();
            // SAFETY: the caller promises N writable numbers.
            unsafe { to.add(i).write(integer) };
        }
    }
    #[inline(always)]
    unsafe fn transpose(from: *const T, from_step: usize, to: *mut T, to_step: usize) {
        for i in 0..N {
            for j in 0..N {
                // SAFETY: the caller promises N rows of N numbers on both sides.
                unsafe {
                    to.add(j * to_step + i)
                        .write(from.add(i * from_step + j).read())
                };
            }
        }
    }
}
