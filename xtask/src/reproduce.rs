//! `cargo xtask reproduce`: builds the binary `reproduce` in release mode and starts it.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::{environment, workspace};

/// Arguments of `cargo xtask reproduce`.
#[derive(clap::Args)]
#[command(override_usage = "cargo xtask reproduce <PAPER|all> [ID]... [OPTIONS]")]
#[command(after_help = "\
Options passed on to the binary `reproduce`:
  --list             List what can be reproduced
  --scale SCALE      smoke (seconds), quick (minutes; the default), cpu (hours), paper
  --data SOURCE      embedded, a folder, or hub
  --device DEVICE    cpu, cuda:N or metal:N; builds with the feature that the device needs
  --seed N           The seed of everything random
  --seeds K          Runs with K consecutive seeds
  --out DIR          Where the run folders go (default: runs)
  --resume           Keep finished runs with the same settings
  --threads N        Threads of the computation (default: all cores)
All options of a paper: cargo xtask reproduce PAPER --help

Examples:
  cargo xtask reproduce allconv
  cargo xtask reproduce allconv/table3 --scale cpu --data ~/data/cifar10")]
pub(crate) struct Args {
    /// The paper, experiment ids and options
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    args: Vec<String>,
}

/// Starts `reproduce` in the folder of the caller, so that relative paths mean what they say.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let status = workspace::start(&mut command(&args.args))?;
    Ok(workspace::exit_code(status))
}

/// The command that builds and runs `reproduce` with `args`.
pub(crate) fn command(args: &[String]) -> Command {
    let mut command = workspace::cargo();
    command.args([
        "run",
        "--release",
        "--package",
        "reproduce",
        "--manifest-path",
    ]);
    command.arg(workspace::root().join("Cargo.toml"));
    let features = features(args);
    if !features.is_empty() {
        command.args(["--features", &features.join(",")]);
    }
    command.arg("--").args(args);
    environment::set(&mut command);
    command
}

/// The cargo features that the arguments need.
fn features(args: &[String]) -> Vec<&'static str> {
    let device = option(args, "--device").and_then(|device| device.split(':').next());
    let mut features = match device {
        Some("cuda") => vec!["cuda"],
        Some("metal") => vec!["metal"],
        _ => Vec::new(),
    };
    let of_data = args.first().is_some_and(|arg| arg == "data");
    if of_data || option(args, "--data") == Some("hub") {
        features.push("hub");
    }
    features
}

/// The last value of an option.
fn option<'a>(args: &'a [String], name: &str) -> Option<&'a str> {
    let mut found = None;
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if arg == name {
            found = rest.next().map(String::as_str);
        } else if let Some(value) = arg
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('='))
        {
            found = Some(value);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn arguments_choose_the_features() {
        let none: [&str; 0] = [];
        for (line, wanted) in [
            ("allconv", &none[..]),
            ("allconv --device cpu --data DIR", &none),
            ("allconv --device cuda:1 --seed 3", &["cuda"]),
            ("allconv --device=metal:0 --data=hub", &["metal", "hub"]),
            ("allconv --device cuda --device cpu", &none),
            ("allconv --device", &none),
            ("data fetch mnist", &["hub"]),
        ] {
            assert_eq!(features(&words(line)), wanted, "{line}");
        }
    }

    #[test]
    fn arguments_are_passed_on() {
        let line = workspace::shown(&command(&words("allconv --device cuda:0 --scale smoke")));
        let head = "cargo run --release --package reproduce --manifest-path ";
        assert!(line.contains(head), "{line}");
        let tail = "Cargo.toml --features cuda -- allconv --device cuda:0 --scale smoke";
        assert!(line.ends_with(tail), "{line}");
    }
}
