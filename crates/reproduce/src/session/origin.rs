//! Where and when a run was trained, as a file in its folder: whoever uses the run again tells the same.

use std::path::Path;

use anyhow::Result;
use lab::report::{Environment, Record, read_records, write_file};
use serde::{Deserialize, Serialize};

/// The name of the file in the folder of a run.
const NAME: &str = "origin.json";

/// Where and when something was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Origin {
    /// The day, as `2026-01-31`.
    pub(super) date: String,
    pub(super) environment: Environment,
    /// What the training took, by which it is told from one that is done again; nothing if it diverged.
    seconds: Option<f64>,
}

impl Origin {
    /// Today and here.
    pub(super) fn here(environment: &Environment) -> Self {
        Self {
            date: chrono::Utc::now().format("%Y-%m-%d").to_string(),
            environment: environment.clone(),
            seconds: None,
        }
    }

    /// That of the run in a folder, whose record this is: the one in the folder, or that of a record of the same training that was kept earlier, or this one.
    ///
    /// The folder has it from then on.
    pub(super) fn of_run(
        self,
        folder: &Path,
        record: &Record,
        earlier: Option<&Record>,
    ) -> Result<Self> {
        let path = folder.join(NAME);
        let seconds = record.wall_seconds;
        let known = std::fs::read(&path).ok();
        // A file that is damaged says nothing, and is written anew.
        let known: Option<Self> = known.and_then(|text| serde_json::from_slice(&text).ok());
        if let Some(known) = known.filter(|known| known.seconds == seconds) {
            return Ok(known);
        }
        let origin = match earlier.filter(|earlier| is_same_training(earlier, record)) {
            Some(earlier) => Self {
                date: earlier.date.clone(),
                environment: earlier.environment.clone(),
                seconds,
            },
            None => Self { seconds, ..self },
        };
        write_file(&path, serde_json::to_string(&origin)?.as_bytes())?;
        Ok(origin)
    }
}

/// The record in a file, if there is one.
pub(super) fn kept(path: &Path) -> Option<Record> {
    read_records(path).ok()?.into_iter().next()
}

/// Whether two records are of one training: no other takes as long to the last digit.
fn is_same_training(a: &Record, b: &Record) -> bool {
    (&a.runs, &a.seeds, a.wall_seconds) == (&b.runs, &b.seeds, b.wall_seconds)
}

#[cfg(test)]
mod tests {
    use lab::report::{Claim, Scale};

    use super::*;

    fn on(machine: &str, date: &str) -> Origin {
        let environment = Environment {
            machine: machine.to_owned(),
            ..Environment::default()
        };
        Origin {
            date: date.to_owned(),
            ..Origin::here(&environment)
        }
    }

    fn record(seconds: Option<f64>) -> Record {
        let claim = Claim::new("p/t", "A", "test error", "%");
        Record {
            runs: vec!["trained/a".to_owned()],
            wall_seconds: seconds,
            ..Record::new(&claim, "digits", Scale::Quick).value(0, seconds)
        }
    }

    #[test]
    fn a_run_keeps_where_it_was_trained() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let of_run = |origin: Origin, seconds, earlier: Option<&Record>| {
            let origin = origin.of_run(folder.path(), &record(seconds), earlier)?;
            Ok::<_, anyhow::Error>((origin.environment.machine, origin.date))
        };
        let pair = |machine: &str, date: &str| (machine.to_owned(), date.to_owned());
        let (first, later) = (on("first", "2026-01-30"), on("later", "2026-01-31"));
        // 0.1 + 0.2 survives the file to the last digit.
        let seconds = Some(0.1 + 0.2);
        let there = pair("first", "2026-01-30");
        assert_eq!(of_run(first, seconds, None)?, there);
        assert_eq!(of_run(later.clone(), seconds, None)?, there);
        // It was trained again.
        let again = pair("later", "2026-01-31");
        assert_eq!(of_run(later.clone(), Some(5.0), None)?, again);
        // A run that diverged took no time.
        assert_eq!(of_run(on("third", "2026-02-01"), None, None)?.0, "third");
        assert_eq!(of_run(later, None, None)?.0, "third");
        Ok(())
    }

    #[test]
    fn a_run_without_the_file_has_what_its_record_says() -> Result<()> {
        let earlier = Record {
            date: "2026-01-30".to_owned(),
            environment: on("first", "").environment,
            ..record(Some(2.5))
        };
        let later = on("later", "2026-01-31");
        for (seconds, machine) in [(2.5, "first"), (3.5, "later")] {
            let folder = tempfile::tempdir()?;
            let record = record(Some(seconds));
            let origin = later
                .clone()
                .of_run(folder.path(), &record, Some(&earlier))?;
            assert_eq!(origin.environment.machine, machine);
        }
        // A damaged file is none.
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join(NAME), "{\"date\":")?;
        let origin = later.of_run(folder.path(), &record(Some(2.5)), Some(&earlier))?;
        assert_eq!(origin.date, "2026-01-30");
        Ok(())
    }
}
