//! `cargo xtask report`: starts `reproduce report`, which writes tables and the page from records.

use std::process::ExitCode;

use anyhow::Result;

use crate::reproduce;

/// Arguments of `cargo xtask report`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail if a table or the page is stale
    #[arg(long)]
    check: bool,
    /// Further arguments of `reproduce report`
    #[arg(last = true, value_name = "ARGS")]
    args: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    reproduce::start(&line(args))
}

fn line(args: &Args) -> Vec<String> {
    let check = args.check.then(|| "--check".to_owned());
    ["report".to_owned()]
        .into_iter()
        .chain(check)
        .chain(args.args.iter().cloned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_is_passed_on() {
        let args = Args {
            check: true,
            args: vec!["--out".to_owned(), "runs".to_owned()],
        };
        assert_eq!(line(&args), ["report", "--check", "--out", "runs"]);
        assert_eq!(
            line(&Args {
                check: false,
                args: Vec::new()
            }),
            ["report"]
        );
    }
}
