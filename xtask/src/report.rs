//! `cargo xtask report`: starts `reproduce report` on this repository.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::{handover, reproduce, workspace};

pub(crate) fn run(args: &cli::Report) -> Result<ExitCode> {
    let mut words: Vec<OsString> = vec!["report".into()];
    if args.root.is_none() {
        words.extend(["--root".into(), workspace::root().into()]);
    }
    words.extend(workspace::typed_args());
    handover::run(&mut reproduce::command(&[], &words))
}
