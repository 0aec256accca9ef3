//! The folder of a sweep, `OUT/cluster/SWEEP`.
//!
//! ```text
//! sweep.json       what was asked for, and every training
//! tasks.tsv        a line for each task: number, stage, run, experiment, what it needs, label
//! reproduce        the program
//! task.sh          what a task does
//! 1-choose.sbatch  the array of learning rates; 2-train.sbatch: of networks; 3-rest.sbatch: what is left
//! submit.sh        submits them
//! jobs             number and stage of every job
//! slurm/           what the jobs printed
//! tasks/RUN/       log of a run, its tries, and why it failed
//! cancelled        there if the sweep was cancelled
//! ```

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::options::{Options, check_name, whole_out};
use super::plan::Training;
use crate::whole::write_whole;

/// What a sweep was asked for, and every training; the place of a training, from 1, is the number of its task.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Sweep {
    pub(super) options: Options,
    pub(super) trainings: Vec<Training>,
}

/// Where a sweep is.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    /// The folder of the runs.
    pub(super) out: PathBuf,
    pub(super) name: String,
}

/// A job of a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) id: String,
    pub(super) stage: String,
}

/// A longer file of ours is not read: 64 MiB.
const LONGEST: u64 = 64 << 20;

impl Folder {
    pub(super) fn new(out: &Path, name: &str) -> Result<Self> {
        Ok(Self {
            out: whole_out(out)?,
            name: check_name(name)?.to_owned(),
        })
    }

    /// The sweep of this name, or the only one below the folder of the runs.
    pub(super) fn find(args: &cli::Sweep) -> Result<Self> {
        let all = Self::all(&args.out)?;
        let names = || {
            all.iter()
                .map(|f| f.name.clone())
                .collect::<Vec<_>>()
                .join(", ")
        };
        match (&args.name, all.as_slice()) {
            (Some(name), _) => match all.iter().find(|folder| folder.name == *name) {
                Some(folder) => Ok(folder.clone()),
                None => bail!(
                    "{} has no sweep {name:?}; it has {}",
                    args.out.display(),
                    names()
                ),
            },
            (None, [one]) => Ok(one.clone()),
            (None, _) => bail!(
                "{} has several sweeps; name one of {}",
                args.out.display(),
                names()
            ),
        }
    }

    /// Every sweep below the folder of the runs; at least one.
    pub(super) fn all(out: &Path) -> Result<Vec<Self>> {
        let below = whole_out(out)?.join("cluster");
        let entries = fs::read_dir(&below).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .filter(|entry| entry.path().join("sweep.json").is_file())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        if names.is_empty() {
            bail!(
                "there is no sweep below {}; `cargo xtask cluster submit` makes one, and --out names the folder of the runs",
                below.display()
            );
        }
        names.iter().map(|name| Self::new(out, name)).collect()
    }

    pub(super) fn path(&self) -> PathBuf {
        self.out.join("cluster").join(&self.name)
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// What was asked for; nothing if the sweep is new.
    pub(super) fn sweep(&self) -> Result<Option<Sweep>> {
        let path = self.file("sweep.json");
        let Some(text) = read(&path)? else {
            return Ok(None);
        };
        let cure = "remove it, and submit again";
        let sweep = serde_json::from_str(&text);
        Ok(Some(sweep.with_context(|| {
            format!("{} is damaged; {cure}", path.display())
        })?))
    }

    /// What was asked for, of a sweep that is there.
    pub(super) fn known(&self) -> Result<Sweep> {
        self.sweep()?
            .with_context(|| format!("{} is gone", self.file("sweep.json").display()))
    }

    /// Writes a file of the sweep, unless that is what it holds.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.file(name);
        if read(&path).is_ok_and(|known| known.as_deref() == Some(text)) {
            return Ok(());
        }
        write_whole(&path, text).with_context(|| cannot_write(&path))
    }

    /// Every job that was submitted.
    pub(super) fn jobs(&self) -> Result<Vec<Job>> {
        let text = read(&self.file("jobs"))?.unwrap_or_default();
        let job = |line: &str| {
            let (id, stage) = line.split_once(' ')?;
            let is_number = !id.is_empty() && id.chars().all(|c| c.is_ascii_digit());
            is_number.then(|| Job {
                id: id.to_owned(),
                stage: stage.to_owned(),
            })
        };
        Ok(text.lines().filter_map(job).collect())
    }

    /// Whether a run is done.
    pub(super) fn is_done(&self, training: &Training) -> bool {
        self.trained(training).join("result.json").is_file()
    }

    /// The folder of a run.
    pub(super) fn trained(&self, training: &Training) -> PathBuf {
        self.out.join("trained").join(&training.run)
    }

    /// Why a run has failed, if it has.
    pub(super) fn failure(&self, training: &Training) -> Result<Option<String>> {
        let text = read(&self.state(training).join("failed"))?;
        Ok(text.map(|text| text.trim().to_owned()))
    }

    /// What tasks note of a run.
    pub(super) fn state(&self, training: &Training) -> PathBuf {
        self.file("tasks").join(&training.run)
    }
}

/// The text of a regular file; nothing if there is none.
pub(super) fn read(path: &Path) -> Result<Option<String>> {
    let reading = || format!("read {}", path.display());
    // A pipe would wait for its other end: it is looked at before it is opened.
    match fs::metadata(path) {
        Ok(about) if about.is_file() => {}
        Ok(_) => bail!("{} is no regular file; remove it", path.display()),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(reading),
    }
    let file = fs::File::open(path).with_context(reading)?;
    let mut bytes = Vec::new();
    file.take(LONGEST)
        .read_to_end(&mut bytes)
        .with_context(reading)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// What is wrong if a file of a sweep cannot be written, and what helps.
pub(super) fn cannot_write(path: &Path) -> String {
    format!(
        "cannot write {}; free some space, or choose an --out that you may write to",
        path.display()
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::cluster::plan::tests::{options, training};

    /// A sweep of two learning rates and the network that needs them.
    pub(in super::super) fn sweep(out: &Path) -> (Folder, Sweep) {
        let folder = Folder::new(out, "one").unwrap();
        let trainings = vec![training('a', ""), training('b', ""), training('c', "ab")];
        let sweep = Sweep {
            options: options(Some(3)),
            trainings,
        };
        fs::create_dir_all(folder.path()).unwrap();
        let text = serde_json::to_string(&sweep).unwrap();
        folder.write("sweep.json", &text).unwrap();
        (folder, sweep)
    }

    fn find(out: &Path, name: Option<&str>) -> Result<Folder> {
        Folder::find(&cli::Sweep {
            name: name.map(str::to_owned),
            out: out.to_owned(),
        })
    }

    #[test]
    fn a_sweep_is_found_by_its_name_or_alone() {
        let dir = tempfile::tempdir().unwrap();
        let error = find(dir.path(), None).unwrap_err().to_string();
        assert!(error.contains("cluster submit"), "{error}");
        let (_, wanted) = sweep(dir.path());
        let found = find(dir.path(), None).unwrap();
        assert_eq!(found.known().unwrap(), wanted);
        let error = find(dir.path(), Some("two")).unwrap_err().to_string();
        assert!(error.ends_with("it has one"), "{error}");
        fs::create_dir(found.out.join("cluster/two")).unwrap();
        fs::write(found.out.join("cluster/two/sweep.json"), "{").unwrap();
        let error = find(dir.path(), None).unwrap_err().to_string();
        assert!(error.ends_with("one, two"), "{error}");
        let error = find(dir.path(), Some("two")).unwrap().known().unwrap_err();
        assert!(error.to_string().contains("submit again"), "{error:#}");
    }

    #[test]
    fn jobs_are_numbers_with_a_stage() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, _) = sweep(dir.path());
        assert_eq!(folder.jobs().unwrap(), []);
        folder
            .write("jobs", "12 choose\n13 train\nx y\n--all z\n14")
            .unwrap();
        let ids: Vec<String> = folder
            .jobs()
            .unwrap()
            .into_iter()
            .map(|job| job.id)
            .collect();
        assert_eq!(ids, ["12", "13"]);
    }

    #[test]
    fn a_folder_that_cannot_be_written_to_is_told_with_the_cure() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path(), "none").unwrap();
        let error = format!("{:#}", folder.write("x", "y").unwrap_err());
        assert!(error.contains("choose an --out"), "{error}");
    }
}
