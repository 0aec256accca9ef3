//! Arguments of `reproduce` and `cargo xtask reproduce`.

use std::path::PathBuf;

use clap::{ValueHint, value_parser};

use super::experiments::{IdParser, UnknownExperiment, chosen, target_parser};
use super::{Device, Only, Scale, Shard, Source};

/// Run a paper's experiments and print its tables beside the measured numbers.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask reproduce allconv --list
  cargo xtask reproduce allconv
  cargo xtask reproduce allconv/table3 --scale cpu --data ~/data/cifar10
  cargo xtask reproduce allconv/table3 --scale cpu --data ~/data/cifar10 --row All-CNN-C")]
pub struct Reproduce {
    /// A paper (allconv, nin, stn, swwae), their ideas together (components), everything (all), or one experiment (allconv/table3)
    #[arg(value_name = "PAPER|all|ID", value_parser = target_parser(), hide_possible_values = true)]
    pub target: String,
    /// Experiments to run, such as table3; all of the paper's unless given
    #[arg(value_name = "ID", value_parser = IdParser, hide_possible_values = true)]
    pub ids: Vec<String>,
    /// Do only this row of the tables, by its name; may be given more than once
    #[arg(long = "row", value_name = "NAME")]
    pub rows: Vec<String>,
    /// Print every experiment, what it needs and how long it takes, and stop;
    /// with --json every training, a JSON object a line, with its run and what it needs first
    #[arg(long)]
    pub list: bool,
    /// How much of the paper to do
    #[arg(long, value_enum, default_value_t)]
    pub scale: Scale,
    /// embedded, hub, or a folder with the paper's data set; embedded for smoke and quick unless given
    #[arg(
        long,
        value_name = "embedded|DIR|hub",
        value_parser = Source::parser(),
        value_hint = ValueHint::DirPath
    )]
    pub data: Option<Source>,
    /// cpu, cuda:N or metal:N
    #[arg(long, default_value_t)]
    pub device: Device,
    /// Seed of the first run
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        value_parser = value_parser!(u64).range(..=LAST_SEED)
    )]
    pub seed: u64,
    /// Number of runs of each network, with consecutive seeds; what the experiment wants (mostly 1) unless given
    #[arg(long, value_name = "K", value_parser = value_parser!(u64).range(1..=1000))]
    pub seeds: Option<u64>,
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
    /// Epochs of each training, in place of the experiment's; the fall of the learning rate follows
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..))]
    pub epochs: Option<u16>,
    /// Learning rates of which the best on held-out training images is taken, in place of the experiment's; one alone is taken untried
    #[arg(long, value_name = "LR,...", value_delimiter = ',', value_parser = rate)]
    pub rates: Vec<f64>,
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

/// The largest first seed: files of TOML and JSON hold it, and the thousand after it, as they are.
pub(crate) const LAST_SEED: u64 = 9_000_000_000_000_000;

/// A learning rate.
pub(crate) fn rate(text: &str) -> Result<f64, String> {
    let rate = text
        .parse()
        .ok()
        .filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or_else(|| "wanted numbers above 0, such as 0.1,0.03".to_owned())
}

impl Reproduce {
    /// The chosen experiments, by their full names.
    ///
    /// # Errors
    /// If the paper has no experiment of that name.
    pub fn chosen(&self) -> Result<Vec<&'static str>, UnknownExperiment> {
        chosen(&self.target, &self.ids)
    }
}
