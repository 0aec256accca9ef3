//! `reproduce`: runs the papers' experiments and prints each measured number next to the paper's.

mod agenda;
mod allconv;
mod arguments;
mod canvas;
mod catalog;
mod cli;
mod components;
mod curves;
mod data;
mod datasets;
mod experiment;
mod front_pages;
mod generated;
mod images;
mod kept_labels;
#[cfg(test)]
mod kept_records;
mod list;
mod model;
mod model_file;
mod models;
mod nin;
mod page;
mod pictures;
mod planned;
mod report;
mod session;
mod settings;
mod shared;
mod stn;
mod swwae;
mod trainer;
mod training;
mod trainings;

use std::io::{Write, stderr};
use std::process::ExitCode;

use clap::Parser;

/// Keeps large blocks from step to step: fresh ones cost more in page faults than the work that fills them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match cli::run(&::cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of our output, such as `head`, has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody may be left to read it: the terminal is closed, or the program after the pipe has ended.
            let _ = writeln!(stderr(), "error: {}", one_line(&error));
            match error.is::<trainer::Interrupted>() {
                // What a shell expects of a program that ended on Ctrl-C.
                true => ExitCode::from(130),
                false => ExitCode::FAILURE,
            }
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// An error and its causes; a cause that the text before it already names is not said twice.
fn one_line(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |text, cause| {
        let cause = cause.to_string();
        match text.contains(&cause) {
            _ if text.is_empty() => cause,
            true => text,
            false => format!("{text}: {cause}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn a_cause_is_named_once() {
        let error = anyhow!("no space left").context("cannot write x: no space left; free some");
        let error = error.context("table3");
        let text = "table3: cannot write x: no space left; free some";
        assert_eq!(one_line(&error), text);
        assert_eq!(one_line(&anyhow!("a").context("b")), "b: a");
    }
}
