//! `cargo xtask ci`: every check of the project but `cargo test --workspace`, each shown as a command to type.

mod smoke;

use std::process::{Command, ExitCode};

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::{reproduce, rules, workspace};

/// Arguments of `cargo xtask ci`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run these steps instead of all but `deny`
    #[arg(long, value_enum, value_delimiter = ',', value_name = "STEP")]
    only: Vec<Step>,
}

/// The steps, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Step {
    /// cargo fmt --check
    Format,
    /// Source rules: length of files, layers, crate directions, unused dependencies
    Rules,
    /// Clippy on all targets, warnings are errors
    Clippy,
    /// The tests of downloads, which need the feature `hub`; their servers are in the tests
    Downloads,
    /// Documentation of all members, warnings are errors
    Docs,
    /// The experiments of each paper at scale smoke
    Smoke,
    /// The tables in README.md and docs say what docs/results says
    Report,
    /// Licenses, advisories and sources of all dependencies; only if it is asked for, and cargo-deny is installed
    Deny,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let chosen = |step: &&Step| match args.only.is_empty() {
        true => **step != Step::Deny,
        false => args.only.contains(step),
    };
    let mut failed = Vec::new();
    for step in Step::value_variants().iter().filter(chosen) {
        println!("\n== ci: {}", name(*step));
        if let Err(error) = check(*step) {
            eprintln!("error: {error:#}");
            failed.push(name(*step));
        }
    }
    if failed.is_empty() {
        println!("\n== ci: all checks passed");
        return Ok(ExitCode::SUCCESS);
    }
    bail!("ci failed in: {}", failed.join(", "));
}

fn name(step: Step) -> String {
    step.to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned())
}

fn check(step: Step) -> Result<()> {
    match step {
        Step::Format => workspace::succeed(&mut cargo("fmt --all --check")),
        Step::Rules => source_rules(),
        Step::Clippy => workspace::succeed(&mut cargo(
            "clippy --workspace --all-targets --features lab/hub -- -D warnings",
        )),
        // Of the whole workspace: one package alone has other features, and most would be built again.
        Step::Downloads => workspace::succeed(&mut cargo(
            "test --workspace --lib --features lab/hub hub::",
        )),
        Step::Docs => workspace::succeed(
            cargo("doc --workspace --no-deps").env("RUSTDOCFLAGS", "-D warnings"),
        ),
        Step::Smoke => smoke::run(),
        Step::Deny => deny(),
        Step::Report => report_says_what_records_say(),
    }
}

fn source_rules() -> Result<()> {
    let (sources, manifests) = rules::check(&workspace::root())?;
    println!("{sources} Rust files and {manifests} manifests follow the rules");
    Ok(())
}

fn report_says_what_records_say() -> Result<()> {
    let mut check = Command::new(reproduce::build_as_tested()?);
    check.args(["report", "--check", "--root"]);
    workspace::succeed(check.arg(workspace::root()))
}

fn deny() -> Result<()> {
    let installed = cargo("deny --version").output();
    if !installed.is_ok_and(|output| output.status.success()) {
        bail!("cargo-deny is not installed; install it with `cargo install cargo-deny`");
    }
    workspace::succeed(&mut cargo("deny check"))
}

/// Cargo in the root of the workspace, with arguments divided by spaces.
fn cargo(args: &str) -> Command {
    let mut command = workspace::cargo();
    command.current_dir(workspace::root()).args(args.split(' '));
    command
}
