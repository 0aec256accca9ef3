//! Arguments of `reproduce` and `cargo xtask reproduce`.

use std::path::PathBuf;

use clap::{ValueHint, value_parser};

use super::{Choice, Device, Only, Shard};

/// Run a paper's experiments and print its tables beside the measured numbers.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask reproduce allconv --list
  cargo xtask reproduce allconv
  cargo xtask reproduce allconv/table3 --scale cpu --data ~/data/cifar10
  cargo xtask reproduce allconv/table3 --scale cpu --data ~/data/cifar10 --row All-CNN-C")]
// `Cli` asks by this group whether a run is wanted; those of a flattened struct are not in it by themselves.
#[group(args = ["target"])]
pub struct Reproduce {
    /// What decides the runs.
    #[command(flatten)]
    pub choice: Choice,
    /// Print every experiment, what it needs and how long it takes, and stop;
    /// with --json every training, a JSON object a line, with its run and what it needs first
    #[arg(long)]
    pub list: bool,
    /// cpu, cuda:N or metal:N
    #[arg(long, default_value_t)]
    pub device: Device,
    /// Folder of the runs and the report
    #[arg(long, default_value = "runs", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
    /// Go on from the checkpoints in the folder of the runs
    #[arg(long)]
    pub resume: bool,
    /// Train again what is finished in the folder of the runs
    #[arg(long)]
    pub again: bool,
    /// Do only part I of N of the runs, counted from 1
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
    /// Train this run alone, named as --list --json names it; none: train nothing, and report what is trained
    #[arg(long = "run", value_name = "HEX|none", conflicts_with_all = ["shard", "again"])]
    pub only: Option<Only>,
    /// Threads of the computation; all cores unless given
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Show no progress
    #[arg(long)]
    pub quiet: bool,
    /// Print one JSON record a line instead of the tables, and progress as JSON
    #[arg(long)]
    pub json: bool,
}
