//! Output buffers that are written once: never zeroed first, and cheap to touch for the first time.
//!
//! A fresh buffer of tens of megabytes costs more in page faults than most kernels that fill it.
//! On Linux, large buffers are therefore offered to the kernel as candidates for huge pages.

use super::Real;

/// Allocates `len` values and lets `write` fill them.
///
/// Builds with debug assertions fill the buffer with NaN first, so that tests find a value that was never written;
/// Miri sees such a value itself, and so gets the buffer as it is.
///
/// # Panics
/// If the memory is not there: a panic can be caught, an abort cannot.
///
/// # Safety
/// `write` must store to every element, and must not load an element before it has stored to it.
pub unsafe fn written_by<T: Real>(len: usize, write: impl FnOnce(&mut [T])) -> Vec<T> {
    let mut values = allocate::<T>(len);
    if cfg!(all(debug_assertions, not(miri))) {
        values.resize(len, T::NAN);
    }
    // SAFETY: the capacity is `len`; T is f32 or f64 (the trait is sealed), so any bit pattern is a value and
    // nothing is dropped; the caller promises that no element is loaded before it is stored.
    unsafe { values.set_len(len) };
    write(&mut values);
    values
}

/// As [`written_by`], for positions.
///
/// # Safety
/// As [`written_by`].
pub(super) unsafe fn positions_written_by(len: usize, write: impl FnOnce(&mut [u32])) -> Vec<u32> {
    let mut values = allocate::<u32>(len);
    if cfg!(all(debug_assertions, not(miri))) {
        values.resize(len, u32::MAX);
    }
    // SAFETY: as in `written_by`, with u32 for T.
    unsafe { values.set_len(len) };
    write(&mut values);
    values
}

/// An empty vector with room for `len` values.
fn allocate<T>(len: usize) -> Vec<T> {
    let mut values = Vec::<T>::new();
    if let Err(error) = values.try_reserve_exact(len) {
        panic!("no memory for {len} numbers: {error}");
    }
    advise_huge_pages(values.as_ptr().cast(), len * size_of::<T>());
    values
}

/// Asks the system to back a large block with huge pages.
#[cfg(all(target_os = "linux", not(miri)))]
fn advise_huge_pages(start: *const u8, bytes: usize) {
    /// Below this size the system call is not worth it.
    const LARGE: usize = 4 << 20;
    const PAGE: usize = 4096;
    if bytes < LARGE {
        return;
    }
    let skip = start.align_offset(PAGE);
    let bytes = (bytes - skip) / PAGE * PAGE;
    // SAFETY: the range lies inside one allocation of ours, and this advice changes no contents.
    // Failure is harmless: the pages stay small.
    unsafe {
        libc::madvise(
            start.add(skip).cast_mut().cast(),
            bytes,
            libc::MADV_HUGEPAGE,
        )
    };
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn advise_huge_pages(_: *const u8, _: usize) {}
