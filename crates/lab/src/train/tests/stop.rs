//! Signals, each sent to a process of its own.

#![allow(
    clippy::print_stdout,
    reason = "the child tells its parent how far it is"
)]
#![cfg(unix)]

use std::io::BufReader;
use std::process::{Child, ChildStdout, ExitStatus};
use std::time::Instant;

use super::*;
use crate::train::stop::hangup_is_ignored;

const ROLE: &str = "LAB_TEST_SIGNALS";

/// In a process of its own: waits until it is asked to stop, and longer if it is told to.
#[test]
fn child_that_waits() {
    let Some(role) = std::env::var_os(ROLE) else {
        return;
    };
    let stop = StopFlag::on_signals().unwrap();
    println!("ready");
    let begun = Instant::now();
    while !stop.is_set() && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    println!("asked to stop");
    if role == "stay" {
        std::thread::sleep(Duration::from_secs(60));
    }
}

struct Waiting(Child, BufReader<ChildStdout>);

impl Waiting {
    fn new(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        assert!(wait_for(&mut out, "ready"));
        Self(child, out)
    }

    fn send(&self, signal: &str) {
        let pid = self.0.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(sent.success());
    }

    fn end(mut self) -> ExitStatus {
        assert!(wait_for(&mut self.1, "asked to stop"));
        self.0.wait().unwrap()
    }
}

const TEST: &str = "train::tests::stop::child_that_waits";

/// SIGHUP; SIGTERM where the tests themselves run under `nohup`, whose children ignore the first.
fn hangup() -> &'static str {
    match hangup_is_ignored() {
        true => "-TERM",
        false => "-HUP",
    }
}

#[test]
fn each_signal_asks_to_stop() {
    for signal in ["-INT", "-TERM", hangup()] {
        let waiting = Waiting::new(child(TEST, ROLE, "end"));
        waiting.send(signal);
        // The same request, delivered twice.
        waiting.send(signal);
        assert!(waiting.end().success(), "{signal}");
    }
}

#[test]
fn a_later_signal_ends_the_process() {
    let mut waiting = Waiting::new(child(TEST, ROLE, "stay"));
    waiting.send(hangup());
    assert!(wait_for(&mut waiting.1, "asked to stop"));
    std::thread::sleep(Duration::from_millis(1500));
    waiting.send(hangup());
    waiting.send("-TERM");
    assert_eq!(waiting.0.wait().unwrap().code(), Some(128 + 15));
}

#[cfg(target_os = "linux")]
#[test]
fn nohup_is_respected() {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" --exact \"$1\" --nocapture"]);
    command.arg(std::env::current_exe().unwrap()).arg(TEST);
    command.env(ROLE, "end").stdout(Stdio::piped());
    let mut waiting = Waiting::new(command);
    waiting.send("-HUP");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(waiting.0.try_wait().unwrap(), None);
    waiting.send("-TERM");
    assert!(waiting.end().success());
}
