//! The command line.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use candle_core::Device;
use lab::data::Source;

use crate::experiment::{self, Experiment};
use crate::job::{self, Settings};
use crate::scale::Scale;

/// Runs a paper's experiments and prints each measured number next to the paper's.
#[derive(Debug, clap::Parser)]
#[command(name = "reproduce", version)]
pub(crate) struct Args {
    /// A paper (allconv), all of them (all), or one experiment (allconv/table3).
    #[arg(value_name = "PAPER|all|ID")]
    target: Target,
    /// Experiments to run, such as table3; all of the paper's unless given.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Print every experiment, what it needs and how long it takes, and stop.
    #[arg(long)]
    list: bool,
    /// How much of the paper to do.
    #[arg(long, value_enum, default_value_t = Scale::Quick)]
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
    /// Number of runs of each network, with consecutive seeds.
    #[arg(long, default_value_t = 1, value_name = "K", value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: u64,
    /// Folder of the runs and the report.
    #[arg(long, default_value = "runs", value_name = "DIR")]
    out: PathBuf,
    /// Keep finished runs with the same settings.
    #[arg(long)]
    resume: bool,
    /// Do only part I of N of the runs, counted from 1.
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Threads of the computation; all cores unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Print the tables only.
    #[arg(long)]
    quiet: bool,
    /// Print one JSON record a line instead of the tables.
    #[arg(long)]
    json: bool,
}

/// A paper, and perhaps one of its experiments.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    id: Option<String>,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            None if text == "allconv" || text == "all" => Ok(Self { id: None }),
            Some(("allconv", _)) => Ok(Self {
                id: Some(text.to_owned()),
            }),
            _ => Err("wanted allconv, all, or an experiment such as allconv/table3".to_owned()),
        }
    }
}

/// Where the images come from.
#[derive(Clone, Debug, PartialEq, Eq)]
struct DataArg(Source);

impl FromStr for DataArg {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(match text {
            "embedded" => Source::Embedded,
            "hub" => Source::Hub,
            dir => Source::Dir(dir.into()),
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
pub(crate) fn run(args: &Args) -> Result<()> {
    let chosen = choose(args)?;
    if args.list {
        return experiment::list(&chosen);
    }
    if let Some(threads) = args.threads {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads.into())
            .build_global()
            .context("cannot start the threads")?;
    }
    let source = match (&args.data, args.scale) {
        (Some(data), _) => Some(data.0.clone()),
        (None, Scale::Smoke | Scale::Quick) => Some(Source::Embedded),
        (None, Scale::Cpu | Scale::Paper) => None,
    };
    if let Some(Source::Dir(dir)) = &source
        && !dir.is_dir()
    {
        bail!(
            "--data {}: there is no such folder; give the folder of the data set, or embedded, or hub",
            dir.display()
        );
    }
    let settings = Settings {
        scale: args.scale,
        source,
        device: device(&args.device)?,
        seeds: (0..args.seeds).map(|i| args.seed.wrapping_add(i)).collect(),
        out: args.out.clone(),
        resume: args.resume,
        shard: args.shard,
        quiet: args.quiet,
        json: args.json,
    };
    job::run_all(&chosen, &settings)
}

fn choose(args: &Args) -> Result<Vec<&'static dyn Experiment>> {
    let known = crate::allconv::EXPERIMENTS;
    let mut ids = args.target.id.iter().chain(&args.ids).peekable();
    if ids.peek().is_none() {
        return Ok(known.to_vec());
    }
    let mut chosen: Vec<&'static dyn Experiment> = Vec::new();
    for id in ids {
        let found = known
            .iter()
            .find(|e| e.id() == id || e.id().rsplit('/').next() == Some(id.as_str()));
        match found {
            Some(e) if chosen.iter().any(|c| c.id() == e.id()) => {}
            Some(e) => chosen.push(*e),
            None => {
                let ids: Vec<&str> = known.iter().map(|e| e.id()).collect();
                bail!(
                    "there is no experiment {id:?}; the experiments are {}",
                    ids.join(", ")
                );
            }
        }
    }
    Ok(chosen)
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
    fn shards() {
        let shard: Shard = "2/3".parse().expect("valid");
        let held: Vec<usize> = (0..7).filter(|&i| shard.holds(i)).collect();
        assert_eq!(held, [1, 4]);
        for wrong in ["0/3", "4/3", "1", "a/b", "1/0", ""] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_target_is_a_paper_or_an_experiment() {
        use clap::Parser;
        let chosen = |line: &[&str]| -> Result<Vec<&str>> {
            let args = Args::try_parse_from([&["reproduce"], line].concat())?;
            Ok(choose(&args)?
                .iter()
                .map(|experiment| experiment.id())
                .collect())
        };
        let (one, two) = ("allconv/table3", "allconv/table4");
        assert_eq!(chosen(&[one]).expect("known"), [one]);
        assert_eq!(chosen(&["allconv", "table3"]).expect("known"), [one]);
        assert_eq!(chosen(&[one, "table4"]).expect("known"), [one, two]);
        assert_eq!(
            chosen(&["all"]).expect("known").len(),
            crate::allconv::EXPERIMENTS.len()
        );
        for wrong in ["nin", "allconv/table9", "table3", ""] {
            assert!(chosen(&[wrong]).is_err(), "{wrong:?}");
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
