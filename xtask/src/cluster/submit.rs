//! `cluster submit`: writes the scripts of a sweep, and submits what is not done.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use cli::Submit;

use super::folder::{Folder, Sweep, cannot_write};
use super::options::{self, Options};
use super::plan::{self, Training};
use super::{local, scripts, slurm};
use crate::reproduce;

pub(super) fn run(args: &Submit) -> Result<ExitCode> {
    let options = Options::of(args)?;
    let folder = Folder::new(&args.out, &options::name(args)?)?;
    let needs_slurm = !(args.dry_run || args.no_submit || args.local.is_some());
    if needs_slurm && !is_program("sbatch") {
        bail!("{}", slurm::missing("sbatch"));
    }
    let binary = match &args.binary {
        Some(binary) => binary
            .canonicalize()
            .with_context(|| format!("--binary {}", binary.display()))?,
        None => reproduce::build(&options.features())?,
    };
    let trainings = plan::ask(&binary, &options, &folder.out)?;
    let text = format!("{}: {}", folder.name, plan::summary(&trainings, &options));
    println!("{}", text.replace('\n', "\n  "));
    if args.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    let sweep = sweep(options, trainings);
    let jobs = folder.jobs()?;
    let is_other = || anyhow::Ok(folder.sweep()?.as_ref() != Some(&sweep));
    // Where nothing is to be submitted, jobs matter only if their scripts would change below them.
    let asks = || anyhow::Ok(needs_slurm || is_other()? && is_program("squeue"));
    let queued = match !jobs.is_empty() && asks()? {
        true => slurm::queued(&jobs)?,
        false => Vec::new(),
    };
    if let Some(first) = queued.first() {
        if is_other()? {
            bail!(
                "jobs of an earlier {} are in the queue (job {}), and this is another sweep: end it with \
                 `cargo xtask cluster cancel {0}`, or give this one a --name",
                folder.name,
                first.job
            );
        }
        println!(
            "Nothing was submitted: its jobs are in the queue already (job {} first), and the last of them submits what is left.",
            first.job
        );
        return Ok(ExitCode::SUCCESS);
    }
    scripts::write(&folder, &sweep, &binary)?;
    println!("Scripts: {}", folder.path().display());
    if args.no_submit {
        println!(
            "Nothing was submitted; the same command without --no-submit does, or submit.sh there."
        );
        return Ok(ExitCode::SUCCESS);
    }
    begin(&folder, &sweep, args.retry)?;
    match args.local {
        Some(processes) => local::run(&folder, &sweep, processes.into()),
        None => submit(&folder),
    }
}

/// What was asked for; whether a run is done, and how long it takes, may differ from day to day.
fn sweep(options: Options, trainings: Vec<Training>) -> Sweep {
    let plain = |training: Training| Training {
        done: false,
        seconds: None,
        machine: None,
        ..training
    };
    Sweep {
        options,
        trainings: trainings.into_iter().map(plain).collect(),
    }
}

/// Takes away what would keep tasks from running: an earlier cancellation, and with `retry` earlier failures.
fn begin(folder: &Folder, sweep: &Sweep, retry: bool) -> Result<()> {
    let mut away = vec![folder.file("cancelled"), folder.file("round")];
    let mut failed = 0;
    for training in &sweep.trainings {
        if folder.failure(training)?.is_some() {
            failed += 1;
            let state = folder.state(training);
            away.extend(
                ["failed", "tries"]
                    .map(|name| state.join(name))
                    .into_iter()
                    .filter(|_| retry),
            );
        }
    }
    for path in away {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| cannot_write(&path));
            }
            _ => {}
        }
    }
    if failed > 0 && !retry {
        println!(
            "Failed earlier and stay so: {failed}; `cluster status` says why, and --retry tries them again."
        );
    }
    Ok(())
}

/// Runs submit.sh, which calls sbatch.
fn submit(folder: &Folder) -> Result<ExitCode> {
    let script = folder.file("submit.sh");
    let mut bash = Command::new("bash");
    // A sweep that is submitted from within a job is no round of a sweep.
    let output = bash.arg(&script).env_remove("SLURM_JOB_ID").output();
    let output = output.with_context(|| format!("start bash {}", script.display()))?;
    print!("{}", String::from_utf8_lossy(&output.stdout));
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!(
            "{}; {}",
            said.trim().replace('\n', "; "),
            slurm::cure(&said)
        );
    }
    eprint!("{said}");
    println!(
        "`cargo xtask cluster status {} --out {}` shows how it goes.",
        folder.name,
        cli::quoted(folder.out.as_os_str())
    );
    Ok(ExitCode::SUCCESS)
}

/// Whether a program is on the PATH.
fn is_program(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder: PathBuf| folder.join(name).is_file())
}
