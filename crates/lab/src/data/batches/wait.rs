//! Waiting for another thread without keeping rayon from it.
//!
//! The thread that prepares batches may hand its loops to rayon. Where the thread that waits is one of rayon's, it
//! may be the only one, as in a program that began with `use_current_thread` and one thread: it must work while it waits.

use std::sync::mpsc::{Receiver, RecvError, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use rayon::Yield;

/// How long a thread of rayon's sleeps when there is nothing to do, before it looks again.
const PAUSE: Duration = Duration::from_micros(100);

/// The next value of a channel. A thread of rayon's does rayon's work meanwhile.
pub(super) fn receive<T>(channel: &Receiver<T>) -> Result<T, RecvError> {
    loop {
        match rayon::yield_now() {
            // Not a thread of rayon's: nobody needs it.
            None => return channel.recv(),
            Some(Yield::Executed) => {
                if let Ok(value) = channel.try_recv() {
                    return Ok(value);
                }
            }
            Some(Yield::Idle) => match channel.recv_timeout(PAUSE) {
                Ok(value) => return Ok(value),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(RecvError),
            },
        }
    }
}

/// Waits for the end of a thread; whether it ended by a panic. A thread of rayon's does rayon's work meanwhile.
pub(super) fn join(thread: JoinHandle<()>) -> bool {
    while !thread.is_finished() {
        match rayon::yield_now() {
            None => break,
            Some(Yield::Executed) => {}
            Some(Yield::Idle) => std::thread::sleep(PAUSE),
        }
    }
    thread.join().is_err()
}
