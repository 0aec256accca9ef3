//! Results from records: sections for the terminal, `report.md` and `index.html`.
//!
//! Everything is read back from the folder of the runs, so the page shows earlier runs as well.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use lab::report::{Claim, Record, Scale, Section, Table, legend, merge, page, read_records};

use crate::catalog;
use crate::experiment::Experiment;

/// What was measured of one experiment at one scale.
pub(crate) struct Results {
    pub(crate) experiment: &'static Experiment,
    pub(crate) scale: Scale,
    pub(crate) records: Vec<Record>,
}

impl Results {
    /// The heading.
    pub(crate) fn title(&self) -> String {
        format!(
            "{}: {} (scale {})",
            self.experiment.id,
            self.experiment.title,
            self.scale
        )
    }

    /// One table for each data set.
    pub(crate) fn tables(&self) -> Vec<Table> {
        let claims = self.experiment.claims();
        let of = |dataset: &&str| {
            let records: Vec<Record> = self
                .records
                .iter()
                .filter(|r| r.dataset == **dataset)
                .cloned()
                .collect();
            // One experiment with rows on several sets: a row belongs to the set that it was measured on.
            let of_this_set = |claim: &&Claim| {
                let same = |r: &&Record| r.model == claim.model && r.quantity == claim.quantity;
                !self
                    .records
                    .iter()
                    .filter(same)
                    .any(|r| r.dataset != **dataset)
                    || records.iter().filter(same).count() > 0
            };
            let claims: Vec<Claim> = claims.iter().filter(of_this_set).cloned().collect();
            Table::of_claims(&claims, &records)
        };
        self.datasets().iter().map(of).collect()
    }

    /// What a reader of the tables must know.
    pub(crate) fn notes(&self) -> Vec<String> {
        legend(&self.experiment.claims(), &self.records)
    }

    fn datasets(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for record in &self.records {
            if !names.contains(&record.dataset.as_str()) {
                names.push(&record.dataset);
            }
        }
        names
    }

    /// Title, tables and notes as plain text.
    pub(crate) fn to_text(&self) -> String {
        let tables: Vec<String> = self.tables().iter().map(Table::to_text).collect();
        format!(
            "{}\n\n{}\n{}\n",
            self.title(),
            tables.join("\n"),
            self.notes().join("\n")
        )
    }

    /// Tables and notes as Markdown, without a heading.
    pub(crate) fn to_markdown(&self) -> String {
        let mut text = String::new();
        for table in self.tables() {
            let _ = writeln!(text, "{}", table.to_markdown());
        }
        text + &self.notes().join("\n") + "\n"
    }
}

/// All results below `out`, in the order of the papers, from small to large scale.
pub(crate) fn all(out: &Path) -> Result<Vec<Results>> {
    let mut results = Vec::new();
    for experiment in catalog::all() {
        for scale in Scale::ALL {
            let mut files = Vec::new();
            find(
                &out.join(experiment.id).join(scale.name()),
                "record.json",
                &mut files,
            )?;
            let mut records = Vec::new();
            for file in files {
                records.extend(read_records(&file)?);
            }
            if !records.is_empty() {
                let records = merge(records);
                results.push(Results {
                    experiment,
                    scale,
                    records,
                });
            }
        }
    }
    Ok(results)
}

/// Files called `name` in `folder` and below, sorted; none if there is no such folder.
fn find(folder: &Path, name: &str, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", folder.display()));
        }
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(
            entry
                .with_context(|| format!("cannot read {}", folder.display()))?
                .path(),
        );
    }
    paths.sort();
    for path in paths {
        if path.is_dir() {
            find(&path, name, files)?;
        } else if path.file_name().is_some_and(|file| file == name) {
            files.push(path);
        }
    }
    Ok(())
}

/// Writes `report.md` and `index.html` with all results below `out`.
pub(crate) fn write(out: &Path, results: &[Results]) -> Result<PathBuf> {
    let mut sections = Vec::new();
    let mut markdown = String::from("# Results\n");
    for result in results {
        let figures = figures(&out.join(result.experiment.id).join(result.scale.name()))?;
        let _ = write!(
            markdown,
            "\n## {}\n\n{}",
            result.title(),
            result.to_markdown()
        );
        for path in &figures {
            let shown = path.strip_prefix(out).unwrap_or(path);
            let _ = write!(markdown, "\n![{}]({})\n", caption(path), shown.display());
        }
        let read = |path: &PathBuf| {
            let png = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            Ok((caption(path), png))
        };
        sections.push(Section {
            title: result.title(),
            tables: result.tables(),
            notes: result.notes(),
            figures: figures.iter().map(read).collect::<Result<_>>()?,
        });
    }
    let cure = || {
        format!(
            "cannot write the report to {}; choose another --out",
            out.display()
        )
    };
    fs::create_dir_all(out).with_context(cure)?;
    fs::write(out.join("report.md"), markdown).with_context(cure)?;
    let html = out.join("index.html");
    fs::write(&html, page("striate: results", &sections)?).with_context(cure)?;
    Ok(html)
}

/// The figures of an experiment at one scale, sorted.
pub(crate) fn figures(folder: &Path) -> Result<Vec<PathBuf>> {
    let folder = folder.join("figures");
    let mut files = match fs::read_dir(&folder) {
        Ok(entries) => entries
            .map(|e| Ok(e?.path()))
            .collect::<std::io::Result<Vec<_>>>(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
    .with_context(|| format!("cannot read {}", folder.display()))?;
    files.retain(|path| path.extension().is_some_and(|e| e == "png"));
    files.sort();
    Ok(files)
}

fn caption(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    stem.replace('-', " ")
}
