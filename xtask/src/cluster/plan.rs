//! The trainings of a sweep, as `reproduce --list --json` names them, and how long they take.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::options::Options;
use super::time::shown;
use crate::workspace;

/// A training, as `reproduce` lists it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Training {
    /// The name of its run: 16 hexadecimal digits.
    pub(super) run: String,
    pub(super) experiment: String,
    pub(super) label: String,
    pub(super) seed: u64,
    pub(super) epochs: u64,
    pub(super) train_images: u64,
    /// The runs that choose its learning rate.
    pub(super) needs: Vec<String>,
    pub(super) done: bool,
    /// Nothing if there is no record of its network.
    pub(super) seconds: Option<f64>,
    pub(super) machine: Option<String>,
}

/// The array that a training is a task of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// What needs nothing first: learning rates, and networks without a choice.
    Choose,
    /// Networks at the rate that was chosen.
    Train,
}

impl Stage {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Choose => "choose",
            Self::Train => "train",
        }
    }
}

impl Training {
    pub(super) fn stage(&self) -> Stage {
        match self.needs.is_empty() {
            true => Stage::Choose,
            false => Stage::Train,
        }
    }

    /// What it is called: its label and, if there are others, its seed.
    pub(super) fn title(&self) -> String {
        format!("{}, seed {}", self.label, self.seed)
    }
}

/// The trainings of a sweep by `reproduce`: each run once, those that others need first.
pub(super) fn ask(binary: &Path, options: &Options, out: &Path) -> Result<Vec<Training>> {
    let mut command = reproduce(binary, options, out);
    command.args(["--list", "--json", "--quiet"]);
    let line = workspace::shown(&command);
    let output = command
        .output()
        .with_context(|| format!("start `{line}`"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{}", said.trim().trim_start_matches("error: "));
    }
    eprint!("{said}");
    parse(&String::from_utf8_lossy(&output.stdout))
        .with_context(|| format!("read what `{line}` prints"))
}

/// `reproduce` on all experiments of a sweep.
pub(super) fn reproduce(binary: &Path, options: &Options, out: &Path) -> Command {
    let mut command = Command::new(binary);
    // An experiment is known to all papers by its full name.
    command.arg("all").args(&options.experiments);
    command.args(&options.arguments).arg("--out").arg(out);
    command
}

fn parse(text: &str) -> Result<Vec<Training>> {
    let mut known = HashSet::new();
    let mut trainings = Vec::new();
    for line in text.lines() {
        let training: Training = serde_json::from_str(line).with_context(|| line.to_owned())?;
        let is_name = |run: &String| run.len() == 16 && run.chars().all(|c| c.is_ascii_hexdigit());
        if !is_name(&training.run) || !training.needs.iter().all(is_name) {
            bail!("{line}: a run has 16 hexadecimal digits");
        }
        if training.label.contains(|c: char| c.is_control()) {
            bail!("{line}: a label is one line");
        }
        // Two experiments may share a run.
        if known.insert(training.run.clone()) {
            trainings.push(training);
        }
    }
    // The tasks of an array follow each other.
    trainings.sort_by_key(Training::stage);
    if trainings.is_empty() {
        bail!("these experiments train nothing at this scale, so there is nothing to submit");
    }
    Ok(trainings)
}

/// What is left to do, in words: jobs, hours, and hours with so many tasks at a time.
pub(super) fn summary(trainings: &[Training], options: &Options) -> String {
    let left: Vec<&Training> = trainings.iter().filter(|t| !t.done).collect();
    let of = |stage: Stage| left.iter().copied().filter(move |t| t.stage() == stage);
    let (choose, train) = (of(Stage::Choose).count(), of(Stage::Train).count());
    let done = trainings.len() - left.len();
    let mut lines = vec![format!(
        "{} trainings, {done} of them done",
        trainings.len()
    )];
    for (count, what) in [
        (choose, "that need nothing first"),
        (train, "at the learning rate that is chosen"),
    ] {
        if count > 0 {
            lines.push(format!("job array of {count}: trainings {what}"));
        }
    }
    if choose + train > 0 {
        lines.push("1 small job that submits again what runs out of time".to_owned());
    }
    lines.extend(hours(&left, options));
    lines.join("\n")
}

fn hours(left: &[&Training], options: &Options) -> Vec<String> {
    let unknown: Vec<&str> = left
        .iter()
        .filter(|t| t.seconds.is_none())
        .map(|t| t.label.as_str())
        .collect();
    let known: Vec<f64> = left.iter().filter_map(|t| t.seconds).collect();
    let longest = known.iter().copied().fold(0.0, f64::max);
    let mut machines: BTreeMap<&str, usize> = BTreeMap::new();
    for machine in left.iter().filter_map(|t| t.machine.as_deref()) {
        *machines.entry(machine).or_default() += 1;
    }
    let mut lines = Vec::new();
    if let (false, Some((machine, _))) = (known.is_empty(), machines.iter().max_by_key(|m| m.1)) {
        let sum: f64 = known.iter().sum();
        let on = match machines.len() {
            1 => (*machine).to_owned(),
            _ => format!("{machine} and others"),
        };
        lines.push(format!(
            "computation: {}, the longest training {}, at the speed of the records: {on}",
            shown(sum),
            shown(longest)
        ));
        if let Some(tasks) = options.max_running {
            let stage = |stage: Stage| {
                let of = left.iter().filter(|t| t.stage() == stage);
                makespan(of.filter_map(|t| t.seconds), tasks as usize)
            };
            let wall = stage(Stage::Choose) + stage(Stage::Train);
            lines.push(format!("with {tasks} tasks at a time: {}", shown(wall)));
        }
        let limit = options
            .time
            .as_deref()
            .and_then(|text| super::time::limit(text).ok());
        let usable = limit.map(|limit| limit.saturating_sub(options.margin()).max(1) as f64);
        if let Some(usable) = usable.filter(|usable| longest > *usable) {
            lines.push(format!(
                "the longest training goes on from its checkpoint {} times, for --time is shorter",
                (longest / usable).ceil() - 1.0
            ));
        }
    }
    if let Some(first) = unknown.first() {
        lines.push(format!(
            "no time is known of {} of them, such as {first}: neither docs/results nor the folder of the runs \
             has a record of a network as large; a run of the same networks at a smaller scale makes one",
            unknown.len(),
        ));
    }
    lines
}

/// How long so many workers need for these times, each taking the next when it is free.
fn makespan(times: impl Iterator<Item = f64>, workers: usize) -> f64 {
    let times: Vec<f64> = times.collect();
    let mut free = vec![0.0f64; workers.min(times.len()).max(1)];
    for time in times {
        if let Some(first) = free.iter_mut().min_by(|a, b| a.total_cmp(b)) {
            *first += time;
        }
    }
    free.into_iter().fold(0.0, f64::max)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A training whose run is sixteen times `digit`, and that needs those of `needs`.
    pub(in super::super) fn training(digit: char, needs: &str) -> Training {
        let name = |digit: char| digit.to_string().repeat(16);
        Training {
            run: name(digit),
            experiment: "nin/table1".to_owned(),
            label: format!("nin/table1 {digit}"),
            seed: 0,
            epochs: 4,
            train_images: 100,
            needs: needs.chars().map(name).collect(),
            done: false,
            seconds: Some(3600.0),
            machine: Some("a machine".to_owned()),
        }
    }

    pub(in super::super) fn options(max_running: Option<u32>) -> Options {
        Options {
            experiments: vec!["nin/table1".to_owned()],
            arguments: vec!["--scale".to_owned(), "smoke".to_owned()],
            partition: None,
            time: None,
            cpus: 2,
            gpus: 0,
            max_running,
        }
    }

    #[test]
    fn a_run_that_two_experiments_share_is_one_task() {
        let line = serde_json::to_string(&training('a', "")).unwrap();
        let other = serde_json::to_string(&training('b', "a")).unwrap();
        let all = parse(&format!("{line}\n{other}\n{line}\n")).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(
            (all[0].stage(), all[1].stage()),
            (Stage::Choose, Stage::Train)
        );
    }

    #[test]
    fn what_is_no_list_is_refused() {
        assert!(parse("").unwrap_err().to_string().contains("train nothing"));
        assert!(parse("{}").is_err());
        let odd = Training {
            run: "../x".to_owned(),
            ..training('a', "")
        };
        let odd = serde_json::to_string(&odd).unwrap();
        assert!(
            parse(&odd)
                .unwrap_err()
                .to_string()
                .contains("16 hexadecimal")
        );
    }

    #[test]
    fn hours_are_those_of_the_records() {
        let mut all: Vec<Training> = "abcd".chars().map(|c| training(c, "")).collect();
        all.push(training('e', "abcd"));
        let text = summary(&all, &options(Some(2)));
        assert!(text.contains("5 trainings, 0 of them done"), "{text}");
        assert!(
            text.contains("array of 4") && text.contains("array of 1"),
            "{text}"
        );
        assert!(
            text.contains("computation: 5.0 h, the longest training 60 min"),
            "{text}"
        );
        assert!(text.contains("2 tasks at a time: 3.0 h"), "{text}");
        all[0].done = true;
        all[1].seconds = None;
        let text = summary(
            &all,
            &Options {
                time: Some("30".to_owned()),
                ..options(None)
            },
        );
        assert!(
            text.contains("computation: 3.0 h")
                && text.contains("known of 1 of them, such as nin/table1 b"),
            "{text}"
        );
        assert!(
            text.contains("goes on from its checkpoint 2 times"),
            "{text}"
        );
    }

    #[test]
    fn a_free_worker_takes_the_next() {
        assert_eq!(makespan([3.0, 1.0, 1.0, 1.0].into_iter(), 2), 3.0);
        assert_eq!(makespan([].into_iter(), 2), 0.0);
    }
}
