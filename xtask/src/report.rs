//! `cargo xtask report`: starts `reproduce report` on this repository.

use std::process::ExitCode;

use anyhow::Result;

use crate::{reproduce, workspace};

/// Arguments of `cargo xtask report`.
#[derive(clap::Args)]
#[command(after_help = "\
Options passed on to `reproduce report`:
  --take ID,..   Copy the records of these experiments from the runs to docs/results first
  --scale SCALE  The scale of the records to copy (default: quick)
  --out DIR      Folder of the runs (default: runs)
  --check        Change nothing; fail if a document does not show what the records say")]
pub(crate) struct Args {
    /// Options of the report
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let status = workspace::start(&mut command(&args.args))?;
    Ok(workspace::exit_code(status))
}

/// The command that makes or checks the report of this repository.
pub(crate) fn command(args: &[String]) -> std::process::Command {
    let root = workspace::root().to_string_lossy().into_owned();
    let mut all = vec!["report".to_owned(), "--root".to_owned(), root];
    all.extend_from_slice(args);
    reproduce::command(&all)
}
