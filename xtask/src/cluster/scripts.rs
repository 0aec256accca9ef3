//! The scripts of a sweep.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::{fs, io};

use anyhow::{Context, Result, bail};

use super::folder::{Folder, Sweep, cannot_write};
use super::options::Options;
use crate::environment;

const TASK: &str = include_str!("task.sh");
const SUBMIT: &str = include_str!("submit.sh");

/// Minutes that the job gets that submits what is left.
const REST_MINUTES: u32 = 10;

/// Writes plan and scripts, and copies the program.
///
/// Scripts stay as they are, with what a person changed in them, if the sweep is the same as before.
pub(super) fn write(folder: &Folder, sweep: &Sweep, binary: &Path) -> Result<()> {
    for below in ["", "slurm", "tasks"] {
        let path = folder.file(below);
        fs::create_dir_all(&path).with_context(|| cannot_write(&path))?;
    }
    copy(binary, &folder.file("reproduce"))?;
    folder.write("tasks.tsv", &tasks(sweep))?;
    let is_new = folder.sweep().ok().flatten().as_ref() != Some(sweep);
    for (name, text) in scripts(folder, &sweep.options)? {
        if is_new || !folder.file(name).is_file() {
            folder.write(name, &text)?;
        }
    }
    // Last: scripts that were not all written are those of no sweep.
    let text = serde_json::to_string_pretty(sweep)?;
    folder.write("sweep.json", &format!("{text}\n"))
}

/// The scripts by their names.
fn scripts(folder: &Folder, options: &Options) -> Result<Vec<(&'static str, String)>> {
    let array = |stage: &str| {
        let run = "exec bash task.sh \"$SLURM_ARRAY_TASK_ID\"";
        batch(
            folder,
            &format!("{}-{stage}", folder.name),
            &training_lines(options),
            run,
        )
    };
    let rest = [vec![format!("--time={REST_MINUTES}")], partition(options)].concat();
    Ok(vec![
        ("1-choose.sbatch", array("choose")?),
        ("2-train.sbatch", array("train")?),
        (
            "3-rest.sbatch",
            batch(
                folder,
                &format!("{}-rest", folder.name),
                &rest,
                "exec bash submit.sh",
            )?,
        ),
        ("task.sh", fill(TASK, folder, options)?),
        ("submit.sh", fill(SUBMIT, folder, options)?),
    ])
}

/// What the job of a training asks of Slurm.
fn training_lines(options: &Options) -> Vec<String> {
    let mut lines = vec![
        format!("--cpus-per-task={}", options.cpus),
        "--requeue".to_owned(),
        format!("--signal=B:TERM@{}", options.margin()),
    ];
    lines.extend(options.time.iter().map(|time| format!("--time={time}")));
    if options.gpus > 0 {
        lines.push(format!("--gres=gpu:{}", options.gpus));
    }
    lines.extend(partition(options));
    lines
}

fn partition(options: &Options) -> Vec<String> {
    let line = |partition: &String| format!("--partition={partition}");
    options.partition.iter().map(line).collect()
}

/// A script for sbatch.
fn batch(folder: &Folder, name: &str, lines: &[String], run: &str) -> Result<String> {
    let path = text(&folder.path())?;
    let output = match name.ends_with("-rest") {
        true => "%j",
        false => "%A_%a",
    };
    let common = [
        format!("--job-name={name}"),
        format!("--chdir=\"{path}\""),
        format!("--output=\"{path}/slurm/{output}.out\""),
        "--open-mode=append".to_owned(),
        "--nodes=1".to_owned(),
        "--ntasks=1".to_owned(),
    ];
    let lines: String = common
        .iter()
        .chain(lines)
        .map(|line| format!("#SBATCH {line}\n"))
        .collect();
    Ok(format!(
        "#!/bin/bash\n{lines}cd {} || exit 1\n{run}\n",
        quoted(&path)
    ))
}

/// A script of ours with what this sweep has in the places of `@WORDS@`.
fn fill(script: &str, folder: &Folder, options: &Options) -> Result<String> {
    let threads = ["--threads".to_owned(), options.cpus.to_string()];
    let out = text(&folder.out)?;
    let place = ["--out".to_owned(), out.clone()];
    let words = options.arguments.iter().chain(&place).chain(&threads);
    let words: Vec<String> = words.map(|word| quoted(word)).collect();
    let variables: Vec<String> = environment::VARIABLES
        .iter()
        .map(|(name, value)| format!("export {name}=${{{name}:-{value}}}"))
        .collect();
    let limit = options.max_running.map(|most| format!("%{most}"));
    Ok(script
        .replace("@FOLDER@", &quoted(&text(&folder.path())?))
        .replace("@RUNS@", &quoted(&out))
        .replace("@ARGUMENTS@", &words.join(" "))
        .replace("@VARIABLES@", &variables.join("\n"))
        .replace("@LIMIT@", &limit.unwrap_or_default()))
}

/// The lines of tasks.tsv; an empty field is a `-`.
fn tasks(sweep: &Sweep) -> String {
    let line = |(index, training): (usize, &super::plan::Training)| {
        let needs = match training.needs.is_empty() {
            true => "-".to_owned(),
            false => training.needs.join(","),
        };
        let fields = [
            (index + 1).to_string(),
            training.stage().name().to_owned(),
            training.run.clone(),
            training.experiment.clone(),
            needs,
            training.title(),
        ];
        fields.join("\t") + "\n"
    };
    sweep.trainings.iter().enumerate().map(line).collect()
}

/// Copies the program in one step, so that tasks that run keep theirs.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if fs::read(to).is_ok_and(|known| fs::read(from).is_ok_and(|new| new == known)) {
        return Ok(());
    }
    let fresh = to.with_extension("new");
    let copied = fs::copy(from, &fresh).and_then(|_| {
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o755))?;
        fs::rename(&fresh, to)
    });
    copied.map_err(|error: io::Error| {
        // A half copy would fill the disk for nothing.
        let _ = fs::remove_file(&fresh);
        anyhow::Error::new(error).context(cannot_write(to))
    })
}

fn text(path: &Path) -> Result<String> {
    match path.to_str() {
        Some(text) => Ok(text.to_owned()),
        None => bail!("{}: a script cannot name this folder", path.display()),
    }
}

fn quoted(word: &str) -> String {
    cli::quoted(word.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::folder::tests::sweep;

    #[test]
    fn scripts_say_what_was_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, mut sweep) = sweep(&dir.path().join("a b"));
        sweep.options = Options {
            partition: Some("long".to_owned()),
            time: Some("1-00:00".to_owned()),
            gpus: 1,
            ..sweep.options
        };
        let scripts = scripts(&folder, &sweep.options).unwrap();
        let script = |name: &str| &scripts.iter().find(|(n, _)| *n == name).unwrap().1;
        for line in [
            "--job-name=one-choose",
            "--cpus-per-task=2",
            "--requeue",
            "--signal=B:TERM@300",
            "--time=1-00:00",
            "--gres=gpu:1",
            "--partition=long",
            "--open-mode=append",
        ] {
            let line = format!("#SBATCH {line}\n");
            assert!(script("1-choose.sbatch").contains(&line), "{line}");
        }
        let path = folder.path();
        let chdir = format!("#SBATCH --chdir=\"{}\"\n", path.display());
        assert!(script("2-train.sbatch").contains(&chdir));
        assert!(!script("3-rest.sbatch").contains("--gres"));
        assert!(script("3-rest.sbatch").contains("--partition=long"));
        let task = script("task.sh");
        let out = format!(
            "--scale smoke --out '{}' --threads 2)",
            folder.out.display()
        );
        assert!(task.contains(&out), "{task}");
        assert!(script("submit.sh").contains("--array=\"$choose%3\""));
        for (name, text) in &scripts {
            assert!(
                !text.contains("@FOLDER@") && !text.contains("@RUNS@"),
                "{name}"
            );
            let mut bash = std::process::Command::new("bash");
            let file = dir.path().join(name);
            fs::write(&file, text).unwrap();
            assert!(
                bash.arg("-n").arg(&file).status().unwrap().success(),
                "{name}"
            );
        }
    }

    #[test]
    fn tasks_are_numbered_lines() {
        let dir = tempfile::tempdir().unwrap();
        let (_, sweep) = sweep(dir.path());
        let text = tasks(&sweep);
        let lines: Vec<Vec<&str>> = text.lines().map(|l| l.split('\t').collect()).collect();
        assert_eq!(lines[0][..2], ["1", "choose"]);
        assert_eq!(lines[0][4..], ["-", "nin/table1 a, seed 0"]);
        assert_eq!(lines[2][1], "train");
        assert_eq!(
            lines[2][4],
            format!("{},{}", "a".repeat(16), "b".repeat(16))
        );
    }

    #[test]
    fn what_a_person_changed_stays_until_the_arguments_change() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, mut sweep) = sweep(dir.path());
        let binary = dir.path().join("program");
        fs::write(&binary, "x").unwrap();
        write(&folder, &sweep, &binary).unwrap();
        let script = folder.file("1-choose.sbatch");
        fs::write(&script, "mine").unwrap();
        write(&folder, &sweep, &binary).unwrap();
        assert_eq!(fs::read_to_string(&script).unwrap(), "mine");
        sweep.options.cpus = 7;
        write(&folder, &sweep, &binary).unwrap();
        assert!(
            fs::read_to_string(&script)
                .unwrap()
                .contains("--cpus-per-task=7")
        );
        let error = write(&folder, &sweep, Path::new("/no/such/program")).unwrap_err();
        assert!(error.to_string().contains("cannot write"), "{error:#}");
    }
}
