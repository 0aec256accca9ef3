//! `cluster status`: what waits, runs, is done, or failed.

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::process::ExitCode;

use anyhow::Result;

use super::folder::{Folder, Sweep, read};
use super::plan::Training;
use super::progress;
use super::slurm::{self, Queued};

/// What has become of a training.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// In the queue, and why.
    Waiting(String),
    /// Running, and how far it is.
    Running(String),
    Done,
    /// Failed three times, and why.
    Failed(String),
    /// Neither done nor in the queue, and what is known of it.
    Left(String),
}

impl State {
    fn name(&self) -> &'static str {
        match self {
            Self::Waiting(_) => "waiting",
            Self::Running(_) => "running",
            Self::Done => "done",
            Self::Failed(_) => "failed",
            Self::Left(_) => "left",
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Done => "",
            Self::Waiting(text) | Self::Running(text) | Self::Failed(text) | Self::Left(text) => {
                text
            }
        }
    }
}

pub(super) fn run(args: &cli::Sweep) -> Result<ExitCode> {
    let folders = match &args.name {
        Some(_) => vec![Folder::find(args)?],
        None => Folder::all(&args.out)?,
    };
    for folder in &folders {
        let sweep = folder.known()?;
        let jobs = folder.jobs()?;
        let queued = slurm::queued(&jobs)?;
        let ended = slurm::ended(&jobs);
        let states = states(folder, &sweep, &queued, &ended)?;
        println!("{}", table(folder, &sweep, &states));
        if let Some(advice) = advice(folder, &states, !queued.is_empty()) {
            println!("{advice}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What has become of every training.
pub(super) fn states(
    folder: &Folder,
    sweep: &Sweep,
    queued: &[Queued],
    ended: &HashMap<usize, String>,
) -> Result<Vec<State>> {
    let state = |(index, training): (usize, &Training)| -> Result<State> {
        if folder.is_done(training) {
            return Ok(State::Done);
        }
        if let Some(reason) = folder.failure(training)? {
            return Ok(State::Failed(reason));
        }
        let number = index + 1;
        if let Some(task) = queued.iter().find(|task| task.task == Some(number)) {
            return Ok(in_queue(folder, training, task));
        }
        if let Some(process) = process_here(folder, training) {
            let progress = progress::of(&folder.trained(training), training);
            let words = progress.map_or_else(String::new, |words| format!(" {words}"));
            return Ok(State::Running(format!("here, process {process}:{words}")));
        }
        Ok(State::Left(left(folder, training, ended.get(&number))?))
    };
    sweep.trainings.iter().enumerate().map(state).collect()
}

fn in_queue(folder: &Folder, training: &Training, task: &Queued) -> State {
    match task.state.as_str() {
        "PENDING" => State::Waiting(format!("{} (job {})", task.reason, task.job)),
        "RUNNING" => {
            let progress = progress::of(&folder.trained(training), training);
            let words = progress.unwrap_or_else(|| "starts".to_owned());
            State::Running(format!("{words}, on {} (job {})", task.node, task.job))
        }
        other => State::Running(format!(
            "{}, on {} (job {})",
            other.to_lowercase(),
            task.node,
            task.job
        )),
    }
}

/// The process of this machine that holds the lock of the run.
fn process_here(folder: &Folder, training: &Training) -> Option<u32> {
    let path = folder.trained(training).join("run.lock");
    let text = read(&path).ok()??;
    let lock: toml::Table = toml::from_str(&text).ok()?;
    let host = fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let process = u32::try_from(lock.get("pid")?.as_integer()?).ok()?;
    let is_here = lock.get("host")?.as_str() == Some(host.trim());
    if !(is_here && fs::exists(format!("/proc/{process}")).ok()?) {
        return None;
    }
    // After a crash the file stays, and another process may have the number by now.
    let lock = File::open(&path).ok()?.try_lock_shared();
    matches!(lock, Err(TryLockError::WouldBlock)).then_some(process)
}

/// What is known of a training that is neither done nor in the queue.
fn left(folder: &Folder, training: &Training, ended: Option<&String>) -> Result<String> {
    let mut words = Vec::new();
    if let Some(ended) = ended {
        words.push(format!("Slurm says {ended}"));
    }
    if let Some(progress) = progress::of(&folder.trained(training), training) {
        words.push(format!("stopped in {progress}"));
    }
    let log = read(&folder.state(training).join("log"))?.unwrap_or_default();
    let last = log.lines().rev().find(|line| !line.trim().is_empty());
    // What was stopped has said so, and how to go on.
    if let Some(last) = last.filter(|line| !line.contains("interrupted; ")) {
        words.push(format!("last said: {last}"));
    }
    if words.is_empty() {
        words.push("not started".to_owned());
    }
    Ok(words.join("; "))
}

/// The counts, and a line for each training.
fn table(folder: &Folder, sweep: &Sweep, states: &[State]) -> String {
    let count = |name: &str| states.iter().filter(|state| state.name() == name).count();
    let counts: Vec<String> = ["done", "running", "waiting", "failed", "left"]
        .into_iter()
        .filter(|name| count(name) > 0)
        .map(|name| format!("{} {name}", count(name)))
        .collect();
    let mut lines = vec![format!(
        "{}: {} trainings, {}",
        folder.name,
        states.len(),
        counts.join(", ")
    )];
    let titles: Vec<String> = sweep.trainings.iter().map(Training::title).collect();
    let width = titles
        .iter()
        .map(|title| title.chars().count())
        .max()
        .unwrap_or(0);
    for (index, (title, (training, state))) in titles
        .iter()
        .zip(sweep.trainings.iter().zip(states))
        .enumerate()
    {
        let (number, name, text) = (index + 1, state.name(), state.text());
        let line = format!(
            "{number:>5}  {name:<7}  {}  {title:<width$}  {text}",
            training.run
        );
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

/// What to do now, if anything.
fn advice(folder: &Folder, states: &[State], is_queued: bool) -> Option<String> {
    let has = |name: &str| states.iter().any(|state| state.name() == name);
    let path = folder.path();
    let path = path.display();
    if has("failed") {
        return Some(format!(
            "Logs: {path}/tasks/RUN/log; once the cause is gone, submit again with --retry."
        ));
    }
    if is_queued || has("running") || !has("left") {
        return None;
    }
    let never = fs::read_dir(folder.file("slurm")).is_ok_and(|mut files| files.next().is_none());
    let was_submitted = folder.jobs().is_ok_and(|jobs| !jobs.is_empty());
    Some(match (folder.file("cancelled").exists(), never && was_submitted) {
        (true, _) => "It was cancelled; the same `cargo xtask cluster submit` goes on from the checkpoints.".to_owned(),
        (false, true) => format!(
            "Its jobs ended and printed nothing: do the nodes see {path}? \
             The folder of the runs must be on a file system that they share; choose it with --out."
        ),
        (false, false) => format!(
            "Nothing of it is in the queue; the same `cargo xtask cluster submit` goes on from the checkpoints. \
             What the jobs said: {path}/slurm."
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::folder::tests::sweep;

    fn queued(task: usize, state: &str) -> Queued {
        Queued {
            job: "7".to_owned(),
            task: Some(task),
            state: state.to_owned(),
            reason: "Priority".to_owned(),
            node: "node1".to_owned(),
        }
    }

    #[test]
    fn files_and_queue_say_what_has_become_of_a_training() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, sweep) = sweep(dir.path());
        let [a, b, _] = sweep.trainings.as_slice() else {
            panic!("three trainings")
        };
        let queue = [queued(1, "PENDING"), queued(2, "RUNNING")];
        let now = |queue: &[Queued]| states(&folder, &sweep, queue, &HashMap::new()).unwrap();
        let states_now = now(&queue);
        assert_eq!(states_now[0], State::Waiting("Priority (job 7)".to_owned()));
        assert_eq!(
            states_now[1],
            State::Running("starts, on node1 (job 7)".to_owned())
        );
        assert_eq!(states_now[2], State::Left("not started".to_owned()));
        fs::create_dir_all(folder.trained(a)).unwrap();
        fs::write(folder.trained(a).join("result.json"), "{}").unwrap();
        fs::create_dir_all(folder.state(b)).unwrap();
        fs::write(folder.state(b).join("failed"), "no data\n").unwrap();
        let states_now = now(&queue);
        assert_eq!(states_now[0], State::Done);
        assert_eq!(states_now[1], State::Failed("no data".to_owned()));
        let text = table(&folder, &sweep, &states_now);
        assert!(
            text.starts_with("one: 3 trainings, 1 done, 1 failed, 1 left"),
            "{text}"
        );
        assert!(
            text.contains("bbbbbbbbbbbbbbbb  nin/table1 b, seed 0  no data"),
            "{text}"
        );
        assert!(
            advice(&folder, &states_now, true)
                .unwrap()
                .contains("--retry")
        );
    }

    #[test]
    fn a_training_runs_here_while_its_lock_is_held() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, sweep) = sweep(dir.path());
        let training = &sweep.trainings[0];
        fs::create_dir_all(folder.trained(training)).unwrap();
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        let process = std::process::id();
        let content = format!("host = \"{}\"\npid = {process}\nsince = 0.0\n", host.trim());
        let path = folder.trained(training).join("run.lock");
        fs::write(&path, content).unwrap();
        // Left by a process that crashed, whose number is that of this one.
        assert_eq!(process_here(&folder, training), None);
        let lock = File::open(&path).unwrap();
        lock.lock().unwrap();
        assert_eq!(process_here(&folder, training), Some(process));
    }

    #[test]
    fn what_was_stopped_is_told_with_what_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, sweep) = sweep(dir.path());
        let a = &sweep.trainings[0];
        fs::create_dir_all(folder.trained(a)).unwrap();
        let step = "{\"kind\":\"step\",\"step\":5,\"epoch\":2,\"images_per_second\":100.0}\n";
        fs::write(folder.trained(a).join("log.jsonl"), step).unwrap();
        fs::create_dir_all(folder.state(a)).unwrap();
        fs::write(folder.state(a).join("log"), "x\nerror: no space\n\n").unwrap();
        let ended = HashMap::from([(1, "OUT_OF_MEMORY".to_owned())]);
        let states = states(&folder, &sweep, &[], &ended).unwrap();
        let State::Left(text) = &states[0] else {
            panic!("{states:?}")
        };
        assert!(
            text.starts_with("Slurm says OUT_OF_MEMORY; stopped in epoch 2 of 4"),
            "{text}"
        );
        assert!(text.ends_with("last said: error: no space"), "{text}");
        folder.write("jobs", "7 choose\n").unwrap();
        fs::create_dir_all(folder.file("slurm")).unwrap();
        let text = advice(&folder, &states, false).unwrap();
        assert!(text.contains("do the nodes see"), "{text}");
        folder.write("cancelled", "").unwrap();
        assert!(
            advice(&folder, &states, false)
                .unwrap()
                .contains("was cancelled")
        );
        assert_eq!(advice(&folder, &states, true), None);
    }
}
