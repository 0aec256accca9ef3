//! Independent tasks on all threads.

use rayon::prelude::*;

/// Runs `task(0)` .. `task(count - 1)`, in any order.
///
/// Not generic: what rayon needs for a loop is compiled once, not once for each kernel.
pub fn run_tasks(count: usize, task: &(dyn Fn(usize) + Sync)) {
    (0..count).into_par_iter().for_each(task);
}
