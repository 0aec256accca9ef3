//! Time that stands still while the process does, stopped by Ctrl-Z or a batch system.
//!
//! A thread reads the time four times a second.
//! Where two readings are seconds apart, nothing of the process ran between them, and that time is taken out.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Between two readings.
const BEAT: Duration = Duration::from_millis(250);

/// Readings that are further apart mean that the process was stopped; a busy machine delays a thread by far less.
const STOPPED: Duration = Duration::from_secs(5);

/// The last reading, and how long the process has been stopped in all.
#[derive(Clone, Copy, Debug)]
struct Pulse {
    last: Option<Instant>,
    stopped: Duration,
}

impl Pulse {
    const NONE: Self = Self {
        last: None,
        stopped: Duration::ZERO,
    };

    /// Reads the time.
    fn beat(&mut self, now: Instant) {
        if let Some(last) = self.last {
            let gap = now.saturating_duration_since(last);
            if gap > STOPPED {
                self.stopped += gap;
            }
        }
        self.last = Some(now);
    }
}

/// The time, and how long the process has been stopped up to now.
///
/// Whoever asks makes a reading, too, and so does not depend on the thread having run since the process went on.
/// Without a thread nothing is known of stops, and all time counts.
fn read() -> (Instant, Duration) {
    static PULSE: Mutex<Pulse> = Mutex::new(Pulse::NONE);
    static BEATING: OnceLock<bool> = OnceLock::new();
    let beat = || {
        let mut pulse = PULSE.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        pulse.beat(now);
        (now, pulse.stopped)
    };
    let beats = move || {
        loop {
            beat();
            std::thread::sleep(BEAT);
        }
    };
    let beating = BEATING.get_or_init(|| std::thread::Builder::new().spawn(beats).is_ok());
    match beating {
        true => beat(),
        false => (Instant::now(), Duration::ZERO),
    }
}

/// Time from a point on, without the time that the process was stopped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopwatch {
    begun: Instant,
    stopped: Duration,
}

impl Stopwatch {
    pub(super) fn start() -> Self {
        let (begun, stopped) = read();
        Self { begun, stopped }
    }

    /// One that was started `ago`.
    #[cfg(test)]
    pub(super) fn started(ago: Duration) -> Self {
        let mut stopwatch = Self::start();
        stopwatch.begun -= ago;
        stopwatch
    }

    pub(super) fn seconds(&self) -> f64 {
        let (now, stopped) = read();
        let stopped = stopped.saturating_sub(self.stopped);
        let passed = now.saturating_duration_since(self.begun);
        passed.saturating_sub(stopped).as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_of_seconds_are_stops_and_shorter_ones_are_not() {
        let begun = Instant::now();
        let mut pulse = Pulse::NONE;
        for (milliseconds, stopped) in [
            (0, 0),
            (250, 0),
            (4250, 0),
            (64_250, 60_000),
            (64_500, 60_000),
            (74_500, 70_000),
        ] {
            pulse.beat(begun + Duration::from_millis(milliseconds));
            assert_eq!(pulse.stopped, Duration::from_millis(stopped));
        }
    }

    #[test]
    fn a_stopwatch_counts_what_runs() {
        let stopwatch = Stopwatch::start();
        std::thread::sleep(Duration::from_millis(20));
        let first = stopwatch.seconds();
        assert!((0.02..5.0).contains(&first), "{first}");
        assert!(stopwatch.seconds() >= first);
    }
}
