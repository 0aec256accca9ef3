//! Hands this process over to another: what would stop this process is passed on, and the exit code is the other's.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::workspace;

/// Runs a command that saves its work when it is asked to stop, and waits until it has.
///
/// SIGTERM and SIGHUP are passed on.
/// SIGINT is not: the terminal sends it to every process of the group, and two of them mean "at once".
#[cfg(unix)]
pub(crate) fn run(command: &mut Command) -> Result<ExitCode> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let line = workspace::announce(command);
    let mut signals = vec![SIGINT, SIGTERM];
    if !cli::hangup_is_ignored() {
        signals.push(SIGHUP);
    }
    // Before the start, so that no signal is lost; a handler, unlike "ignore", is not inherited.
    let mut signals = Signals::new(signals).context("listen for signals")?;
    let mut child = command.spawn().with_context(|| format!("start `{line}`"))?;
    let target = target::Target::new(&child);
    let handle = signals.handle();
    let status = std::thread::scope(|scope| {
        scope.spawn(|| {
            for signal in signals.forever().filter(|signal| *signal != SIGINT) {
                target.send(signal);
            }
        });
        target.wait();
        handle.close();
        child.wait()
    });
    let status = status.with_context(|| format!("wait for `{line}`"))?;
    Ok(workspace::exit_code(status))
}

#[cfg(not(unix))]
pub(crate) fn run(command: &mut Command) -> Result<ExitCode> {
    Ok(workspace::exit_code(workspace::start(command)?))
}

#[cfg(unix)]
mod target {
    //! A child that gets signals as long as its number is its own.

    use std::process::Child;
    use std::sync::{Mutex, PoisonError};

    use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

    pub(super) struct Target {
        /// `None` as soon as the child has ended.
        running: Mutex<Option<Pid>>,
        pid: Pid,
    }

    impl Target {
        pub(super) fn new(child: &Child) -> Self {
            let pid = Pid::from_child(child);
            Self {
                running: Mutex::new(Some(pid)),
                pid,
            }
        }

        /// Sends a signal, unless the child has ended.
        pub(super) fn send(&self, signal: i32) {
            let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            if let (Some(pid), Some(signal)) = (*running, Signal::from_named_raw(signal)) {
                // It may have ended just now; then there is nothing to stop.
                let _ = kill_process(pid, signal);
            }
        }

        /// Waits for the end of the child and leaves it to be reaped, which alone frees its number for other processes.
        pub(super) fn wait(&self) {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(self.pid), options) {}
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            *running = None;
        }
    }
}
