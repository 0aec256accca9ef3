//! Compiles one plain loop for several instruction sets and picks one at run time.

/// Runs a block compiled for the best vector instructions of this CPU.
///
/// The block becomes the body of a closure that only one function calls, and that function may use the instructions;
/// so the compiler inlines it there and vectorizes its loops. (One closure for all levels has several callers:
/// a long one would stay a function of its own, for the baseline.)
/// A block of thousands of instructions is not inlined all the same, and a loop of few turns runs number by number:
/// such work is written with [`super::simd`].
/// What the block calls should be marked `#[inline(always)]`.
/// Rust never reorders or fuses floating-point operations, so the result has the same bits on every level.
///
/// A level that `STRIATE_SIMD` names but this CPU lacks counts as plain here; the ops report it before they come here.
macro_rules! vectorize {
    ($work:expr) => {{
        use $crate::kernels::level::Level;
        match Level::current().unwrap_or(Level::Plain) {
            // SAFETY: a level is only ever current on a CPU that has its features.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { $crate::kernels::vectorize::avx512(|| $work) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { $crate::kernels::vectorize::avx2(|| $work) },
            _ => $work,
        }
    }};
}

pub(super) use vectorize;

/// Calls `work` from a function with AVX-512.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub(super) fn avx512<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// Calls `work` from a function with AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
pub(super) fn avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}
