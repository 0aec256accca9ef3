//! Runs that are told to stop, and runs that nobody listens to any more.
#![cfg(unix)]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

fn reproduce(args: &[&str], out: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reproduce"));
    command.args(args).arg("--out").arg(out);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn send(signal: &str, child: &Child) {
    let mut kill = Command::new("kill");
    let status = kill
        .arg(format!("-{signal}"))
        .arg(child.id().to_string())
        .status();
    assert!(status.expect("kill starts").success());
}

/// The records below a folder.
fn records(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let count = |path: &Path| match path.is_dir() {
        true => records(path),
        false => path.ends_with("record.json").into(),
    };
    entries.map(|entry| count(&entry.path())).sum()
}

/// Whether a training has begun.
fn trains(out: &Path) -> bool {
    let runs = std::fs::read_dir(out.join("trained")).into_iter().flatten();
    let mut logs = runs.flatten().map(|run| run.path().join("log.jsonl"));
    logs.any(|log| log.exists())
}

/// Starts a run that takes minutes, sends signals (or waits) once it trains, and waits for its end.
fn stopped(prefix: &[&str], signals: &[&str], out: &Path) -> Output {
    let args = ["allconv", "table3", "--threads", "1"];
    let run = reproduce(&args, out);
    let mut command = match prefix.split_first() {
        None => run,
        Some((program, rest)) => {
            let mut command = Command::new(program);
            command
                .args(rest)
                .arg(run.get_program())
                .args(run.get_args());
            command
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            command
        }
    };
    let mut child = command.spawn().expect("it starts");
    let begun = Instant::now();
    while !trains(out) {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "it does not start"
        );
        sleep(Duration::from_millis(20));
    }
    sleep(Duration::from_millis(500));
    for signal in signals {
        assert!(
            child.try_wait().expect("its state").is_none(),
            "it ended before {signal}"
        );
        match *signal {
            "wait" => sleep(Duration::from_secs(2)),
            signal => send(signal, &child),
        }
    }
    child.wait_with_output().expect("it ends")
}

#[test]
fn a_closed_terminal_and_a_request_to_end_save_the_run() {
    // Those who stop a group of processes often send the signal twice: nothing is lost by that.
    let hangups = &["HUP", "HUP"][..];
    for signals in [hangups, &["TERM", "TERM"]] {
        // Under `nohup` the program is right to ignore it.
        if signals == hangups && cli::hangup_is_ignored() {
            continue;
        }
        let dir = tempfile::tempdir().expect("a temporary folder");
        let output = stopped(&[], signals, dir.path());
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(130), "{signals:?}: {text}");
        assert!(
            text.contains("what was done is saved"),
            "{signals:?}: {text}"
        );
    }
}

#[test]
fn nohup_keeps_the_run_alive() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let prefix = ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh"];
    let output = stopped(&prefix, &["HUP", "wait", "INT"], dir.path());
    assert_eq!(output.status.code(), Some(130));
}

#[test]
fn records_that_nobody_reads_do_not_end_the_training() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let args = ["allconv", "table4", "--scale", "smoke", "--json", "--quiet"];
    let mut child = reproduce(&args, dir.path()).spawn().expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert_eq!(records(dir.path()), 2, "every network was trained: {text}");
    assert_eq!(
        text.matches("cannot print the records").count(),
        1,
        "{text}"
    );
}

#[test]
fn records_that_cannot_be_printed_are_an_error_at_the_end() {
    let Ok(full) = std::fs::File::options().write(true).open("/dev/full") else {
        return; // A device of Linux.
    };
    let dir = tempfile::tempdir().expect("a temporary folder");
    let args = ["allconv", "table4", "--scale", "smoke", "--json", "--quiet"];
    let output = reproduce(&args, dir.path())
        .stdout(full)
        .output()
        .expect("it ends");
    assert!(!output.status.success());
    assert_eq!(records(dir.path()), 2);
}

#[test]
fn an_error_that_nobody_reads_is_no_panic() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let args = ["allconv", "--data", "/no/such/folder"];
    let mut child = reproduce(&args, dir.path()).spawn().expect("it starts");
    drop(child.stderr.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
}

#[test]
fn a_folder_need_not_be_named_in_utf8() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let out = dir.path().join(OsStr::from_bytes(b"runs \xff'"));
    let args = ["allconv", "table4", "--scale", "smoke", "--quiet"];
    let output = reproduce(&args, &out).output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert_eq!(records(&out), 2, "{text}");
}
