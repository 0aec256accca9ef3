//! `cargo xtask`: the project's commands in one place.
//!
//! Thin: parses, then starts release binaries and checks as processes.
//! Never depends on Candle, so it builds in seconds.
#![allow(clippy::print_stdout, reason = "a binary that talks to a person")]

mod bench;
mod ci;
#[cfg(unix)]
mod cluster;
mod completions;
mod doctor;
mod environment;
mod handover;
mod report;
mod reproduce;
mod rules;
#[cfg(unix)]
mod soak;
mod whole;
mod workspace;

use std::io::{Write, stderr};
use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};

/// The commands of the striate workspace.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    version,
    max_term_width = 100
)]
#[command(after_help = "\
Examples:
  cargo xtask reproduce allconv            the main results, on embedded images, in minutes
  cargo xtask reproduce allconv --list     what can be reproduced
  cargo xtask data fetch cifar10           the paper's images, by download
  cargo xtask report --check               are the tables in the documents up to date?
  cargo xtask cluster submit nin --dry-run  how many jobs of Slurm that would be
  cargo xtask bench                        how fast, beside PyTorch
  cargo xtask doctor                       what this machine offers
  cargo xtask soak --minutes 10            does anything break it?
  cargo xtask ci                           every check; with the tests: .ci/run")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a paper's experiments and print its tables beside the measured numbers
    Reproduce(cli::Reproduce),
    /// Make the tables in README.md and docs, and the page of the runs, from records
    Report(cli::Report),
    /// Download a data set, check the files of one, or list them all
    #[command(subcommand)]
    Data(cli::Data),
    /// Run experiments as job arrays of Slurm: submit, status, collect, cancel
    #[cfg(unix)]
    #[command(subcommand)]
    Cluster(cli::Cluster),
    /// Time training steps, beside PyTorch where it is found
    Bench(bench::Args),
    /// Say what this machine offers: CPU, threads, toolchain, data
    Doctor(doctor::Args),
    /// Check format, source rules, Clippy, downloads, documentation, a smoke run, and the tables in the documents
    Ci(ci::Args),
    /// Kill, race, damage and compare runs for some time, and count what breaks
    #[cfg(unix)]
    Soak(soak::Args),
    /// Print a script that lets a shell complete these commands
    Completions(completions::Args),
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            // Nobody may be left to read it.
            let _ = writeln!(stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Reproduce(args) => reproduce::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Data(args) => reproduce::data(&args),
        #[cfg(unix)]
        Command::Cluster(command) => cluster::run(&command),
        Command::Bench(args) => bench::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Ci(args) => ci::run(&args),
        #[cfg(unix)]
        Command::Soak(args) => soak::run(&args),
        Command::Completions(args) => completions::run(&args, Cli::command()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_says_what_it_does() {
        for command in Cli::command().get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
        }
    }
}
