//! Vectors of numbers as the kernels see them.
//!
//! A kernel is written once, generic over [`Simd`], and marked `#[inline(always)]`.
//! [`dispatch`] runs it inside a function that is compiled for the wanted [`Level`],
//! so the intrinsics of that level are inlined into it.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod plain;

use super::level::Level;
use super::real::Real;

/// A vector of `LANES` numbers.
///
/// # Safety
/// Every function of an implementor may use its level's instructions: call them only under [`dispatch`].
/// Pointers need the access that the name says; no alignment is asked for.
#[expect(
    clippy::missing_safety_doc,
    reason = "one contract for all functions, above"
)]
pub trait Simd: Copy {
    /// The numbers.
    type Elem: Real;
    /// The vector.
    type V: Copy;
    /// Numbers in a vector; from 4 to 16.
    const LANES: usize;
    /// Vector registers of the level, which bound the register blocks.
    const REGISTERS: usize;

    /// Zeros.
    unsafe fn zero() -> Self::V;
    /// The same number in every lane.
    unsafe fn splat(value: Self::Elem) -> Self::V;
    /// The numbers from here on.
    unsafe fn load(from: *const Self::Elem) -> Self::V;
    /// Stores all lanes.
    unsafe fn store(to: *mut Self::Elem, v: Self::V);
    /// The first `count` numbers, and zeros.
    unsafe fn load_first(from: *const Self::Elem, count: usize) -> Self::V;
    /// Stores the first `count` numbers.
    unsafe fn store_first(to: *mut Self::Elem, v: Self::V, count: usize);
    /// a + b.
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    /// a - b.
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    /// a * b.
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    /// a * b + c.
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// c - a * b.
    unsafe fn fnma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// max(0, v); NaN stays NaN.
    unsafe fn relu(v: Self::V) -> Self::V;
    /// `g` where `by` is positive or NaN, 0 elsewhere.
    unsafe fn passed(g: Self::V, by: Self::V) -> Self::V;
    /// Lane by lane `value` and `value_at` where the value is above `best` or NaN, `best` and `at` elsewhere.
    unsafe fn later(
        best: Self::V,
        at: Self::V,
        value: Self::V,
        value_at: Self::V,
    ) -> (Self::V, Self::V);
    /// The even and the odd ones of 2 * LANES numbers.
    unsafe fn load_pairs(from: *const Self::Elem) -> (Self::V, Self::V);
    /// The numbers at `LANES` offsets, and the ones after them.
    unsafe fn load_pairs_at(from: *const Self::Elem, at: *const i32) -> (Self::V, Self::V);
    /// Stores whole numbers below 2^24 in magnitude, each with `offset` added, as integers; `offset` makes none negative.
    unsafe fn store_integers(to: *mut u32, v: Self::V, offset: u32);
    /// Transposes a square of `LANES` x `LANES` numbers from rows `from_step` apart to rows `to_step` apart.
    unsafe fn transpose(
        from: *const Self::Elem,
        from_step: usize,
        to: *mut Self::Elem,
        to_step: usize,
    );
}

/// Work that can run on any vector type over `T`.
pub trait Kernel<T> {
    /// Its result.
    type Output;
    /// Runs it.
    ///
    /// # Safety
    /// Called by [`dispatch`] only, which has checked that the CPU has the instructions of `S`.
    unsafe fn run<S: Simd<Elem = T>>(self) -> Self::Output;
}

/// Numbers with vector types for every level.
pub trait Lanes: Real + LanesSealed {}

/// How [`dispatch`] finds the vector type; closed to other crates.
pub trait LanesSealed: Sized {
    /// Runs a kernel with the vectors of `level`; panics if this CPU lacks it.
    #[doc(hidden)]
    fn dispatch<K: Kernel<Self>>(level: Level, kernel: K) -> K::Output;
}

/// Runs `kernel` with the vectors of `level`.
///
/// # Panics
/// If this CPU lacks the level, which [`Level::current`] rules out.
pub fn dispatch<T: Lanes, K: Kernel<T>>(level: Level, kernel: K) -> K::Output {
    T::dispatch(level, kernel)
}

/// The measures of a level's vectors over `T`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Width {
    /// Numbers in a vector.
    pub(super) lanes: usize,
    /// Vector registers.
    pub(super) registers: usize,
}

/// The measures of `level`.
pub(super) fn width<T: Lanes>(level: Level) -> Width {
    struct Measure;
    impl<T> Kernel<T> for Measure {
        type Output = Width;
        #[inline(always)]
        unsafe fn run<S: Simd<Elem = T>>(self) -> Width {
            Width {
                lanes: S::LANES,
                registers: S::REGISTERS,
            }
        }
    }
    dispatch::<T, _>(level, Measure)
}

macro_rules! lanes {
    ($type:ty, $module:ident::enabled::<$avx512:ty>, $avx2:ty, $plain:ty) => {
        impl Lanes for $type {}
        impl LanesSealed for $type {
            #[inline]
            fn dispatch<K: Kernel<Self>>(level: Level, kernel: K) -> K::Output {
                // Here, because other crates reach this method through `Lanes`.
                assert!(
                    level.available(),
                    "level {level} is not available on this CPU"
                );
                match level {
                    // SAFETY: the CPU has the level, which has all of AVX2 too.
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 => unsafe { $module::enabled::<$type, K, $avx512>(kernel) },
                    // SAFETY: as above.
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 => unsafe { avx2::enabled::<$type, K, $avx2>(kernel) },
                    // SAFETY: plain vectors need nothing.
                    _ => unsafe { kernel.run::<$plain>() },
                }
            }
        }
    };
}

// Vectors of 128 bits are in every 64-bit CPU.
lanes!(f32, avx512::enabled::<avx512::F32x16>, avx2::F32x8, plain::Plain<f32, 4, { plain::HAS_FMA }>);
// Gradients are checked in f64, and little else: one way for both levels of vectors halves what is compiled.
lanes!(f64, avx2::enabled::<plain::Plain<f64, 4, true>>, plain::Plain<f64, 4, true>, plain::Plain<f64, 4, { plain::HAS_FMA }>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_the_cpu_lacks_is_refused() {
        struct Nothing;
        impl<T> Kernel<T> for Nothing {
            type Output = ();
            unsafe fn run<S: Simd<Elem = T>>(self) {}
        }
        for level in Level::ALL {
            let run = std::panic::catch_unwind(|| <f32 as LanesSealed>::dispatch(level, Nothing));
            assert_eq!(run.is_ok(), level.available(), "{level}");
        }
    }
}
