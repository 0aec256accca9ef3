//! `cargo xtask doctor`: what this machine offers, and what would go wrong.

mod cpu;
mod data;
mod line;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::workspace;
use line::Line;

/// Arguments of `cargo xtask doctor`.
#[derive(clap::Args)]
#[command(after_help = "\
Variables:
  STRIATE_SIMD=avx512|avx2|plain    forces a level of vector instructions
  STRIATE_DATA=DIR                  a folder of data sets to look at
  RAYON_NUM_THREADS=N               number of threads
Exits with an error if something named by a variable or an option cannot be used.")]
pub(crate) struct Args {
    /// A folder of data sets to look at; may be given more than once
    #[arg(long, value_name = "DIR")]
    data: Vec<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let variable = std::env::var_os("STRIATE_DATA").map(PathBuf::from);
    let mut lines = cpu::lines();
    lines.extend(toolchain());
    lines.extend(data::embedded(&workspace::root()));
    for folder in args.data.iter().chain(&variable) {
        lines.extend(data::folder(folder));
    }
    for Line { label, text, fine } in &lines {
        println!("{} {label:<14} {text}", if *fine { " " } else { "!" });
    }
    let wrong = lines.iter().filter(|line| !line.fine).count();
    if wrong == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("error: {wrong} marked with `!`");
    Ok(ExitCode::FAILURE)
}

fn toolchain() -> Vec<Line> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let needed = format!("(needed: {} or later)", env!("CARGO_PKG_RUST_VERSION"));
    let rustc = match version(Command::new(rustc).arg("--version")) {
        Some(text) => Line::fine("rustc", format!("{text} {needed}")),
        None => Line::wrong("rustc", format!("does not start; install Rust {needed}")),
    };
    let nvcc = version(Command::new("nvcc").arg("--version"));
    let nvcc = nvcc.unwrap_or_else(|| "not found; only --device cuda:N needs it".to_owned());
    vec![rustc, Line::fine("nvcc", nvcc)]
}

/// The last line that a command prints, if it can be started and ends well.
fn version(command: &mut Command) -> Option<String> {
    let output = command
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    text.lines().next_back().map(str::to_owned)
}
