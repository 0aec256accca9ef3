//! `cargo xtask soak`: does to `reproduce` what a bad day does, over and over, and counts what breaks.
//!
//! One seed decides which try does what, so a try that failed can be done again.
//! When a signal meets the program still depends on the machine.

mod damage;
mod data_files;
mod draw;
mod interruptions;
mod memory;
mod program;
mod races;
mod results;
mod stage;
mod table;
mod threads;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::{reproduce, workspace};
use draw::Draw;
use program::Program;
use stage::Stage;
use table::Row;

/// Arguments of `cargo xtask soak`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask soak --minutes 60                      every check in turn, for an hour
  cargo xtask soak --minutes 5 --seed 7 --only race  one check, other random choices")]
pub(crate) struct Args {
    /// How long to go on; every check is tried at least once
    #[arg(long, value_name = "N")]
    minutes: f64,
    /// What decides every random choice
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// These checks instead of all
    #[arg(long, value_enum, value_delimiter = ',', value_name = "CHECK")]
    only: Vec<Check>,
    /// A `reproduce` to check; built in release mode unless given
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    binary: Option<PathBuf>,
}

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Check {
    /// SIGKILL at random moments, then resumed: the results are those of an undisturbed run
    Kill,
    /// SIGINT, SIGTERM or SIGHUP at random moments, then resumed: the same
    Stop,
    /// Two processes on one folder of runs at once: both end well, and the results are the same
    Race,
    /// A damaged file of a checkpoint: noticed, and never used
    Checkpoint,
    /// Damaged data files of every layout: read or refused, in bounded memory and time
    Data,
    /// 1, 2 and 4 threads at every level of vector instructions: the same bits
    Threads,
    /// More runs in one process: no more memory
    Memory,
}

impl Check {
    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// One try, which fails with what is wrong.
    fn attempt(self, stage: &Stage, draw: &mut Draw) -> Result<()> {
        match self {
            Self::Kill => interruptions::kill(stage, draw),
            Self::Stop => interruptions::stop(stage, draw),
            Self::Race => races::race(stage, draw),
            Self::Checkpoint => damage::checkpoint(stage, draw),
            Self::Data => data_files::read(stage, draw),
            Self::Threads => threads::threads(stage, draw),
            Self::Memory => memory::growth(stage, draw),
        }
    }
}

/// Tries every check in turn until the time is over; prints the table, and each failure as it happens.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    if !args.minutes.is_finite() || args.minutes < 0.0 {
        bail!(
            "--minutes {}: wanted a number that is not negative",
            args.minutes
        );
    }
    let time =
        Duration::try_from_secs_f64(60.0 * args.minutes).context("--minutes is too large")?;
    let binary = match &args.binary {
        Some(binary) => binary
            .canonicalize()
            .with_context(|| format!("--binary {}", binary.display()))?,
        None => reproduce::build(&[])?,
    };
    let folder = workspace::root().join(format!("target/soak/{}", std::process::id()));
    let stage = Stage::new(Program::new(binary), folder)?;
    let checks: Vec<Check> = Check::value_variants()
        .iter()
        .copied()
        .filter(|check| args.only.is_empty() || args.only.contains(check))
        .collect();
    let mut rows: Vec<Row> = checks.iter().map(|check| Row::new(check.name())).collect();
    let begun = Instant::now();
    let mut number = 0;
    while number == 0 || begun.elapsed() < time {
        number += 1;
        for (check, row) in checks.iter().zip(&mut rows) {
            if number > 1 && begun.elapsed() >= time {
                break;
            }
            let name = format!("{}-{number}", check.name());
            let mut draw = Draw::new(args.seed, *check as u64, number);
            row.attempt(|| stage.attempt(&name, |stage| check.attempt(stage, &mut draw)));
        }
    }
    let minutes = begun.elapsed().as_secs_f64() / 60.0;
    println!(
        "\nseed {}, {minutes:.1} minutes\n{}",
        args.seed,
        table::table(&rows)
    );
    finish(&stage, &rows)
}

fn finish(stage: &Stage, rows: &[Row]) -> Result<ExitCode> {
    let failures: usize = rows.iter().map(Row::failures).sum();
    if failures == 0 {
        stage.remove()?;
        return Ok(ExitCode::SUCCESS);
    }
    bail!(
        "{failures} tries failed; what they left is below {}",
        stage.folder().display()
    )
}
