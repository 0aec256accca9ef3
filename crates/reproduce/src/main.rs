//! `reproduce`: runs the papers' experiments and prints each measured number next to the paper's.

mod allconv;
mod claim;
mod cli;
mod experiment;
mod job;
mod record;
mod scale;
mod table;
mod train;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::run(&cli::Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
