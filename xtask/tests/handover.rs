//! `cargo xtask` as the process between a person and `reproduce`: wrong arguments are refused before anything is
//! built, signals and exit codes are passed on.
//!
//! A script stands in for cargo, so that nothing is built here.
#![cfg(unix)]

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Says what it was called with, then works until a signal tells it to stop.
const CARGO: &str = r#"#!/bin/sh
log="$(dirname "$0")/log"
trap 'echo TERM >> "$log"; exit 7' TERM
trap 'echo HUP >> "$log"; exit 8' HUP
trap 'echo INT >> "$log"; exit 9' INT
printf '%s\n' "$@" > "$log"
echo ready >> "$log"
while [ -e "$(dirname "$0")/works" ]; do sleep 0.02; done
exit 3
"#;

struct Stage(TempDir);

impl Stage {
    fn new() -> Self {
        let stage = Self(tempfile::tempdir().unwrap());
        fs::write(stage.cargo(), CARGO).unwrap();
        fs::set_permissions(stage.cargo(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(stage.0.path().join("works"), "").unwrap();
        stage
    }

    fn cargo(&self) -> PathBuf {
        self.0.path().join("cargo")
    }

    fn log(&self) -> Vec<u8> {
        fs::read(self.0.path().join("log")).unwrap_or_default()
    }

    fn ends_alone(&self) {
        fs::remove_file(self.0.path().join("works")).unwrap();
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.env("CARGO", self.cargo());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn xtask(&self, args: &[OsString]) -> Output {
        self.command().args(args).output().unwrap()
    }

    /// Starts a long run, and returns when it works.
    fn start(&self, mut command: Command) -> Child {
        let child = command.spawn().unwrap();
        let begun = Instant::now();
        while !self.log().ends_with(b"ready\n") {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "it does not start"
            );
            sleep(Duration::from_millis(5));
        }
        child
    }
}

fn words(line: &str) -> Vec<OsString> {
    line.split_whitespace().map(OsString::from).collect()
}

fn send(child: &Child, signal: &str) {
    let mut kill = Command::new("kill");
    let status = kill
        .args(["-s", signal])
        .arg(child.id().to_string())
        .status();
    assert!(status.unwrap().success());
}

#[test]
fn a_wrong_argument_is_refused_before_anything_is_built() {
    let stage = Stage::new();
    for (line, wanted) in [
        ("reproduce alconv", "'allconv'"),
        ("reproduce nin tabel1", "nin/table1"),
        ("reproduce nin/table9", "nin/table1"),
        ("reproduce nin --scale qick", "'quick'"),
        ("reproduce nin --sclae quick", "'--scale'"),
        ("reproduce nin --device gpu", "cuda:N"),
        ("reproduce nin --shard 3/2", "I/N"),
        ("report --chek", "'--check'"),
        ("data fecth mnist", "'fetch'"),
    ] {
        let output = stage.xtask(&words(line));
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{line}");
        assert!(text.contains(wanted), "{line}: no {wanted} in {text}");
        assert!(stage.log().is_empty(), "{line}: cargo was started");
    }
}

#[test]
fn arguments_are_passed_on_as_they_were_typed() {
    let stage = Stage::new();
    stage.ends_alone();
    let out = OsStr::from_bytes(b"runs \xff").to_owned();
    let line = [
        words("reproduce nin table1 --device cuda:0 --out"),
        vec![out],
    ]
    .concat();
    let output = stage.xtask(&line);
    assert_eq!(
        output.status.code(),
        Some(3),
        "the exit code of `reproduce`"
    );
    let log = stage.log();
    let tail = b"--features\ncuda\n--\nnin\ntable1\n--device\ncuda:0\n--out\nruns \xff\nready\n";
    assert!(log.ends_with(tail), "{}", String::from_utf8_lossy(&log));
}

#[test]
fn sigterm_and_sighup_reach_the_run() {
    for (signal, code) in [("TERM", 7), ("HUP", 8)] {
        if signal == "HUP" && cli::hangup_is_ignored() {
            continue; // These tests were started with nohup.
        }
        let stage = Stage::new();
        let mut command = stage.command();
        command.args(["reproduce", "nin"]);
        let child = stage.start(command);
        send(&child, signal);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{signal}");
        let log = stage.log();
        assert!(
            log.ends_with(format!("ready\n{signal}\n").as_bytes()),
            "{signal}"
        );
    }
}

#[test]
fn ctrl_c_waits_for_the_run() {
    let stage = Stage::new();
    let mut command = stage.command();
    command.args(["reproduce", "nin"]);
    let mut child = stage.start(command);
    // The terminal would send it to `reproduce` too; here it goes to xtask alone, which must wait.
    send(&child, "INT");
    sleep(Duration::from_millis(200));
    assert!(
        child.try_wait().unwrap().is_none(),
        "xtask left the run alone"
    );
    stage.ends_alone();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(
        stage.log().ends_with(b"ready\n"),
        "SIGINT must not be sent twice"
    );
}

#[test]
fn nohup_keeps_the_run_alive() {
    let stage = Stage::new();
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" reproduce nin"]);
    command
        .arg(env!("CARGO_BIN_EXE_xtask"))
        .env("CARGO", stage.cargo());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = stage.start(command);
    send(&child, "HUP");
    sleep(Duration::from_millis(200));
    assert!(child.try_wait().unwrap().is_none(), "SIGHUP ended it");
    stage.ends_alone();
    assert_eq!(child.wait().unwrap().code(), Some(3));
}

#[test]
fn an_error_that_nobody_reads_is_no_panic() {
    let stage = Stage::new();
    let mut command = stage.command();
    let mut child = command
        .args(["reproduce", "nin", "tabel1"])
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn completions_know_commands_experiments_and_options() {
    let stage = Stage::new();
    for shell in ["bash", "zsh", "fish"] {
        let output = stage.xtask(&words(&format!("completions {shell}")));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success());
        for wanted in ["xtask", "reproduce", "allconv/table3", "scale", "smoke"] {
            assert!(text.contains(wanted), "{shell}: no {wanted}");
        }
        assert!(!text.contains("cargo xtask "), "{shell}");
    }
}
