//! Work that several threads do and that comes out in order.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, scope};

use crate::data::DataError;

/// Items that are on their way for each thread, so that a slow one does not stop the others at once.
const AHEAD: usize = 4;

/// Gives `take` what `work` makes of each item, in the order of the items, until it breaks.
///
/// `work` runs on `workers` threads and must not panic.
/// At most `AHEAD` items a thread are on their way at a time, those that wait for an earlier one included.
///
/// # Errors
/// When a thread cannot be started.
pub(super) fn in_order<T: Send, R: Send>(
    items: impl Iterator<Item = T>,
    workers: usize,
    work: impl Fn(T) -> R + Sync,
    mut take: impl FnMut(R) -> ControlFlow<()>,
) -> Result<(), DataError> {
    let workers = workers.max(1);
    let most = workers * AHEAD;
    let (jobs, to_do) = sync_channel::<(usize, T)>(most);
    let to_do = Mutex::new(to_do);
    let (done, results) = sync_channel::<(usize, R)>(most);
    scope(|scope| {
        // Owned here, so that threads which wait for jobs or for room end when this returns.
        let (jobs, results) = (jobs, results);
        for _ in 0..workers {
            let done = done.clone();
            let (to_do, work) = (&to_do, &work);
            let run = move || {
                while let Some((at, item)) = next(to_do) {
                    if done.send((at, work(item))).is_err() {
                        return;
                    }
                }
            };
            let started = Builder::new()
                .name("pictures".to_owned())
                .spawn_scoped(scope, run);
            started.map_err(|error| DataError::Numeric {
                op: "Batches",
                reason: format!("cannot start a thread: {error}"),
                cure: "close other programs or raise the limit on threads".to_owned(),
            })?;
        }
        drop(done);
        let mut items = items.enumerate();
        let (mut sent, mut taken) = (0, 0);
        let mut waiting = BTreeMap::new();
        loop {
            // There is room for all that may be on their way: neither side waits for the other in a circle.
            while sent - taken < most
                && let Some(job) = items.next()
            {
                sent += 1;
                if jobs.send(job).is_err() {
                    return Err(ended());
                }
            }
            if taken == sent {
                return Ok(());
            }
            let result = loop {
                if let Some(result) = waiting.remove(&taken) {
                    break result;
                }
                let (at, result) = results.recv().map_err(|_| ended())?;
                waiting.insert(at, result);
            };
            taken += 1;
            if take(result).is_break() {
                return Ok(());
            }
        }
    })
}

/// The next job; `None` where there will be no more.
fn next<T>(jobs: &Mutex<Receiver<T>>) -> Option<T> {
    let jobs = jobs.lock().unwrap_or_else(PoisonError::into_inner);
    jobs.recv().ok()
}

fn ended() -> DataError {
    DataError::Numeric {
        op: "Batches",
        reason: "the threads that decode pictures ended early".to_owned(),
        cure: "this is a bug, please report it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    #[test]
    fn results_come_in_order_and_few_are_on_their_way() -> Result<(), DataError> {
        for workers in [0, 1, 3, 8] {
            let (begun, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let mut results = Vec::new();
            let work = |item: usize| {
                let ahead = begun.fetch_add(1, Ordering::SeqCst) - taken.load(Ordering::SeqCst);
                assert!(
                    ahead < workers.max(1) * AHEAD + 1,
                    "{ahead} with {workers} workers"
                );
                // Later items are done first.
                std::thread::sleep(Duration::from_micros(200 * (3 - item as u64 % 4)));
                item * 2
            };
            in_order(0..100, workers, work, |result| {
                taken.fetch_add(1, Ordering::SeqCst);
                results.push(result);
                ControlFlow::Continue(())
            })?;
            assert_eq!(results, (0..100).map(|i| i * 2).collect::<Vec<_>>());
        }
        Ok(())
    }

    #[test]
    fn whoever_breaks_waits_for_no_more() -> Result<(), DataError> {
        let begun = AtomicUsize::new(0);
        let count = |item: usize| {
            begun.fetch_add(1, Ordering::SeqCst);
            item
        };
        in_order(0..1_000_000, 2, count, |item| match item {
            9 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })?;
        assert!(begun.into_inner() <= 10 + 3 * 2 * AHEAD);
        in_order(0..0, 2, |item: usize| item, |_| ControlFlow::Break(()))
    }
}
