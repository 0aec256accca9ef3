//! Runs each paper's experiments end to end on a sliver of data.
//!
//! The binary must know the paper (its exit code says so) and must leave records.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::{reproduce, workspace};

/// Every experiment of every paper at scale smoke, into a fresh folder below `target/`.
pub(super) fn run() -> Result<()> {
    cli::EXPERIMENTS
        .iter()
        .try_for_each(|(paper, _)| one(paper))
}

fn one(paper: &str) -> Result<()> {
    let root = workspace::root();
    let out = root.join("target/ci/smoke").join(paper);
    if out.exists() {
        fs::remove_dir_all(&out).with_context(|| format!("remove {}", out.display()))?;
    }
    fs::create_dir_all(&out).with_context(|| format!("create {}", out.display()))?;
    let args = [paper, "--scale", "smoke", "--out"].map(OsString::from);
    let args = [&args[..], &[out.clone().into()]].concat();
    workspace::succeed(reproduce::command(&[], &args).current_dir(&root))?;
    let records = records_below(&out)?;
    if records == 0 {
        bail!(
            "reproduce {paper} ended well but left no record.json below {}",
            out.display()
        );
    }
    println!("{paper}: {records} records");
    Ok(())
}

fn records_below(folder: &Path) -> Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            count += records_below(&entry.path())?;
        } else if entry.file_name() == "record.json" {
            count += 1;
        }
    }
    Ok(count)
}
