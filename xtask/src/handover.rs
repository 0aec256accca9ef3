//! Hands this process over to another: what would stop this process is passed on, and the exit code is the other's.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::workspace;

/// Runs a command that saves its work when it is asked to stop, and waits until it has.
///
/// SIGTERM and SIGHUP are passed on.
/// SIGINT is not: the terminal sends it to every process of the group, and two of them mean "at once".
#[cfg(unix)]
pub(crate) fn run(command: &mut Command) -> Result<ExitCode> {
    use anyhow::Context;
    use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let line = workspace::announce(command);
    let mut signals = vec![SIGCHLD, SIGINT, SIGTERM];
    if !cli::hangup_is_ignored() {
        signals.push(SIGHUP);
    }
    // Before the start, so that no signal is lost; a handler, unlike "ignore", is not inherited.
    let mut signals = Signals::new(signals).context("listen for signals")?;
    let mut child = command.spawn().with_context(|| format!("start `{line}`"))?;
    for signal in signals.forever() {
        // Until this loop has seen its end, nobody else gets the child's number.
        if let Some(status) = child
            .try_wait()
            .with_context(|| format!("wait for `{line}`"))?
        {
            return Ok(workspace::exit_code(status));
        }
        match signal {
            SIGTERM => workspace::send("TERM", child.id()),
            SIGHUP => workspace::send("HUP", child.id()),
            _ => {}
        }
    }
    anyhow::bail!("`{line}` was lost")
}

#[cfg(not(unix))]
pub(crate) fn run(command: &mut Command) -> Result<ExitCode> {
    Ok(workspace::exit_code(workspace::start(command)?))
}
