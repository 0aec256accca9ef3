//! Does what the command line says; the crate `cli` defines it.

use std::cell::OnceCell;
use std::ffi::OsStr;
use std::io::{self, ErrorKind, Write, stdout};

use anyhow::{Context, Result, bail};
use lab::data::Source;
use lab::report::Record;
use lab::train::{Console, Progress, StopFlag};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

pub(crate) use ::cli::Shard;

use crate::arguments::{device, scale, source};
use crate::experiment::Experiment;
use crate::laboratory::{Laboratory, Settings};
use crate::{catalog, data, list, report, results};

/// Does what the command line says.
pub(crate) fn run(cli: &::cli::Cli) -> Result<()> {
    match (&cli.command, &cli.experiments) {
        (Some(::cli::Command::Report(args)), _) => report::run(args),
        (Some(::cli::Command::Data(command)), _) => data::run(command),
        (None, Some(args)) => reproduce(args),
        (None, None) => bail!(
            "nothing to do; wanted a paper ({}), all, report or data",
            catalog::papers()
        ),
    }
}

fn reproduce(args: &::cli::Reproduce) -> Result<()> {
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
        scale: scale(args.scale),
        source: chosen_source(args)?,
        device: device(args.device)?,
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
    let mut laboratory = Laboratory::new(&settings, console.clone(), stop_flag()?, print);
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
    drop(laboratory);
    let shown = show(args, &chosen, &not_run);
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
fn show(
    args: &::cli::Reproduce,
    chosen: &[&'static dyn Experiment],
    not_run: &[String],
) -> Result<()> {
    let results = results::all(&args.out)?;
    let page = results::write(&args.out, &results)?;
    if args.json {
        return Ok(());
    }
    let chosen = |r: &&results::Results| {
        r.scale == scale(args.scale) && chosen.iter().any(|e| e.id() == r.experiment.id())
    };
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
fn chosen_source(args: &::cli::Reproduce) -> Result<Option<Source>> {
    let source = match (&args.data, args.scale) {
        (Some(data), _) => Some(source(data)),
        (None, ::cli::Scale::Smoke | ::cli::Scale::Quick) => Some(Source::Embedded),
        (None, ::cli::Scale::Cpu | ::cli::Scale::Paper) => None,
    };
    match &source {
        Some(Source::Dir(dir)) if !dir.is_dir() => bail!(
            "--data {}: there is no such folder; give the folder of the data set, or embedded, or hub",
            dir.display()
        ),
        _ => Ok(source),
    }
}

/// What was typed, as it can be typed again.
fn command() -> String {
    let args: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|arg| quoted(&arg))
        .collect();
    format!("cargo xtask reproduce {}", args.join(" "))
}

/// An argument as a shell reads it; bytes that are no text are written `\xff`, in the quotes that Bash and Zsh have for them.
fn quoted(arg: &OsStr) -> String {
    let Some(text) = arg.to_str() else {
        let chunks = arg.as_encoded_bytes().utf8_chunks();
        let escaped: String = chunks
            .map(|chunk| {
                let text = chunk.valid().replace('\\', r"\\").replace('\'', r"\'");
                let bytes = chunk.invalid().iter().map(|byte| format!(r"\x{byte:02x}"));
                text + &bytes.collect::<String>()
            })
            .collect();
        return format!("$'{escaped}'");
    };
    let special = |c: char| c.is_whitespace() || "'\"\\$*?&|;<>()".contains(c);
    match text.is_empty() || text.contains(special) {
        true => format!("'{}'", text.replace('\'', r"'\''")),
        false => text.to_owned(),
    }
}

/// A flag that the signals to stop set: what runs is saved, and the program ends.
///
/// A second Ctrl-C ends the program at once.
/// SIGTERM and SIGHUP never do, because whoever stops a group of processes often sends them twice.
fn stop_flag() -> Result<StopFlag> {
    let stop = StopFlag::default();
    // In this order: the first Ctrl-C finds the flag still down.
    flag::register_conditional_shutdown(SIGINT, 130, stop.shared())
        .and_then(|_| flag::register(SIGINT, stop.shared()))
        .and_then(|_| flag::register(SIGTERM, stop.shared()))
        .and_then(|_| on_hangup(&stop))
        .context("cannot listen for Ctrl-C")?;
    Ok(stop)
}

/// A closed terminal stops the program, unless it was started with `nohup`.
#[cfg(unix)]
fn on_hangup(stop: &StopFlag) -> io::Result<()> {
    if !::cli::hangup_is_ignored() {
        flag::register(signal_hook::consts::SIGHUP, stop.shared())?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn on_hangup(_: &StopFlag) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_knows_every_experiment() {
        let known = ::cli::EXPERIMENTS.iter().flat_map(|(_, ids)| ids.iter());
        let known: Vec<&str> = known.copied().collect();
        let all: Vec<&str> = catalog::all().map(|experiment| experiment.id()).collect();
        assert_eq!(known, all, "crates/cli/src/experiments.rs lists them");
    }

    #[test]
    fn arguments_can_be_typed_again() {
        for (arg, wanted) in [
            ("allconv", "allconv"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
        ] {
            assert_eq!(quoted(OsStr::new(arg)), wanted);
        }
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt;
            assert_eq!(quoted(OsStr::from_bytes(b"a'\xff b")), r"$'a\'\xff b'");
        }
    }
}
