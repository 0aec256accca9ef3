//! `cluster submit --local N`: the tasks of a sweep as processes of this machine.

use std::collections::VecDeque;
use std::fs::File;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::folder::{Folder, Sweep, cannot_write};
use super::plan::Stage;
use crate::workspace;

/// Time between two looks at the processes.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How a task ends that was stopped and has saved.
const STOPPED: u8 = 130;

/// Runs every task that is left, so many at a time: first those that need nothing, then the others.
///
/// A signal, or `cluster cancel`, is passed on to the tasks once: the first makes them save, and a second would end them at once.
pub(super) fn run(folder: &Folder, sweep: &Sweep, processes: usize) -> Result<ExitCode> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).context("listen for signals")?;
    }
    if !cli::hangup_is_ignored() {
        signal_hook::flag::register(SIGHUP, Arc::clone(&stop)).context("listen for signals")?;
    }
    let is_stopped = || stop.load(Ordering::Relaxed) || folder.file("cancelled").exists();
    let processes = sweep
        .options
        .max_running
        .map_or(processes, |most| processes.min(most as usize));
    let mut broken = Vec::new();
    for stage in [Stage::Choose, Stage::Train] {
        let mut left = VecDeque::new();
        for (index, training) in sweep.trainings.iter().enumerate() {
            let is_left = !folder.is_done(training) && folder.failure(training)?.is_none();
            if training.stage() == stage && is_left {
                left.push_back(index + 1);
            }
        }
        let mut tasks = Tasks::default();
        while !(left.is_empty() && tasks.running.is_empty()) {
            if is_stopped() {
                left.clear();
                tasks.stop();
            }
            while tasks.running.len() < processes
                && let Some(number) = left.pop_front()
            {
                tasks.running.push((number, start(folder, number)?));
            }
            sleep(LOOK_EVERY);
            tasks.forget_ended()?;
        }
        if is_stopped() {
            return stopped(folder, sweep, &tasks.broken);
        }
        broken.append(&mut tasks.broken);
    }
    finish(folder, sweep, &broken)
}

/// Says what was saved of a sweep that was stopped.
fn stopped(folder: &Folder, sweep: &Sweep, broken: &[(usize, ExitStatus)]) -> Result<ExitCode> {
    let mut unsaved = 0;
    for (number, status) in broken {
        let training = sweep.trainings.get(number - 1);
        let training = training.context("a task of the sweep")?;
        // What failed before is told by `status`.
        if folder.failure(training)?.is_none() {
            unsaved += 1;
            let title = training.title();
            eprintln!("not saved: task {number}, {title}, ended with {status}");
        }
    }
    if unsaved > 0 {
        println!("Stopped; the same command goes on from the last checkpoints.");
        return Ok(ExitCode::FAILURE);
    }
    println!("Stopped and saved; the same command goes on from there.");
    Ok(ExitCode::from(STOPPED))
}

/// Says what has become of the sweep, which succeeded if all of it is done.
fn finish(folder: &Folder, sweep: &Sweep, broken: &[(usize, ExitStatus)]) -> Result<ExitCode> {
    for (index, training) in sweep.trainings.iter().enumerate() {
        if let Some(reason) = folder.failure(training)? {
            eprintln!("failed: {}: {reason}", training.title());
        } else if let Some((number, status)) =
            broken.iter().find(|(number, _)| *number == index + 1)
        {
            let log = folder.file("slurm").join(format!("here_{number}.out"));
            let (title, log) = (training.title(), log.display());
            eprintln!("ended with {status}: task {number}, {title}; {log} may say why");
        }
    }
    let done = sweep.trainings.iter().filter(|t| folder.is_done(t)).count();
    println!(
        "{done} of {} trainings are done; `cargo xtask cluster collect` makes the tables.",
        sweep.trainings.len()
    );
    Ok(match done == sweep.trainings.len() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Starts a task in a group of its own, so that Ctrl-C reaches it from here alone, and once.
fn start(folder: &Folder, number: usize) -> Result<Child> {
    use std::os::unix::process::CommandExt;
    let path = folder.file("slurm").join(format!("here_{number}.out"));
    let log = File::options().create(true).append(true).open(&path);
    let log = log.with_context(|| cannot_write(&path))?;
    let mut bash = Command::new("bash");
    bash.arg(folder.file("task.sh")).arg(number.to_string());
    bash.env_remove("SLURM_JOB_ID").process_group(0);
    let errors = log.try_clone().with_context(|| cannot_write(&path))?;
    bash.stdin(Stdio::null()).stdout(log).stderr(errors);
    bash.spawn().with_context(|| format!("start task {number}"))
}

/// Processes that are stopped when they are dropped: none outlives this one because of an error.
#[derive(Default)]
struct Tasks {
    /// Each with the number of its task.
    running: Vec<(usize, Child)>,
    /// Whether they were told to stop.
    is_stopping: bool,
    /// Tasks that ended otherwise than done, or than saved after they were told to stop.
    broken: Vec<(usize, ExitStatus)>,
}

impl Tasks {
    fn stop(&mut self) {
        if !std::mem::replace(&mut self.is_stopping, true) {
            for (_, task) in &self.running {
                workspace::send("TERM", task.id());
            }
        }
    }

    fn forget_ended(&mut self) -> Result<()> {
        let mut running = Vec::new();
        for (number, mut task) in self.running.drain(..) {
            match task.try_wait().context("wait for a task")? {
                None => running.push((number, task)),
                Some(status) => {
                    let is_saved = self.is_stopping && status.code() == Some(STOPPED.into());
                    if !(status.success() || is_saved) {
                        self.broken.push((number, status));
                    }
                }
            }
        }
        self.running = running;
        Ok(())
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.stop();
        for (_, task) in &mut self.running {
            let _ = task.wait();
        }
    }
}
