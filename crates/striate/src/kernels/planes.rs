//! The split of planes over threads.

use rayon::prelude::*;

/// Cells that a task should at least work on, so that its start is not noticed.
const CELLS_A_TASK: usize = 1 << 15;

/// How many consecutive planes of `cells` cells make a task.
pub(super) fn planes_a_task(cells: usize) -> usize {
    (CELLS_A_TASK / cells.max(1)).max(1)
}

/// Calls `work(planes of a, planes of b)` for runs of whole planes, spread over the threads of the pool.
///
/// `a` is cut into planes of `a_plane` cells and `b` into planes of `b_plane`; both have the same number of planes.
///
/// # Panics
/// If a plane has no cells or the numbers of planes differ: no output may stay unwritten.
pub fn split<A: Sync, B: Send>(
    (a, a_plane): (&[A], usize),
    (b, b_plane): (&mut [B], usize),
    work: impl Fn(&[A], &mut [B]) + Sync,
) {
    assert!(a_plane > 0 && b_plane > 0, "a plane without cells");
    assert_eq!(a.len().div_ceil(a_plane), b.len().div_ceil(b_plane));
    let run = planes_a_task(a_plane.max(b_plane));
    if b.len() <= run * b_plane {
        return work(a, b);
    }
    a.par_chunks(run * a_plane)
        .zip(b.par_chunks_mut(run * b_plane))
        .for_each(|(a, b)| work(a, b));
}

/// As [`split`] with two inputs; `work` also gets the index of its first plane.
///
/// # Panics
/// As [`split`].
pub fn split2<A: Sync, B: Sync, C: Send>(
    (a, a_plane): (&[A], usize),
    (b, b_plane): (&[B], usize),
    (c, c_plane): (&mut [C], usize),
    work: impl Fn(usize, &[A], &[B], &mut [C]) + Sync,
) {
    assert!(
        a_plane > 0 && b_plane > 0 && c_plane > 0,
        "a plane without cells"
    );
    assert_eq!(a.len().div_ceil(a_plane), c.len().div_ceil(c_plane));
    assert_eq!(b.len().div_ceil(b_plane), c.len().div_ceil(c_plane));
    let run = planes_a_task(a_plane.max(b_plane).max(c_plane));
    if c.len() <= run * c_plane {
        return work(0, a, b, c);
    }
    a.par_chunks(run * a_plane)
        .zip(b.par_chunks(run * b_plane))
        .zip(c.par_chunks_mut(run * c_plane))
        .enumerate()
        .for_each(|(task, ((a, b), c))| work(task * run, a, b, c));
}
