//! Work buffers that are kept between calls, aligned to cache lines.
//!
//! A convolution needs a few hundred kilobytes of scratch a task; allocating and first touching them each time
//! would cost more than filling them.
//! A buffer comes back with whatever was left in it: whoever takes one writes it before reading.
//!
//! What is kept is bounded:
//!
//! | buffers | kept by | at most |
//! |:--|:--|:--|
//! | up to [`SMALL`] | the thread that used them, so that they stay in its cache | [`KEPT_BY_A_THREAD`] |
//! | larger | all threads together | [`KEPT_BY_ALL`] |
//!
//! Beyond the bound the buffers that have not been used for longest are freed, and of more than [`KEPT`] the smallest;
//! [`release`] frees all.

use std::alloc::{Layout, alloc_zeroed};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use super::real::Real;

/// Bytes of a cache line.
const LINE: usize = 64;
/// Bytes of a buffer that stays with its thread.
const SMALL: usize = 4 << 20;
/// Bytes that an idle thread keeps.
const KEPT_BY_A_THREAD: usize = 8 << 20;
/// Buffers that a pool keeps: each is looked at when one is taken, and a kernel holds fewer than this at a time.
const KEPT: usize = 16;
/// Bytes of larger buffers that are kept for any thread.
const KEPT_BY_ALL: usize = 256 << 20;

thread_local! {
    static OF_THIS_THREAD: RefCell<Pool> = const { RefCell::new(Pool::new(KEPT_BY_A_THREAD)) };
}
static OF_ALL: Mutex<Pool> = Mutex::new(Pool::new(KEPT_BY_ALL));

/// A buffer of numbers with arbitrary contents; goes back to its pool when dropped.
pub struct Scratch<T> {
    /// Room for the numbers and for the way to the next cache line.
    words: Vec<u64>,
    /// Words before the first cache line.
    skip: usize,
    len: usize,
    numbers: PhantomData<T>,
}

impl<T: Real> Scratch<T> {
    /// `len` numbers.
    ///
    /// # Panics
    /// If their bytes do not fit the address space.
    pub fn new(len: usize) -> Self {
        let bytes = len.checked_mul(size_of::<T>());
        let bytes = bytes.and_then(|bytes| bytes.checked_next_multiple_of(LINE));
        let Some(bytes) = bytes else {
            panic!("no memory for {len} numbers of scratch");
        };
        let words = if bytes == 0 {
            Vec::new()
        } else {
            take((bytes + LINE) / size_of::<u64>())
        };
        let skip = if bytes == 0 {
            0
        } else {
            words.as_ptr().align_offset(LINE)
        };
        assert!(skip + bytes / size_of::<u64>() <= words.len());
        Self {
            words,
            skip,
            len,
            numbers: PhantomData,
        }
    }
}

impl<T> Drop for Scratch<T> {
    fn drop(&mut self) {
        let words = std::mem::take(&mut self.words);
        if size_of_val(&*words) > SMALL {
            return all().put(words);
        }
        // During the thread's end there is no pool any more; then the buffer is simply freed.
        let _ = OF_THIS_THREAD.try_with(|pool| pool.borrow_mut().put(words));
    }
}

impl<T: Real> Deref for Scratch<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        // SAFETY: the words from `skip` on hold at least `len` numbers (checked in `new`) and are aligned to a cache line,
        // all bytes are initialized, and T is f32 or f64.
        unsafe { std::slice::from_raw_parts(self.words.as_ptr().add(self.skip).cast(), self.len) }
    }
}

impl<T: Real> DerefMut for Scratch<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and the borrow is exclusive.
        unsafe {
            let start = self.words.as_mut_ptr().add(self.skip);
            std::slice::from_raw_parts_mut(start.cast(), self.len)
        }
    }
}

/// Frees the buffers that are kept for later calls: those shared by all threads, and those of this thread and of rayon's.
///
/// Later calls allocate anew, so results do not change.
pub fn release() {
    let clear = || {
        let _ = OF_THIS_THREAD.try_with(|pool| pool.borrow_mut().clear());
    };
    clear();
    rayon::broadcast(|_| clear());
    all().clear();
}

/// A buffer of at least `count` words, kept or new.
fn take(count: usize) -> Vec<u64> {
    let kept = if count * size_of::<u64>() > SMALL {
        all().take(count)
    } else {
        let of_thread = OF_THIS_THREAD.try_with(|pool| pool.borrow_mut().take(count));
        of_thread.ok().flatten()
    };
    kept.unwrap_or_else(|| zeros(count))
}

/// `count` zeros, which the system only touches when they are used.
fn zeros(count: usize) -> Vec<u64> {
    let layout = Layout::array::<u64>(count).ok();
    let Some(layout) = layout.filter(|layout| layout.size() > 0) else {
        panic!("no memory for {count} words of scratch");
    };
    // SAFETY: the layout has a size.
    let start = unsafe { alloc_zeroed(layout) };
    // A panic can be caught, the abort of a failed `vec!` cannot.
    assert!(!start.is_null(), "no memory for {count} words of scratch");
    // SAFETY: the block comes from the global allocator, with the layout of `count` words that are all zero.
    unsafe { Vec::from_raw_parts(start.cast(), count, count) }
}

fn all() -> std::sync::MutexGuard<'static, Pool> {
    OF_ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kept buffers, the one that has not been used for longest first.
struct Pool {
    buffers: VecDeque<Vec<u64>>,
    bytes: usize,
    most: usize,
}

impl Pool {
    const fn new(most: usize) -> Self {
        Self {
            buffers: VecDeque::new(),
            bytes: 0,
            most,
        }
    }

    /// The smallest buffer that is large enough.
    fn take(&mut self, count: usize) -> Option<Vec<u64>> {
        let fitting = |&i: &usize| self.buffers[i].len() >= count;
        // Of equal ones the last used, which is most likely in a cache.
        let fitting = (0..self.buffers.len()).rev().filter(fitting);
        let smallest = fitting.min_by_key(|&i| self.buffers[i].len())?;
        let words = self.buffers.remove(smallest)?;
        self.bytes -= size_of_val(&*words);
        Some(words)
    }

    /// Keeps a buffer, and frees others until the pool is within its bounds.
    fn put(&mut self, words: Vec<u64>) {
        self.bytes += size_of_val(&*words);
        self.buffers.push_back(words);
        let smallest =
            |buffers: &VecDeque<Vec<u64>>| (0..buffers.len()).min_by_key(|&i| buffers[i].len());
        if self.buffers.len() > KEPT
            && let Some(smallest) = smallest(&self.buffers)
            && let Some(words) = self.buffers.remove(smallest)
        {
            self.bytes -= size_of_val(&*words);
        }
        while self.bytes > self.most {
            let Some(oldest) = self.buffers.pop_front() else {
                break;
            };
            self.bytes -= size_of_val(&*oldest);
        }
    }

    fn clear(&mut self) {
        self.buffers.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_aligned_and_comes_back() {
        release();
        let mut first = Scratch::<f32>::new(100);
        assert_eq!(first.as_ptr().align_offset(LINE), 0);
        first[99] = 7.0;
        let start = first.as_ptr();
        drop(first);
        let second = Scratch::<f32>::new(90);
        assert_eq!(second.as_ptr(), start);
        assert_eq!(second.len(), 90);
        assert_eq!(Scratch::<f64>::new(0).len(), 0);
    }

    #[test]
    fn a_thread_keeps_a_bounded_amount() {
        let numbers = (SMALL - 2 * LINE) / size_of::<f32>();
        let held: Vec<_> = (0..5).map(|_| Scratch::<f32>::new(numbers)).collect();
        drop(held);
        let bytes = OF_THIS_THREAD.with_borrow(|pool| pool.bytes);
        assert!((1..=KEPT_BY_A_THREAD).contains(&bytes), "{bytes}");
        release();
        assert_eq!(OF_THIS_THREAD.with_borrow(|pool| pool.bytes), 0);
    }

    #[test]
    fn a_pool_frees_the_oldest_first() {
        let mut pool = Pool::new(100 * size_of::<u64>());
        for len in [40, 50, 30] {
            pool.put(vec![0; len]);
        }
        assert_eq!(pool.bytes, 80 * size_of::<u64>());
        assert!(pool.take(51).is_none());
        assert_eq!(pool.take(31).map(|words| words.len()), Some(50));
        pool.put(vec![0; 101]);
        assert_eq!(pool.bytes, 0);
    }

    #[test]
    fn a_pool_keeps_few_buffers_and_those_the_largest() {
        let mut pool = Pool::new(usize::MAX);
        (1..=100).for_each(|len| pool.put(vec![0; len]));
        assert_eq!(pool.buffers.len(), KEPT);
        let least = pool.buffers.iter().map(Vec::len).min();
        assert_eq!(least, Some(101 - KEPT));
    }

    #[test]
    #[should_panic(expected = "no memory for")]
    fn a_length_that_overflows_is_refused() {
        Scratch::<f64>::new(1 << 61);
    }
}
