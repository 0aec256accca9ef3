//! Work buffers that a thread keeps between calls, aligned to cache lines.
//!
//! A convolution needs a few hundred kilobytes of scratch a task; allocating and first touching them each time
//! would cost more than filling them.
//! A buffer comes back with whatever was left in it: whoever takes one writes it before reading.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use super::real::Real;

/// One cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Buffers a thread keeps; a kernel holds fewer than this at a time.
const KEPT: usize = 8;

thread_local! {
    static POOL: RefCell<Vec<Vec<Line>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer of numbers with arbitrary contents; goes back to the thread's pool when dropped.
pub struct Scratch<T> {
    lines: Vec<Line>,
    len: usize,
    numbers: PhantomData<T>,
}

impl<T: Real> Scratch<T> {
    /// `len` numbers.
    pub fn new(len: usize) -> Self {
        let wanted = (len * size_of::<T>()).div_ceil(64).max(1);
        let mut lines = POOL.with_borrow_mut(|pool| take(pool, wanted));
        if lines.len() < wanted {
            lines.resize(wanted, Line([0; 64]));
        }
        Self {
            lines,
            len,
            numbers: PhantomData,
        }
    }
}

/// The smallest kept buffer that is large enough, else the largest, else a new one.
fn take(pool: &mut Vec<Vec<Line>>, wanted: usize) -> Vec<Line> {
    let fitting = (0..pool.len())
        .filter(|&i| pool[i].len() >= wanted)
        .min_by_key(|&i| pool[i].len());
    let largest = (0..pool.len()).max_by_key(|&i| pool[i].len());
    match fitting.or(largest) {
        Some(i) => pool.swap_remove(i),
        None => Vec::new(),
    }
}

impl<T> Drop for Scratch<T> {
    fn drop(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        // During the thread's end there is no pool any more; then the buffer is simply freed.
        let _ = POOL.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            pool.push(lines);
            if pool.len() > KEPT
                && let Some(smallest) = (0..pool.len()).min_by_key(|&i| pool[i].len())
            {
                pool.swap_remove(smallest);
            }
        });
    }
}

impl<T: Real> Deref for Scratch<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        // SAFETY: the lines hold at least `len` numbers, all bytes are initialised, and T is f32 or f64.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl<T: Real> DerefMut for Scratch<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

/// A slice that several tasks write to, each its own part.
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
    /// Shares `slice` until the borrow ends; the caller keeps it alive.
    pub fn new(slice: &mut [T]) -> Self {
        Self {
            start: slice.as_mut_ptr(),
            len: slice.len(),
        }
    }

    /// A pointer to the number at `index`, from which `count` may be written.
    ///
    /// # Safety
    /// No two tasks may touch the same number.
    pub unsafe fn at(self, index: usize, count: usize) -> *mut T {
        debug_assert!(
            index + count <= self.len,
            "{index} + {count} > {}",
            self.len
        );
        // SAFETY: inside the slice, as the kernels' index arithmetic makes sure (checked in debug builds).
        unsafe { self.start.add(index) }
    }
}
