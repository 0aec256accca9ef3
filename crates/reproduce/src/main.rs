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
        // The reader of our output, such as `head`, has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
