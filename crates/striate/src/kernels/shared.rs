//! A slice that several tasks write to.

/// A slice that several tasks write to, each its own part.
///
/// It holds no borrow: whoever calls [`at`](Self::at) answers for the slice being alive.
#[derive(Clone, Copy)]
pub struct Shared<T> {
    start: *mut T,
    len: usize,
}

// SAFETY: `at` leaves it to the caller that tasks keep to their own parts.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// Shares `slice`.
    pub fn new(slice: &mut [T]) -> Self {
        Self {
            start: slice.as_mut_ptr(),
            len: slice.len(),
        }
    }

    /// A pointer to the number at `index`, from which `count` may be written.
    ///
    /// # Safety
    /// The slice is still alive and borrowed by nobody else, `index + count` is at most its length,
    /// and no two tasks touch the same number.
    pub unsafe fn at(self, index: usize, count: usize) -> *mut T {
        debug_assert!(
            index + count <= self.len,
            "{index} + {count} > {}",
            self.len
        );
        // SAFETY: inside the slice, as the caller promises (checked in debug builds).
        unsafe { self.start.add(index) }
    }
}
