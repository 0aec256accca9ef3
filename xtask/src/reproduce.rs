//! `cargo xtask reproduce`: builds the binary `reproduce` in release mode and starts it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::Result;
use cli::{Data, Device, Reproduce, Source};

use crate::{environment, handover, workspace};

/// Starts `reproduce` in the folder of the caller, so that relative paths mean what they say.
pub(crate) fn run(args: &Reproduce) -> Result<ExitCode> {
    args.choice.chosen()?;
    handover::run(&mut command(&features(args), &workspace::typed_args()))
}

/// Starts `reproduce data`, built with downloads if it may need them.
pub(crate) fn data(command_line: &Data) -> Result<ExitCode> {
    command_line.check()?;
    let args = [vec!["data".into()], workspace::typed_args()].concat();
    let hub: &[&str] = match command_line {
        Data::Fetch { .. }
        | Data::Verify {
            data: Source::Hub, ..
        } => &["hub"],
        Data::Verify { .. } | Data::List { .. } => &[],
    };
    handover::run(&mut command(hub, &args))
}

/// The command that builds `reproduce` with cargo features and runs it with `args`.
pub(crate) fn command(features: &[&str], args: &[OsString]) -> Command {
    let mut command = workspace::cargo();
    command.args([
        "run",
        "--release",
        "--package",
        "reproduce",
        "--manifest-path",
    ]);
    command.arg(workspace::root().join("Cargo.toml"));
    if !features.is_empty() {
        command.args(["--features", &features.join(",")]);
    }
    command.arg("--").args(args);
    environment::set(&mut command);
    command
}

#[cfg(unix)]
/// Builds `reproduce` in release mode with cargo features, and returns where it is.
pub(crate) fn build(features: &[&str]) -> Result<PathBuf> {
    workspace::build("reproduce", features)
}

/// Builds `reproduce` as its tests have it, and returns where it is.
///
/// After `cargo test --workspace` nothing is left to build: the same packages make the same features.
pub(crate) fn build_as_tested() -> Result<PathBuf> {
    let mut command = workspace::cargo();
    command.current_dir(workspace::root());
    // Without the program that runs: some systems refuse to replace it.
    let members = ["--workspace", "--exclude", "xtask"];
    command
        .arg("build")
        .args(members)
        .args(["--bins", "--tests"]);
    workspace::succeed(&mut command)?;
    Ok(workspace::built("debug", "reproduce"))
}

/// The cargo features that the arguments need.
fn features(args: &Reproduce) -> Vec<&'static str> {
    let hub = (args.choice.data == Some(Source::Hub)).then_some("hub");
    Device::feature(args.device)
        .into_iter()
        .chain(hub)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn arguments_choose_the_features() {
        let none: [&str; 0] = [];
        for (line, wanted) in [
            ("allconv", &none[..]),
            ("allconv --device cpu --data DIR", &none),
            ("allconv --device cuda:1 --seed 3", &["cuda"]),
            ("allconv --device=metal:0 --data=hub", &["metal", "hub"]),
            ("allconv --device cuda", &["cuda"]),
        ] {
            let words = ["reproduce"].into_iter().chain(line.split_whitespace());
            let args = cli::Cli::parse_from(words).experiments.unwrap();
            assert_eq!(features(&args), wanted, "{line}");
        }
    }

    #[test]
    fn arguments_are_passed_on() {
        let args = ["allconv", "--scale", "smoke"].map(OsString::from);
        let line = workspace::shown(&command(&["cuda"], &args));
        let head = "cargo run --release --package reproduce --manifest-path ";
        assert!(line.contains(head), "{line}");
        let tail = "Cargo.toml --features cuda -- allconv --scale smoke";
        assert!(line.ends_with(tail), "{line}");
    }
}
