//! `cargo xtask bench --memory`: the peak memory of each of the papers' networks, a process each.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::environment;

/// A table of networks: memory of a process that predicts one image, and of one that trains.
///
/// Images, labels and parameters are in it, data sets are not.
pub(super) fn table(binary: &Path, threads: usize) -> Result<String> {
    let mut text = String::from(
        "| network | images | one prediction, MiB | training, images in a batch | MiB |\n\
         |:--|:--|--:|--:|--:|\n",
    );
    let list = output(binary, threads, &["--networks"])?;
    for line in list.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, batch, image] = fields[..] else {
            bail!("`bench --networks` prints {line:?}; name, batch and size are expected");
        };
        let side = image.rsplit('x').next().unwrap_or(image);
        eprintln!("{name}, {image}");
        let peak = |more: &[&str]| {
            let arguments = [&["--peak", name, "--size", side], more].concat();
            output(binary, threads, &arguments)
        };
        let (one, many) = (peak(&[])?, peak(&["--train"])?);
        let _ = writeln!(
            text,
            "| {name} | {image} | {} | {batch} | {} |",
            one.trim(),
            many.trim()
        );
    }
    Ok(text)
}

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
