//! Runs each paper's experiments end to end on a sliver of data.
//!
//! The binary must know the paper (its exit code says so) and must leave a record of every experiment.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{environment, reproduce, workspace};

/// Every experiment of every paper at scale smoke, into a fresh folder below `target/`.
pub(super) fn run() -> Result<()> {
    let reproduce = reproduce::build_as_tested()?;
    cli::EXPERIMENTS
        .iter()
        .try_for_each(|(paper, ids)| one(&reproduce, paper, ids))
}

fn one(reproduce: &Path, paper: &str, ids: &[&str]) -> Result<()> {
    let root = workspace::root();
    let out = root.join("target/ci/smoke").join(paper);
    if out.exists() {
        fs::remove_dir_all(&out).with_context(|| format!("remove {}", out.display()))?;
    }
    fs::create_dir_all(&out).with_context(|| format!("create {}", out.display()))?;
    let mut command = Command::new(reproduce);
    environment::set(&mut command);
    command.args([paper, "--scale", "smoke", "--out"]).arg(&out);
    workspace::succeed(&mut command)?;
    let mut records = 0;
    for id in ids {
        let folder = out.join(id);
        let of_id = match folder.is_dir() {
            true => records_below(&folder)?,
            false => 0,
        };
        if of_id == 0 {
            bail!(
                "reproduce {paper} ended well but left no record.json of {id} below {}",
                folder.display()
            );
        }
        records += of_id;
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
