//! Slurm, as far as a sweep needs it: squeue, sacct and scancel; submit.sh calls sbatch.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};

use super::folder::Job;

/// A job, or a task of an array, that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Queued {
    pub(super) job: String,
    /// The number of the task.
    pub(super) task: Option<usize>,
    /// Such as `PENDING`.
    pub(super) state: String,
    /// Why it waits.
    pub(super) reason: String,
    /// Where it runs.
    pub(super) node: String,
}

/// What of these jobs has not ended.
///
/// # Errors
/// No Slurm here, or one that does not answer.
pub(super) fn queued(jobs: &[Job]) -> Result<Vec<Queued>> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let mut squeue = Command::new("squeue");
    squeue.args(["--noheader", "--array", "--format=%F|%K|%T|%r|%N"]);
    let output = call(squeue.arg(format!("--jobs={}", list(jobs))))?;
    let said = String::from_utf8_lossy(&output.stderr);
    // Slurm forgets jobs that have ended some time ago.
    if !output.status.success() && !said.contains("Invalid job id") {
        bail!(
            "squeue: {}; is Slurm's controller running? `sinfo` should answer",
            said.trim()
        );
    }
    Ok(parse_queue(&String::from_utf8_lossy(&output.stdout)))
}

fn parse_queue(text: &str) -> Vec<Queued> {
    let line = |line: &str| {
        let mut fields = line.trim().split('|').map(str::to_owned);
        let (job, task, state) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Queued {
            job,
            task: task.parse().ok(),
            state,
            reason: fields.next().unwrap_or_default(),
            node: fields.next().unwrap_or_default(),
        })
    };
    text.lines().filter_map(line).collect()
}

/// How tasks have ended, as Slurm's accounting says, by number of the task; nothing where it keeps none.
///
/// Of a task that was in several jobs, the last counts.
pub(super) fn ended(jobs: &[Job]) -> HashMap<usize, String> {
    let mut sacct = Command::new("sacct");
    sacct.args(["--noheader", "--parsable2", "--allocations"]);
    sacct.args(["--array", "--format=JobID,State,ExitCode"]);
    let output = sacct.arg(format!("--jobs={}", list(jobs))).output();
    match output {
        Ok(output) if output.status.success() && !jobs.is_empty() => {
            parse_ended(&String::from_utf8_lossy(&output.stdout))
        }
        _ => HashMap::new(),
    }
}

fn parse_ended(text: &str) -> HashMap<usize, String> {
    let mut last: HashMap<usize, (u64, String)> = HashMap::new();
    for line in text.lines() {
        let mut fields = line.split('|');
        let (Some(id), Some(state)) = (fields.next(), fields.next()) else {
            continue;
        };
        let id = id
            .split_once('_')
            .and_then(|(job, task)| Some((job.parse::<u64>().ok()?, task.parse::<usize>().ok()?)));
        let Some((job, task)) = id else {
            continue;
        };
        let code = fields.next().filter(|code| *code != "0:0");
        let code = code.map_or_else(String::new, |code| format!(", exit code {code}"));
        if last.get(&task).is_none_or(|(known, _)| *known <= job) {
            last.insert(task, (job, format!("{state}{code}")));
        }
    }
    last.into_iter()
        .map(|(task, (_, state))| (task, state))
        .collect()
}

/// Takes jobs out of the queue; those that have ended meanwhile are no error.
pub(super) fn cancel(jobs: &[String]) -> Result<()> {
    let output = call(Command::new("scancel").args(jobs))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let ended = ["Invalid job id", "already completing or completed"];
    let is_fine =
        |line: &str| line.trim().is_empty() || ended.iter().any(|text| line.contains(text));
    match output.status.success() || said.lines().all(is_fine) {
        true => Ok(()),
        false => bail!("scancel: {}; `squeue --me` lists your jobs", said.trim()),
    }
}

fn list(jobs: &[Job]) -> String {
    let ids: Vec<&str> = jobs.iter().map(|job| job.id.as_str()).collect();
    ids.join(",")
}

fn call(command: &mut Command) -> Result<Output> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.output() {
        Err(error) if error.kind() == ErrorKind::NotFound => bail!("{}", missing(&program)),
        output => output.with_context(|| format!("start {program}")),
    }
}

/// What to do where a command of Slurm is not found.
pub(super) fn missing(program: &str) -> String {
    format!(
        "there is no Slurm here ({program} is not found): log in to a node that submits jobs, load its module, \
         or run the sweep here with `submit --local N`"
    )
}

/// What helps against what sbatch says, or bash, which starts it.
pub(super) fn cure(said: &str) -> &'static str {
    let cures = [
        (
            "sbatch: command not found",
            "log in to a node that submits jobs, load Slurm's module, or run the sweep here with --local N",
        ),
        (
            "nvalid partition",
            "`sinfo --summarize` lists the partitions; give one with --partition",
        ),
        (
            "nvalid account",
            "add a line `#SBATCH --account=NAME` to the three .sbatch files, and submit again",
        ),
        (
            "equested time limit",
            "`sinfo` prints each partition's limit; give a shorter --time",
        ),
        (
            "node configuration is not available",
            "no node of the partition has that much; give fewer --cpus or --gpus, or another --partition",
        ),
        (
            "nvalid generic resource",
            "the partition has no such GPUs; leave --gpus out, or give another --partition",
        ),
        (
            "nvalid job array",
            "the cluster allows fewer tasks in an array (MaxArraySize); give fewer experiments or --seeds at a time",
        ),
        (
            "QOS",
            "you may have too many jobs at a time; wait for some to end, or give fewer experiments or --seeds",
        ),
        (
            "No space left",
            "free some space in the folder of the runs, and submit again",
        ),
        (
            "configuration source",
            "Slurm is installed here but finds no cluster; log in to a node that submits jobs, or run the sweep here with --local N",
        ),
        (
            "contact slurm controller",
            "Slurm's controller does not answer; try again when `sinfo` does",
        ),
    ];
    let known = cures.iter().find(|(text, _)| said.contains(text));
    known.map_or(
        "the scripts are in the sweep's folder; change what sbatch names, and submit again",
        |(_, cure)| cure,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_is_read_line_by_line() {
        let text = "12|1|RUNNING|None|node7\n12|2|PENDING|JobArrayTaskLimit|\n13|N/A|PENDING|Dependency|\n\nodd\n";
        let queue = parse_queue(text);
        assert_eq!(queue.len(), 3);
        assert_eq!((queue[0].task, queue[0].node.as_str()), (Some(1), "node7"));
        assert_eq!(queue[1].reason, "JobArrayTaskLimit");
        assert_eq!((queue[2].job.as_str(), queue[2].task), ("13", None));
    }

    #[test]
    fn of_a_task_in_several_jobs_the_last_end_counts() {
        let text = "12_1|TIMEOUT|0:15\n30_1|COMPLETED|0:0\n12_2|OUT_OF_MEMORY|0:125\n\
                    12_[3-9]|PENDING|0:0\n13|COMPLETED|0:0\nx\n";
        let ended = parse_ended(text);
        assert_eq!(ended.len(), 2);
        assert_eq!(ended[&1], "COMPLETED");
        assert_eq!(ended[&2], "OUT_OF_MEMORY, exit code 0:125");
    }

    #[test]
    fn what_sbatch_says_has_a_cure() {
        for (said, wanted) in [
            (
                "sbatch: error: invalid partition specified: nope",
                "--partition",
            ),
            ("submit.sh: line 30: sbatch: command not found", "--local"),
            (
                "Requested time limit is invalid (missing or exceeds some limit)",
                "--time",
            ),
            ("Requested node configuration is not available", "--cpus"),
            ("Invalid job array specification", "--seeds"),
            ("something else", "submit again"),
        ] {
            assert!(cure(said).contains(wanted), "{said}");
        }
        assert!(missing("squeue").contains("--local"));
    }
}
