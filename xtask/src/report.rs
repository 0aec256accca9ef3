//! `cargo xtask report`: starts `reproduce report` on this repository.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::{handover, reproduce, workspace};

pub(crate) fn run(args: &cli::Report) -> Result<ExitCode> {
    let typed = workspace::typed_args();
    match args.root {
        None => handover::run(&mut command(&typed)),
        Some(_) => handover::run(&mut reproduce::command(
            &[],
            &[vec!["report".into()], typed].concat(),
        )),
    }
}

/// The command that makes or checks the report of this repository.
fn command(args: &[OsString]) -> Command {
    let mut all: Vec<OsString> = vec!["report".into(), "--root".into(), workspace::root().into()];
    all.extend_from_slice(args);
    reproduce::command(&[], &all)
}
