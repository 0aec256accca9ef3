//! `cargo xtask completions`: lets a shell complete the project's commands.

use std::io::{Write, stdout};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap_complete::Shell;

/// Arguments of `cargo xtask completions`.
#[derive(clap::Args)]
#[command(after_help = "\
Shells complete the arguments of `xtask`, so name the command that way:
  alias xtask='cargo xtask'
Examples:
  cargo xtask completions bash > ~/.local/share/bash-completion/completions/xtask
  cargo xtask completions zsh > ~/.zfunc/_xtask
  cargo xtask completions fish > ~/.config/fish/completions/xtask.fish")]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &Args, mut command: clap::Command) -> Result<ExitCode> {
    // A shell looks for a command of one word.
    command = command.name("xtask").bin_name("xtask");
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "xtask", &mut script);
    stdout().write_all(&script).context("print the script")?;
    Ok(ExitCode::SUCCESS)
}
