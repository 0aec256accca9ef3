//! Compiles one plain loop for several instruction sets and picks one at run time.

use super::level::Level;

/// Runs `work` in a function that may use the best vector instructions of this CPU.
///
/// The closure is inlined into that function, and the compiler vectorises its loops for it;
/// so the closure, and what it calls, should be small and marked `#[inline(always)]`.
/// Rust never reorders or fuses floating-point operations, so the result has the same bits on every level.
///
/// A level that `STRIATE_SIMD` names but this CPU lacks counts as plain here; the ops report it before they come here.
#[inline(always)]
pub fn vectorize<R>(work: impl FnOnce() -> R) -> R {
    match Level::current().unwrap_or(Level::Plain) {
        // SAFETY: a level is only ever current on a CPU that has its features.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { avx512(work) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { avx2(work) },
        _ => work(),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn avx512<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}
