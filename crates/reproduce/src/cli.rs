//! Does what the command line says; the crate `cli` defines it.

use std::cell::OnceCell;
use std::io::{ErrorKind, Write, stdout};

use anyhow::{Context, Result, anyhow, bail};
use candle_core::Device;
use lab::data::Source;
use lab::report::{Record, Results};
use lab::train::{Console, Progress, StopFlag};

use crate::arguments::{scale, source};
use crate::experiment::Experiment;
use crate::session::Session;
use crate::settings::Settings;
use crate::{catalog, data, list, page, report};
use ::cli::Only;

/// Does what the command line says.
pub(crate) fn run(cli: &::cli::Cli) -> Result<()> {
    match (&cli.command, &cli.experiments) {
        (Some(::cli::Command::Report(args)), _) => report::run(args),
        (Some(::cli::Command::Data(command)), _) => data::run(command),
        (None, Some(args)) => reproduce(args),
        (None, None) => {
            bail!(
                "nothing to do; wanted a paper (allconv, nin, stn, swwae), components, all, report or data"
            )
        }
    }
}

fn reproduce(args: &::cli::Reproduce) -> Result<()> {
    let choice = &args.choice;
    let chosen = catalog::find(&choice.chosen()?);
    catalog::know_rows(&chosen, &choice.rows)?;
    catalog::know_rates(&chosen, &choice.rows, scale(choice.scale), &choice.rates)?;
    if args.list && !args.json {
        return list::list(&chosen);
    }
    // The caller's thread works with the others instead of waiting for them; 0 stands for all cores.
    rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads.unwrap_or(0).into())
        .use_current_thread()
        .build_global()
        .context("cannot start the threads")?;
    let settings = Settings {
        scale: scale(choice.scale),
        source: chosen_source(choice)?,
        device: device(args.device)?,
        seed: choice.seed,
        seeds: choice.seeds,
        out: args.out.clone(),
        resume: args.resume,
        rows: choice.rows.clone(),
        again: args.again,
        shard: args.shard.map(|shard| (shard.index(), shard.count())),
        only: args.only.clone().or(args.list.then_some(Only::Nothing)),
        epochs: choice.epochs.map(usize::from),
        rates: choice.rates.clone(),
        command: command(),
    };
    let console = Console::stderr(match (args.quiet, args.json) {
        (true, _) => Progress::Quiet,
        (false, true) => Progress::Json,
        (false, false) => Progress::detect(),
    });
    if let (false, None, Some(2..)) = (args.list, &args.only, choice.seeds) {
        for experiment in chosen.iter().filter(|experiment| experiment.has_one_seed) {
            console.warn(format!(
                "--seeds: {} looks into the networks of one seed, {}, and trains no others",
                experiment.id, choice.seed
            ));
        }
    }
    let not_printed = OnceCell::new();
    let print = |record: &Record| {
        if args.json && not_printed.get().is_none() {
            let line = serde_json::to_string(record)?;
            if let Err(error) = writeln!(stdout(), "{line}") {
                // Hours of training are worth more than their reader: the records are in the run folders.
                console.warn(format!(
                    "cannot print the records: {error}; the runs go on, and their records are saved below {}",
                    args.out.display()
                ));
                let _ = not_printed.set(error);
            }
        }
        Ok(())
    };
    let mut session = Session::new(
        &settings,
        console.clone(),
        StopFlag::on_signals().context("cannot listen for Ctrl-C")?,
        print,
    );
    session.listed = args.list.then(Vec::new);
    if !args.list && args.only.is_none() && !args.quiet {
        session.plan(|session| {
            for experiment in &chosen {
                // What is wrong with it is said when it is run.
                let _ = experiment.execute(session);
            }
        });
    }
    let mut not_run = Vec::new();
    let mut outcome = Ok(());
    for experiment in &chosen {
        match experiment.execute(&mut session) {
            Ok(reason) => not_run.extend(reason),
            Err(error) => {
                // What was measured before is shown all the same.
                outcome = Err(error);
                break;
            }
        }
    }
    if let (Ok(()), true) = (&outcome, session.misses_its_run()) {
        outcome = Err(anyhow!(
            "--run: no training of {} has this name with these settings and data; --list --json names them",
            choice.chosen()?.join(", ")
        ));
    }
    if args.list && not_run.len() < chosen.len() {
        for reason in &not_run {
            console.warn(format!("not listed: {reason}"));
        }
    }
    for listed in session.listed.iter().flatten() {
        writeln!(stdout(), "{}", serde_json::to_string(listed)?)?;
    }
    drop(session);
    let shown = match (args.list, &args.only) {
        (true, _) | (_, Some(Only::Run(_))) => Ok(()),
        _ => show(args, &chosen, &not_run),
    };
    match (outcome, shown) {
        (Err(first), Err(second)) => {
            console.warn(format!("{second:#}"));
            return Err(first);
        }
        (outcome, shown) => outcome.and(shown)?,
    }
    match not_printed.into_inner() {
        // The program after the pipe has read what it wanted.
        None => {}
        Some(error) if error.kind() == ErrorKind::BrokenPipe => {}
        Some(error) => return Err(error).context("the records could not be printed"),
    }
    if not_run.len() == chosen.len() {
        bail!("nothing was run: {}", not_run.join("; "));
    }
    Ok(())
}

/// Writes the page, and prints the tables and what was left out.
fn show(args: &::cli::Reproduce, chosen: &[&'static Experiment], not_run: &[String]) -> Result<()> {
    let results = page::results(&args.out)?;
    let page = page::write(&args.out, &results)?;
    if args.json {
        return Ok(());
    }
    let scale = scale(args.choice.scale);
    let chosen = |r: &&Results| r.scale == scale && chosen.iter().any(|e| e.id == r.exhibit.id);
    for result in results.iter().filter(chosen) {
        writeln!(stdout(), "\n{}", result.to_text())?;
    }
    not_run
        .iter()
        .try_for_each(|reason| writeln!(stdout(), "Not run: {reason}."))?;
    writeln!(stdout(), "Report: {}", page.display())?;
    Ok(())
}

/// The source that was given, or what the scale does without one.
fn chosen_source(choice: &::cli::Choice) -> Result<Option<Source>> {
    let source = match (&choice.data, choice.scale) {
        (Some(data), _) => Some(source(data)),
        (None, ::cli::Scale::Smoke | ::cli::Scale::Quick) => Some(Source::Embedded),
        (None, ::cli::Scale::Cpu | ::cli::Scale::Paper) => None,
    };
    match &source {
        Some(Source::Dir(dir) | Source::Subset(dir)) if !dir.is_dir() => bail!(
            "--data {}: there is no such folder; give the folder of the data set, or embedded, or hub",
            dir.display()
        ),
        _ => Ok(source),
    }
}

fn device(device: ::cli::Device) -> Result<Device> {
    let opened = match device {
        ::cli::Device::Cpu => Ok(Device::Cpu),
        ::cli::Device::Cuda(number) => Device::new_cuda(number),
        ::cli::Device::Metal(number) => Device::new_metal(number),
    };
    opened.with_context(|| match device.feature() {
        Some(feature) => {
            format!("--device {device}: needs such a device and a build with the feature {feature}")
        }
        None => format!("--device {device}"),
    })
}

/// What was typed, as it can be typed again.
fn command() -> String {
    let args: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|arg| ::cli::quoted(&arg))
        .collect();
    format!("cargo xtask reproduce {}", args.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_not_there_is_an_error() {
        assert!(device(::cli::Device::Cpu).is_ok());
        if let Err(error) = device(::cli::Device::Cuda(99)) {
            assert!(error.to_string().contains("--device cuda:99"), "{error}");
        }
    }
}
