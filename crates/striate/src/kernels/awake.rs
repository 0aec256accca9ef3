//! Threads that look for work a little longer before they sleep.
//!
//! A pass of a small convolution is a few loops of some tens of microseconds each, and to wake a thread takes about as long:
//! a thread that falls asleep between two loops comes too late for the next.
//! Rayon's threads look for work for a few microseconds only.
//! [`stay_awake`] gives each of them a job that goes on looking until nothing was found for [`PATIENCE`].

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long a thread looks for work in vain: longer than what lies between two ops of a network.
const PATIENCE: Duration = Duration::from_micros(200);
/// Most threads that are kept awake; the passes that gain from it have few parts.
const MOST: usize = 7;
/// Pauses between two looks.
const PAUSES: usize = 16;

/// Threads that are looking for work, or about to.
static LOOKING: AtomicUsize = AtomicUsize::new(0);

/// Keeps the other threads of the current pool awake for the loops that follow.
///
/// What is computed stays the same; a thread that finds no work sleeps after 200 microseconds.
pub fn stay_awake() {
    keep_awake(&LOOKING);
}

/// As [`stay_awake`], counting the threads in `looking`.
fn keep_awake(looking: &'static AtomicUsize) {
    let others = (rayon::current_num_threads() - 1).min(MOST);
    let caller = rayon::current_thread_index();
    let more = |count: usize| (count < others).then_some(count + 1);
    while looking
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
        .is_ok()
    {
        let place = Place(looking);
        rayon::spawn(move || {
            look_for_work(caller);
            drop(place);
        });
    }
}

/// Does the work of others until there is none.
fn look_for_work(caller: Option<usize>) {
    if caller.is_some() && rayon::current_thread_index() == caller {
        // The caller has loops of its own to finish.
        return;
    }
    let mut last = Instant::now();
    while last.elapsed() < PATIENCE {
        if rayon::yield_now() == Some(rayon::Yield::Executed) {
            last = Instant::now();
        } else {
            (0..PAUSES).for_each(|_| std::hint::spin_loop());
        }
    }
}

/// One of the threads that are counted, until it is dropped.
struct Place(&'static AtomicUsize);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    fn pool(threads: usize) -> rayon::ThreadPool {
        let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
        builder.build().expect("a pool")
    }

    #[test]
    fn threads_that_look_do_the_work_and_then_sleep() {
        static IN_TEST: AtomicUsize = AtomicUsize::new(0);
        pool(4).install(|| {
            keep_awake(&IN_TEST);
            assert!(IN_TEST.load(Ordering::Relaxed) <= 3);
            let sum: u64 = (0..100_000u64).into_par_iter().sum();
            assert_eq!(sum, 4_999_950_000);
            keep_awake(&IN_TEST);
        });
        let start = Instant::now();
        while IN_TEST.load(Ordering::Relaxed) > 0 {
            assert!(start.elapsed() < Duration::from_secs(60), "still looking");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_pool_of_one_thread_looks_for_nothing() {
        static IN_TEST: AtomicUsize = AtomicUsize::new(0);
        pool(1).install(|| {
            keep_awake(&IN_TEST);
            assert_eq!(IN_TEST.load(Ordering::Relaxed), 0);
        });
    }
}
