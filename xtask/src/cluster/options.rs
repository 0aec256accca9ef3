//! What a sweep was asked for: what decides its runs, and what its jobs get.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use cli::{Source, Submit};
use serde::{Deserialize, Serialize};

use super::time;

/// What a sweep was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Options {
    /// The experiments, by their full names.
    pub(super) experiments: Vec<String>,
    /// Words for `reproduce` that decide the runs.
    pub(super) arguments: Vec<String>,
    pub(super) partition: Option<String>,
    pub(super) time: Option<String>,
    pub(super) cpus: u16,
    pub(super) gpus: u16,
    pub(super) max_running: Option<u32>,
}

/// Slurm sends SIGTERM so many seconds before the time limit: a step, an evaluation and a checkpoint fit in.
const MARGIN: u64 = 300;

impl Options {
    pub(super) fn of(args: &Submit) -> Result<Self> {
        if let Some(partition) = &args.partition {
            let fine = |c: char| c.is_ascii_alphanumeric() || "_-.,".contains(c);
            if partition.is_empty() || !partition.chars().all(fine) {
                bail!(
                    "--partition {partition:?}: wanted the name of a partition, as `sinfo` prints it"
                );
            }
        }
        if let Some(limit) = &args.time {
            time::limit(limit)?;
        }
        let chosen = args.choice.chosen()?;
        Ok(Self {
            experiments: chosen.into_iter().map(str::to_owned).collect(),
            arguments: words(args)?,
            partition: args.partition.clone(),
            time: args.time.clone(),
            cpus: args.cpus,
            gpus: args.gpus,
            max_running: args.max_running,
        })
    }

    /// Seconds from SIGTERM to the time limit.
    pub(super) fn margin(&self) -> u64 {
        let limit = self.time.as_deref().and_then(|text| time::limit(text).ok());
        limit.map_or(MARGIN, |limit| MARGIN.min(limit / 4))
    }

    /// Cargo features that the program needs.
    pub(super) fn features(&self) -> Vec<&'static str> {
        let cuda = (self.gpus > 0).then_some("cuda");
        let is_hub = self
            .arguments
            .windows(2)
            .any(|pair| pair == ["--data", "hub"]);
        cuda.into_iter().chain(is_hub.then_some("hub")).collect()
    }
}

/// The words for `reproduce`, with whole paths.
fn words(args: &Submit) -> Result<Vec<String>> {
    let choice = &args.choice;
    let mut words = vec!["--scale".to_owned(), choice.scale.name().to_owned()];
    let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
    match &choice.data {
        None => {}
        Some(Source::Embedded) => option("--data", "embedded".to_owned()),
        Some(Source::Hub) => option("--data", "hub".to_owned()),
        Some(Source::Dir(dir)) => option("--data", whole(dir)?),
        Some(Source::Subset(dir)) => option("--data", format!("subset:{}", whole(dir)?)),
    }
    for row in &choice.rows {
        option("--row", row.clone());
    }
    if choice.seed > 0 {
        option("--seed", choice.seed.to_string());
    }
    if let Some(seeds) = choice.seeds {
        option("--seeds", seeds.to_string());
    }
    if let Some(epochs) = choice.epochs {
        option("--epochs", epochs.to_string());
    }
    if !choice.rates.is_empty() {
        let rates: Vec<String> = choice.rates.iter().map(f64::to_string).collect();
        option("--rates", rates.join(","));
    }
    if args.gpus > 0 {
        option("--device", "cuda:0".to_owned());
    }
    Ok(words)
}

/// The whole path of a folder of data.
fn whole(dir: &Path) -> Result<String> {
    let path = dir.canonicalize().with_context(|| {
        format!(
            "--data {}: there is no such folder here; give one that all nodes see",
            dir.display()
        )
    })?;
    nameable(&path, "--data")
}

/// The whole path of a folder, which need not exist yet, if a script can name it.
pub(super) fn whole_out(out: &Path) -> Result<PathBuf> {
    let path = std::path::absolute(out).with_context(|| format!("--out {}", out.display()))?;
    let path = path.canonicalize().unwrap_or(path);
    Ok(nameable(&path, "--out")?.into())
}

fn nameable(path: &Path, option: &str) -> Result<String> {
    // Slurm reads % in the name of an output file, and a backslash there, as something else.
    let odd = |c: char| c.is_control() || "\"'\\%`$".contains(c);
    match path.to_str() {
        Some(text) if !text.contains(odd) => Ok(text.to_owned()),
        _ => bail!(
            "{option} {}: a script of Slurm cannot name this folder; choose one without quotes, \\, %, ` and $",
            path.display()
        ),
    }
}

/// The name of a sweep: the one that was given, or one made of the experiments and the scale.
pub(super) fn name(args: &Submit) -> Result<String> {
    if let Some(name) = &args.name {
        return check_name(name).map(str::to_owned);
    }
    let choice = &args.choice;
    let chosen = choice.chosen()?;
    let what = match chosen.as_slice() {
        [one] => one.replace('/', "-"),
        _ if choice.ids.is_empty() && !choice.target.contains('/') => choice.target.clone(),
        [first, rest @ ..] => format!("{}-and-{}-more", first.replace('/', "-"), rest.len()),
        [] => choice.target.clone(),
    };
    Ok(format!("{what}-{}", choice.scale.name()))
}

/// Refuses the name of a sweep that is no plain name of a folder.
pub(super) fn check_name(name: &str) -> Result<&str> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let first = |c: char| c.is_ascii_alphanumeric();
    match name.len() <= 100 && name.chars().all(fine) && name.starts_with(first) {
        true => Ok(name),
        false => bail!(
            "the sweep {:?}: wanted letters, digits, `-`, `_` and `.`, the first a letter or digit",
            OsStr::new(name)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        submit: Submit,
    }

    fn submit(line: &str) -> Submit {
        Line::parse_from(["submit"].into_iter().chain(line.split_whitespace())).submit
    }

    fn error(line: &str) -> String {
        format!("{:#}", Options::of(&submit(line)).unwrap_err())
    }

    #[test]
    fn arguments_are_those_of_reproduce() {
        let args = submit(
            "allconv table3 --scale smoke --rates 0.1,0.03 --epochs 5 --seeds 2 --gpus 1 --seed 4 --row B",
        );
        let options = Options::of(&args).unwrap();
        assert_eq!(options.experiments, ["allconv/table3"]);
        let words =
            "--scale smoke --row B --seed 4 --seeds 2 --epochs 5 --rates 0.1,0.03 --device cuda:0";
        assert_eq!(options.arguments.join(" "), words);
        assert_eq!(options.features(), ["cuda"]);
        let args = submit("nin --scale cpu --data hub");
        assert_eq!(Options::of(&args).unwrap().features(), ["hub"]);
    }

    #[test]
    fn data_are_named_by_their_whole_path() {
        let options = Options::of(&submit("nin --data subset:src")).unwrap();
        let here = Path::new("src").canonicalize().unwrap();
        assert_eq!(options.arguments[3], format!("subset:{}", here.display()));
    }

    #[test]
    fn wrong_arguments_say_what_is_wanted() {
        assert!(error("nin --time soon").contains("2-00:00"));
        assert!(error("nin --partition a;b").contains("sinfo"));
        assert!(error("nin --data /no/such/folder").contains("all nodes see"));
        assert!(error("nin table99").contains("nin/table1"));
        let error = whole_out(Path::new("/a%b")).unwrap_err().to_string();
        assert!(error.contains("choose one without"), "{error}");
    }

    #[test]
    fn the_signal_comes_five_minutes_before_the_limit() {
        let margin = |line: &str| Options::of(&submit(line)).unwrap().margin();
        assert_eq!(margin("nin"), 300);
        assert_eq!(margin("nin --time 1-00:00"), 300);
        assert_eq!(margin("nin --time 4"), 60);
    }

    #[test]
    fn a_sweep_has_the_name_of_what_it_runs() {
        for (line, wanted) in [
            ("allconv/table3 --scale paper", "allconv-table3-paper"),
            ("nin", "nin-quick"),
            ("all --scale smoke", "all-smoke"),
            ("nin table1 table2", "nin-table1-and-1-more-quick"),
            ("nin --name mine", "mine"),
        ] {
            assert_eq!(name(&submit(line)).unwrap(), wanted);
        }
        for wrong in ["", "../x", ".", "a b", "-x"] {
            assert!(check_name(wrong).is_err(), "{wrong:?}");
        }
    }
}
