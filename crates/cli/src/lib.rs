//! The command line of `reproduce`, which `cargo xtask` shares.
//!
//! Plain types without Candle, so that `cargo xtask` refuses a wrong argument before it builds anything,
//! and both programs print the same help.

mod choice;
mod cluster;
mod data;
mod data_sets;
mod device;
mod experiments;
mod hangup;
mod only;
mod quoted;
mod report;
mod reproduce;
mod scale;
mod shard;
mod source;

pub use choice::Choice;
pub use cluster::{Cluster, Submit, Sweep};
pub use data::Data;
pub use data_sets::{DATA_SETS, KnownSet, NoSuchSet};
pub use device::Device;
pub use experiments::{EXPERIMENTS, UnknownExperiment};
pub use hangup::hangup_is_ignored;
pub use only::Only;
pub use quoted::quoted;
pub use report::Report;
pub use reproduce::Reproduce;
pub use scale::Scale;
pub use shard::Shard;
pub use source::Source;

/// Runs the papers' experiments and prints each measured number beside the paper's.
#[derive(Debug, clap::Parser)]
#[command(
    name = "reproduce",
    version,
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub struct Cli {
    /// What to do instead of running experiments.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Which experiments to run, and how.
    #[command(flatten)]
    pub experiments: Option<Reproduce>,
}

/// What `reproduce` does beside running experiments.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Make the tables in README.md and docs, and the page of the runs, from records
    Report(Report),
    /// Download a data set, check the files of one, or list them all
    #[command(subcommand)]
    Data(Data),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    fn error(line: &str) -> String {
        let words = ["reproduce"].into_iter().chain(line.split_whitespace());
        Cli::try_parse_from(words)
            .expect_err("a wrong command line")
            .to_string()
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_error_names_what_is_wanted() {
        for (line, wanted) in [
            ("allconv --sclae cpu", "'--scale'"),
            ("allconv --scale qick", "'quick'"),
            ("alconv", "'allconv'"),
            ("allconv --device tpu", "cpu, cuda:N or metal:N"),
            ("allconv --shard 5/4", "I/N"),
            ("allconv --seeds 0", "1..=1000"),
            (
                "allconv --seed 18446744073709551615",
                "0..=9000000000000000",
            ),
            ("allconv --epochs 0", "1..=65535"),
            ("allconv --rates 0.1,-1", "above 0"),
            ("allconv --run 12", "--list --json"),
            ("allconv --run none --shard 1/2", "--shard"),
            ("report --check --take allconv/table3", "--take"),
            ("report --scale cpu", "--take"),
            ("report --model ../x=y", "NAME=FILE"),
            ("", "PAPER"),
        ] {
            let error = error(line);
            assert!(error.contains(wanted), "{line}: no {wanted} in {error}");
        }
    }

    #[test]
    fn one_line_gives_everything() {
        let line = "reproduce allconv table3 --scale cpu --data hub --device cuda:1 --seed 3 \
                    --seeds 5 --out there --resume --shard 2/3 --threads 2 --quiet --json";
        let cli = Cli::parse_from(line.split_whitespace());
        let args = cli.experiments.expect("arguments of a run");
        let choice = args.choice;
        assert_eq!((choice.target.as_str(), choice.seed), ("allconv", 3));
        assert_eq!((choice.scale, choice.data), (Scale::Cpu, Some(Source::Hub)));
        assert_eq!(args.device, Device::Cuda(1));
        assert!(args.resume && args.quiet && args.json && !args.list);
    }

    #[cfg(unix)]
    #[test]
    fn folders_need_not_be_text() {
        use std::ffi::OsString;
        use std::os::unix::ffi::OsStringExt;
        let folder = OsString::from_vec(b"runs-\xff".to_vec());
        let line = ["reproduce", "allconv", "--out"].map(OsString::from);
        let data = [OsString::from("--data"), folder.clone()];
        let cli = Cli::parse_from(line.into_iter().chain([folder.clone()]).chain(data));
        let args = cli.experiments.expect("arguments of a run");
        assert_eq!(args.out.as_os_str(), folder);
        assert_eq!(args.choice.data, Some(Source::Dir(folder.into())));
    }
}
