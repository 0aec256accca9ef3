//! `cargo xtask data`: starts `reproduce data`, built with downloads.

use std::process::ExitCode;

use anyhow::Result;

use crate::{reproduce, workspace};

/// Arguments of `cargo xtask data`.
#[derive(clap::Args)]
#[command(override_usage = "cargo xtask data <fetch|verify> NAME [OPTIONS]")]
#[command(after_help = "\
Examples:
  cargo xtask data fetch cifar10                      download what is missing, and check it
  cargo xtask data verify cifar10 --data ~/cifar10    check the files of a folder")]
pub(crate) struct Args {
    /// fetch or verify, the name of the data set, and options
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    args: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let all: Vec<String> = [&["data".to_owned()], args.args.as_slice()].concat();
    let status = workspace::start(&mut reproduce::command(&all))?;
    Ok(workspace::exit_code(status))
}
