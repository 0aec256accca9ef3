//! How a run is asked to stop.

use std::io::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// How often the first request is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Signals within this time of the first are the same request.
const SAME_REQUEST: Duration = Duration::from_secs(1);

/// Asks a run to save and stop after the current step; clones share it.
///
/// ```
/// let stop = lab::train::StopFlag::default();
/// let clone = stop.clone();
/// clone.set();
/// assert!(stop.is_set());
/// ```
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// A flag that Ctrl-C (SIGINT), SIGTERM and the end of the terminal (SIGHUP) set.
    ///
    /// SIGINT or SIGTERM a second later or more ends the process at once,
    /// with the exit code that a shell expects, 128 + signal.
    /// One signal may arrive twice: from the terminal and from the program that started this one.
    ///
    /// SIGHUP stays ignored where the process was started with it ignored, as `nohup` does;
    /// this can be read on Linux only, so elsewhere `nohup` does not keep SIGHUP from stopping a run.
    ///
    /// # Errors
    /// A system that refuses the handlers or the thread that waits for the first signal.
    pub fn on_signals() -> Result<Self> {
        let (stop, armed) = (Self::default(), Arc::new(AtomicBool::new(false)));
        for signal in [SIGINT, SIGTERM] {
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&armed))?;
            flag::register(signal, stop.shared())?;
        }
        #[cfg(unix)]
        if !hangup_is_ignored() {
            // A closing terminal sends it twice: it never ends the process at once.
            flag::register(signal_hook::consts::SIGHUP, stop.shared())?;
        }
        let first = stop.clone();
        std::thread::Builder::new()
            .name("stop".to_owned())
            .spawn(move || {
                while !first.is_set() {
                    std::thread::sleep(LOOK_EVERY);
                }
                std::thread::sleep(SAME_REQUEST);
                armed.store(true, Ordering::Relaxed);
            })?;
        Ok(stop)
    }

    /// Asks to stop.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// The flag itself, for a handler of signals.
    pub fn shared(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    /// Whether a stop has been asked for.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Whether the process was started with SIGHUP ignored, as `nohup` does.
#[cfg(unix)]
pub(super) fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status");
    is_ignored(signal_hook::consts::SIGHUP, &status.unwrap_or_default())
}

/// Whether `/proc/PID/status` says that the process ignores a signal.
#[cfg(unix)]
fn is_ignored(signal: i32, status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals() {
        let status = "Name:\ta\nSigBlk:\t0000000000000001\nSigIgn:\t0000000000001001\n";
        assert!(is_ignored(1, status) && is_ignored(13, status));
        assert!(!is_ignored(2, status) && !is_ignored(1, ""));
    }
}
