//! `cargo xtask bench`: starts `reproduce bench`, which times networks and ops.

use std::process::ExitCode;

use anyhow::Result;

use crate::reproduce;

/// Arguments of `cargo xtask bench`.
#[derive(clap::Args)]
#[command(after_help = "Criterion benches of single ops: cargo bench -p striate")]
pub(crate) struct Args {
    /// Arguments of `reproduce bench`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let line: Vec<String> = ["bench".to_owned()]
        .into_iter()
        .chain(args.args.iter().cloned())
        .collect();
    reproduce::start(&line)
}
