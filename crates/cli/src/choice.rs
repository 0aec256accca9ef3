//! What decides the runs, of `reproduce` and of a sweep alike.

use clap::{ValueHint, value_parser};

use super::experiments::{IdParser, UnknownExperiment, chosen, target_parser};
use super::{Scale, Source};

/// What decides the runs: experiments and rows, scale, data, seeds, epochs and learning rates.
#[derive(Debug, clap::Args)]
pub struct Choice {
    /// A paper (allconv, nin, stn, swwae), their ideas together (components), everything (all), or one experiment (allconv/table3)
    #[arg(value_name = "PAPER|all|ID", value_parser = target_parser(), hide_possible_values = true)]
    pub target: String,
    /// Experiments to run, such as table3; all of the paper's unless given
    #[arg(value_name = "ID", value_parser = IdParser, hide_possible_values = true)]
    pub ids: Vec<String>,
    /// Do only this row of the tables, by its name; may be given more than once
    #[arg(long = "row", value_name = "NAME")]
    pub rows: Vec<String>,
    /// How much of the paper to do
    #[arg(long, value_enum, default_value_t)]
    pub scale: Scale,
    /// embedded, hub, or a folder with the paper's data set, which all nodes of a cluster must see;
    /// embedded for smoke and quick unless given
    #[arg(
        long,
        value_name = "embedded|DIR|hub",
        value_parser = Source::parser(),
        value_hint = ValueHint::DirPath
    )]
    pub data: Option<Source>,
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
    /// Epochs of each training, in place of the experiment's; the fall of the learning rate follows
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..))]
    pub epochs: Option<u16>,
    /// Learning rates of which the best on held-out training images is taken, in place of the experiment's; one alone is taken untried
    #[arg(long, value_name = "LR,...", value_delimiter = ',', value_parser = rate)]
    pub rates: Vec<f64>,
}

/// The largest first seed: files of TOML and JSON hold it, and the thousand after it, as they are.
const LAST_SEED: u64 = 9_000_000_000_000_000;

/// A learning rate.
fn rate(text: &str) -> Result<f64, String> {
    let rate = text
        .parse()
        .ok()
        .filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or_else(|| "wanted numbers above 0, such as 0.1,0.03".to_owned())
}

impl Choice {
    /// The chosen experiments, by their full names.
    ///
    /// # Errors
    /// If the paper has no experiment of that name.
    pub fn chosen(&self) -> Result<Vec<&'static str>, UnknownExperiment> {
        chosen(&self.target, &self.ids)
    }
}
