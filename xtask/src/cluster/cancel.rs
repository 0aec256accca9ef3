//! `cluster cancel`: takes the jobs of a sweep out of the queue.

use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, bail};

use super::folder::Folder;
use super::slurm;

/// Time between two looks at the queue.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Looks at the queue, at most: Slurm gives a job half a minute to save, unless the cluster is set up otherwise.
const LOOKS: u32 = 120;

pub(super) fn run(args: &cli::Sweep) -> Result<ExitCode> {
    let folder = Folder::find(args)?;
    // A job that submits the rest, or tasks of this machine, look for it.
    folder.write("cancelled", "cargo xtask cluster submit begins it again\n")?;
    let mut cancelled = Vec::new();
    for _ in 0..LOOKS {
        // Looked up each time: the job that submits the rest may have been at it.
        let jobs = folder.jobs()?;
        let queued = slurm::queued(&jobs)?;
        if queued.is_empty() {
            match cancelled.len() {
                0 => println!("{} has no jobs in the queue.", folder.name),
                _ => println!(
                    "Cancelled: {}. The same submit goes on from the checkpoints.",
                    cancelled.join(", ")
                ),
            }
            return Ok(ExitCode::SUCCESS);
        }
        let fresh: Vec<String> = jobs
            .iter()
            .map(|job| job.id.clone())
            .filter(|id| queued.iter().any(|task| task.job == *id) && !cancelled.contains(id))
            .collect();
        if !fresh.is_empty() {
            slurm::cancel(&fresh)?;
            println!(
                "Cancelling {}; tasks that run save first.",
                fresh.join(", ")
            );
            cancelled.extend(fresh);
        }
        sleep(LOOK_EVERY);
    }
    bail!(
        "jobs of {} are in the queue still ({}); `squeue` says why",
        folder.name,
        cancelled.join(", ")
    )
}
