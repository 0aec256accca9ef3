//! Results gathered from files: from the folder of the runs, or from what the documents keep.

use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use super::results::{Results, Warn, kept};
use super::{Exhibit, History, Record, ReportError, Scale, merge, read_records, regular_files};

/// The file of the kept records of an experiment at a scale: `nin-table4-quick.json`.
pub fn record_file(kept: &Path, id: &str, scale: Scale) -> PathBuf {
    kept.join(format!("{}-{scale}.json", id.replace('/', "-")))
}

/// All results below the folder of the runs, in the order of the exhibits, from small to large scale.
///
/// A file that is damaged is left out with a warning.
///
/// # Errors
/// A folder that cannot be read.
pub fn gather(
    out: &Path,
    exhibits: &[Exhibit],
    warn: Warn<'_>,
) -> Result<Vec<Results>, ReportError> {
    let files = regular_files(out)?;
    let mut results = Vec::new();
    for exhibit in exhibits {
        for scale in Scale::ALL {
            let folder = out.join(exhibit.id).join(scale.name());
            let from = files.partition_point(|file| file < &folder);
            let below = files[from..].iter();
            let below: Vec<&Path> = below
                .take_while(|file| file.starts_with(&folder))
                .map(PathBuf::as_path)
                .collect();
            results.extend(of_folder(exhibit, scale, &folder, &below, out, warn));
        }
    }
    Ok(results)
}

/// What the files below an experiment's folder say; `None` if there is no record among them.
fn of_folder(
    exhibit: &Exhibit,
    scale: Scale,
    folder: &Path,
    files: &[&Path],
    out: &Path,
    warn: Warn<'_>,
) -> Option<Results> {
    let (mut records, mut runs) = (Vec::new(), Vec::new());
    for file in files.iter().filter(|file| file.ends_with("record.json")) {
        let Some(found) = kept(read_records(file), warn) else {
            continue;
        };
        let written = file.metadata().and_then(|file| file.modified()).ok();
        for record in found {
            runs.extend(histories(&record, file, out, warn));
            records.push((written, record));
        }
    }
    let is_figure = |file: &&&Path| {
        file.parent() == Some(&folder.join("figures"))
            && file.extension().is_some_and(|e| e == "png")
    };
    let figures = files.iter().filter(is_figure);
    (!records.is_empty()).then(|| Results {
        runs,
        figures: figures.map(|file| file.to_path_buf()).collect(),
        ..Results::new(exhibit, scale, merge(by_age(records)))
    })
}

/// Records in the order of their things' first appearance; those of one thing from the oldest to the latest, which counts.
fn by_age(records: Vec<(Option<SystemTime>, Record)>) -> Vec<Record> {
    let first = |record: &Record| {
        let is_same = |(_, other): &(_, Record)| other.key() == record.key();
        records.iter().position(is_same)
    };
    let places: Vec<_> = records
        .iter()
        .map(|(age, record)| (first(record), *age))
        .collect();
    let mut placed: Vec<_> = places.into_iter().zip(records).collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, (_, record))| record).collect()
}

/// The histories of a record's runs: those that it names, or the one beside it.
fn histories(record: &Record, file: &Path, out: &Path, warn: Warn<'_>) -> Vec<History> {
    let beside = file
        .parent()
        .and_then(|folder| folder.strip_prefix(out).ok());
    let folders: Vec<(u64, PathBuf)> = match record.runs.len() == record.seeds.len() {
        true => record
            .seeds
            .iter()
            .copied()
            .zip(record.runs.iter().map(PathBuf::from))
            .collect(),
        false => record
            .seeds
            .iter()
            .take(1)
            .copied()
            .zip(beside.map(Path::to_path_buf))
            .collect(),
    };
    let read = |(seed, run): (u64, PathBuf)| {
        // A record is a file from anywhere: what it names must lie below the folder of the runs, and be no link.
        let is_below = run
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !is_below {
            return None;
        }
        let folder = out.join(&run);
        let is_real = regular_files(&folder)
            .ok()?
            .contains(&folder.join("log.jsonl"));
        let is_own = folder
            .canonicalize()
            .ok()?
            .starts_with(out.canonicalize().ok()?);
        if !(is_real && is_own) {
            return None;
        }
        let history = kept(History::read(&folder, run.to_string_lossy()), warn)??;
        let model = record.model.clone();
        Some(History {
            model,
            seed,
            ..history
        })
    };
    folders.into_iter().filter_map(read).collect()
}

/// The results that the documents keep: records in `docs/results`, pictures in `docs/figures`.
///
/// # Errors
/// A folder that cannot be read.
pub fn gather_kept(
    root: &Path,
    exhibits: &[Exhibit],
    warn: Warn<'_>,
) -> Result<Vec<Results>, ReportError> {
    let figures = regular_files(&root.join("docs/figures"))?;
    let mut results = Vec::new();
    for exhibit in exhibits {
        for scale in Scale::ALL {
            let name = format!("{}-{scale}", exhibit.id.replace('/', "-"));
            let file = record_file(&root.join("docs/results"), exhibit.id, scale);
            if !file.is_file() {
                continue;
            }
            let Some(records) = kept(read_records(&file), warn) else {
                continue;
            };
            let prefix = format!("{name}-");
            let is_its = |file: &&PathBuf| {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                name.starts_with(&prefix) && name.ends_with(".png")
            };
            results.push(Results {
                figures: figures.iter().filter(is_its).cloned().collect(),
                ..Results::new(exhibit, scale, merge(records))
            });
        }
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::report::{Claim, write_records};

    #[test]
    fn what_was_measured_last_counts() {
        let out = tempfile::tempdir().unwrap();
        let claim = Claim::new("p/t", "A", "test error", "%");
        let write = |seed: u64, training: &str, age: u64| {
            let record = Record {
                training: Some(training.to_owned()),
                ..Record::new(&claim, "digits", Scale::Quick).value(seed, Some(seed as f64))
            };
            let folder = out.path().join(format!("p/t/quick/A/seed-{seed}"));
            std::fs::create_dir_all(&folder).unwrap();
            let path = folder.join("record.json");
            write_records(&path, &[record]).unwrap();
            let file = std::fs::File::options().append(true).open(&path).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age))
                .unwrap();
        };
        let exhibit = Exhibit {
            id: "p/t",
            paper: "",
            title: "",
            claims: vec![claim.clone()],
            findings: &[],
        };
        let seeds = || {
            let results = gather(out.path(), std::slice::from_ref(&exhibit), &|_| {}).unwrap();
            results[0].records[0].seeds.clone()
        };
        write(0, "a", 30);
        write(1, "a", 20);
        assert_eq!(seeds(), [0, 1]);
        // The first seed again, with other settings, which cannot be joined.
        write(0, "b", 10);
        assert_eq!(seeds(), [0]);
    }
}
