//! The command line.

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use candle_core::Device;
use lab::data::Source;
use lab::report::{Record, Scale};
use lab::train::{Console, Progress, StopFlag};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::laboratory::{Laboratory, Settings};
use crate::{catalog, data, list, report, results};

/// Runs a paper's experiments and prints each measured number next to the paper's.
#[derive(Debug, clap::Parser)]
#[command(
    name = "reproduce",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    args: Option<Args>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make the tables in README.md and docs, and the page of the runs, from records
    Report(report::Args),
    /// Fetch a data set from the hub, or check the files of one
    #[command(subcommand)]
    Data(data::Command),
}

#[derive(Debug, clap::Args)]
struct Args {
    /// A paper (allconv, nin), all of them (all), or one experiment (allconv/table3).
    #[arg(value_name = "PAPER|all|ID")]
    target: String,
    /// Experiments to run, such as table3; all of the paper's unless given.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Print every experiment, what it needs and how long it takes, and stop.
    #[arg(long)]
    list: bool,
    /// How much of the paper to do: smoke, quick, cpu or paper.
    #[arg(long, default_value_t = Scale::Quick)]
    scale: Scale,
    /// embedded, hub, or a folder with the paper's data set; embedded for smoke and quick unless given.
    #[arg(long, value_name = "embedded|DIR|hub")]
    data: Option<DataArg>,
    /// cpu, cuda:N or metal:N.
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Seed of the first run.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Number of runs of each network, with consecutive seeds; what the experiment wants (mostly 1) unless given.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: Option<u64>,
    /// Folder of the runs and the report.
    #[arg(long, default_value = "runs", value_name = "DIR")]
    out: PathBuf,
    /// Go on from the checkpoints in the folder of the runs.
    #[arg(long)]
    resume: bool,
    /// Do only part I of N of the runs, counted from 1.
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Threads of the computation; all cores unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Show no progress.
    #[arg(long)]
    quiet: bool,
    /// Print one JSON record a line instead of the tables, and progress as JSON.
    #[arg(long)]
    json: bool,
}

/// Where the images come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DataArg(pub(crate) Source);

impl FromStr for DataArg {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(match text {
            "embedded" => Source::Embedded,
            "hub" => Source::Hub,
            dir => match dir.strip_prefix("subset:") {
                Some(dir) => Source::Subset(dir.into()),
                None => Source::Dir(dir.into()),
            },
        }))
    }
}

/// Part `index` of `count`, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    index: usize,
    count: usize,
}

impl Shard {
    /// Whether the run at `position` belongs to this part.
    pub(crate) fn holds(self, position: usize) -> bool {
        position % self.count + 1 == self.index
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('/').map(|(i, n)| (i.parse(), n.parse()));
        match parts {
            Some((Ok(index), Ok(count))) if (1..=count).contains(&index) => {
                Ok(Self { index, count })
            }
            _ => Err("wanted I/N with 1 <= I <= N, such as 1/4".to_string()),
        }
    }
}

/// Does what the command line says.
pub(crate) fn run(cli: &Cli) -> Result<()> {
    match (&cli.command, &cli.args) {
        (Some(Command::Report(args)), _) => report::run(args),
        (Some(Command::Data(command)), _) => data::run(command),
        (None, Some(args)) => reproduce(args),
        (None, None) => bail!(
            "nothing to do; wanted a paper ({}), all, report or data",
            catalog::papers()
        ),
    }
}

fn reproduce(args: &Args) -> Result<()> {
    let chosen = catalog::choose(&args.target, &args.ids)?;
    if args.list {
        return list::list(&chosen);
    }
    // The caller's thread works with the others instead of waiting for them; 0 stands for all cores.
    rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads.unwrap_or(0).into())
        .use_current_thread()
        .build_global()
        .context("cannot start the threads")?;
    let settings = Settings {
        scale: args.scale,
        source: source(args)?,
        device: device(&args.device)?,
        seed: args.seed,
        seeds: args.seeds,
        out: args.out.clone(),
        resume: args.resume,
        shard: args.shard,
        command: command(),
    };
    let console = Console::stderr(match (args.quiet, args.json) {
        (true, _) => Progress::Quiet,
        (false, true) => Progress::Json,
        (false, false) => Progress::detect(),
    });
    let print = |record: &Record| match args.json {
        true => Ok(writeln!(stdout(), "{}", serde_json::to_string(record)?)?),
        false => Ok(()),
    };
    let mut laboratory = Laboratory::new(&settings, console, stop_flag()?, print);
    let mut not_run = Vec::new();
    let mut outcome = Ok(());
    for experiment in &chosen {
        match laboratory.experiment(*experiment) {
            Ok(reason) => not_run.extend(reason),
            Err(error) => {
                // What was measured before is shown all the same.
                outcome = Err(error);
                break;
            }
        }
    }
    let results = results::all(&args.out)?;
    let page = results::write(&args.out, &results)?;
    if !args.json {
        let chosen = |r: &&results::Results| {
            r.scale == args.scale && chosen.iter().any(|e| e.id() == r.experiment.id())
        };
        for result in results.iter().filter(chosen) {
            writeln!(stdout(), "\n{}", result.to_text())?;
        }
        not_run
            .iter()
            .try_for_each(|reason| writeln!(stdout(), "Not run: {reason}."))?;
        writeln!(stdout(), "Report: {}", page.display())?;
    }
    outcome?;
    if not_run.len() == chosen.len() {
        bail!("nothing was run: {}", not_run.join("; "));
    }
    Ok(())
}

fn source(args: &Args) -> Result<Option<Source>> {
    let source = match (&args.data, args.scale) {
        (Some(data), _) => Some(data.0.clone()),
        (None, Scale::Smoke | Scale::Quick) => Some(Source::Embedded),
        (None, Scale::Cpu | Scale::Paper) => None,
    };
    match &source {
        Some(Source::Dir(dir) | Source::Subset(dir)) if !dir.is_dir() => bail!(
            "--data {}: there is no such folder; give the folder of the data set, or embedded, or hub",
            dir.display()
        ),
        _ => Ok(source),
    }
}

/// What was typed, as it can be typed again.
fn command() -> String {
    let quoted = |arg: String| match arg.is_empty()
        || arg.contains(|c: char| c.is_whitespace() || "'\"\\$*?&|;<>()".contains(c))
    {
        true => format!("'{}'", arg.replace('\'', r"'\''")),
        false => arg,
    };
    let args: Vec<String> = std::env::args().skip(1).map(quoted).collect();
    format!("cargo xtask reproduce {}", args.join(" "))
}

/// A flag that Ctrl-C and a polite request to end set; the second Ctrl-C ends the program at once.
fn stop_flag() -> Result<StopFlag> {
    let stop = StopFlag::default();
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the flag still down.
        flag::register_conditional_shutdown(signal, 130, stop.shared())
            .and_then(|_| flag::register(signal, stop.shared()))
            .context("cannot listen for Ctrl-C")?;
    }
    Ok(stop)
}

fn device(text: &str) -> Result<Device> {
    let (kind, number) = text.split_once(':').unwrap_or((text, "0"));
    let number: usize = number.parse().with_context(|| {
        format!("--device {text}: {number:?} is not a number; wanted cpu, cuda:N or metal:N")
    })?;
    match kind {
        "cpu" => Ok(Device::Cpu),
        "cuda" => Device::new_cuda(number).with_context(|| {
            format!("--device {text}: needs a CUDA device and a build with the feature cuda")
        }),
        "metal" => Device::new_metal(number).with_context(|| {
            format!("--device {text}: needs a Metal device and a build with the feature metal")
        }),
        _ => bail!("--device {text}: wanted cpu, cuda:N or metal:N"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn shards() {
        let shard: Shard = "2/3".parse().expect("valid");
        let held: Vec<usize> = (0..7).filter(|&i| shard.holds(i)).collect();
        assert_eq!(held, [1, 4]);
        for wrong in ["0/3", "4/3", "1", "a/b", "1/0", ""] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn devices() {
        assert!(device("cpu").is_ok());
        for wrong in ["tpu", "cuda:x", ""] {
            assert!(device(wrong).is_err(), "{wrong:?}");
        }
    }
}
