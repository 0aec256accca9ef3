//! What the program `bench` prints.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::environment;

/// What `bench` prints with these arguments.
pub(super) fn output(binary: &Path, threads: usize, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(binary);
    command.env("RAYON_NUM_THREADS", threads.to_string());
    environment::set(&mut command);
    let output = command
        .args(arguments)
        .output()
        .with_context(|| format!("start {}", binary.display()))?;
    if !output.status.success() {
        bail!(
            "`bench {}` failed: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    String::from_utf8(output.stdout).context("the output of `bench` is not UTF-8")
}
