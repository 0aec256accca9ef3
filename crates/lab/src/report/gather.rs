//! Results gathered from files: from the folder of the runs, or from what the documents keep.

use std::path::{Component, Path, PathBuf};

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
        for record in &found {
            runs.extend(histories(record, file, out, warn));
        }
        records.extend(found);
    }
    let is_figure = |file: &&&Path| {
        file.parent() == Some(&folder.join("figures"))
            && file.extension().is_some_and(|e| e == "png")
    };
    let figures = files.iter().filter(is_figure);
    (!records.is_empty()).then(|| Results {
        runs,
        figures: figures.map(|file| file.to_path_buf()).collect(),
        ..Results::new(exhibit, scale, merge(records))
    })
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
        let folder = out.join(&run);
        let is_real = regular_files(&folder)
            .ok()?
            .contains(&folder.join("log.jsonl"));
        let is_own = folder
            .canonicalize()
            .ok()?
            .starts_with(out.canonicalize().ok()?);
        if !(is_below && is_real && is_own) {
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
