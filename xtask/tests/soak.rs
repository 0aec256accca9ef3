//! A short soak: every check once, on the `reproduce` that these tests were built with.
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// `reproduce` beside `xtask`, where `cargo test --workspace` builds it; built here if these tests run alone.
fn reproduce() -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_xtask")).with_file_name("reproduce");
    if !binary.is_file() {
        let mut cargo = Command::new(env!("CARGO"));
        let status = cargo.args(["build", "--package", "reproduce"]).status();
        assert!(status.unwrap().success());
    }
    binary
}

#[test]
fn every_check_once() {
    let mut soak = Command::new(env!("CARGO_BIN_EXE_xtask"));
    soak.args(["soak", "--minutes", "0", "--seed", "1", "--binary"])
        .arg(reproduce());
    let output = soak.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    for check in [
        "kill",
        "stop",
        "race",
        "checkpoint",
        "data",
        "threads",
        "memory",
    ] {
        let row = text.lines().find(|line| line.starts_with(check));
        let words: Vec<&str> = row.unwrap_or_default().split_whitespace().collect();
        assert_eq!(words.get(1..3), Some(&["1", "0"][..]), "{check}: {text}");
    }
}

#[test]
fn a_program_that_breaks_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("reproduce");
    std::fs::write(&broken, "#!/bin/sh\nkill -s SEGV $$\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&broken, mode).unwrap();
    let mut soak = Command::new(env!("CARGO_BIN_EXE_xtask"));
    soak.args(["soak", "--minutes", "0", "--only", "data,kill", "--binary"])
        .arg(&broken);
    let output = soak.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success());
    assert!(
        text.contains("it crashed") && text.contains("data, try 1"),
        "{text}"
    );
}
