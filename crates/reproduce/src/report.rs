//! `reproduce report`: tables in the documents and the page, from records.
//!
//! Records that the documents show are kept in `docs/results/`, one file for an experiment and a scale.
//! A block `<!-- generated: allconv/table3 quick -->` in `README.md` or below `docs/` shows such a file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use lab::report::{Scale, merge, read_records, replace_blocks, write_records};

use crate::results::{self, Results};
use crate::{arguments, catalog};

pub(crate) fn run(args: &::cli::Report) -> Result<()> {
    let root = args.root.as_deref().unwrap_or(Path::new("."));
    let scale = arguments::scale(args.scale);
    let kept = root.join("docs/results");
    if !args.check {
        let results = results::all(&args.out)?;
        for id in &args.take {
            take(id, scale, &results, &kept)?;
            take_figures(id, scale, &args.out, &root.join("docs/figures"))?;
        }
        if !results.is_empty() {
            eprintln!("wrote {}", results::write(&args.out, &results)?.display());
        }
    }
    let mut stale = Vec::new();
    for path in documents(root)? {
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let shown = path
            .strip_prefix(root)
            .unwrap_or(&path)
            .display()
            .to_string();
        let mut failure = None;
        let new = replace_blocks(&shown, &text, |name| {
            block(&kept, name).unwrap_or_else(|error| {
                failure = Some(error);
                None
            })
        });
        if let Some(error) = failure {
            return Err(error.context(shown));
        }
        let new = new?;
        if new == text {
            continue;
        }
        if args.check {
            stale.push(shown);
        } else {
            fs::write(&path, new).with_context(|| format!("cannot write {}", path.display()))?;
            eprintln!("wrote {shown}");
        }
    }
    ensure!(
        stale.is_empty(),
        "{} do not show what docs/results says; run `cargo xtask report`",
        stale.join(", ")
    );
    Ok(())
}

/// Copies the records of an experiment to the kept ones.
fn take(id: &str, scale: Scale, results: &[Results], kept: &Path) -> Result<()> {
    let Some(found) = results
        .iter()
        .find(|r| r.experiment.id() == id && r.scale == scale)
    else {
        let known: Vec<String> = results
            .iter()
            .map(|r| format!("{} {}", r.experiment.id(), r.scale))
            .collect();
        bail!(
            "--take {id}: there are no records of it at scale {scale}; there are {}",
            known.join(", ")
        );
    };
    let path = file(kept, id, scale);
    fs::create_dir_all(kept).with_context(|| format!("cannot make {}", kept.display()))?;
    write_records(&path, &found.records)?;
    eprintln!("wrote {}", path.display());
    Ok(())
}

/// Copies the figures of an experiment, as `docs/figures/allconv-fig3-quick-NAME.png`.
fn take_figures(id: &str, scale: Scale, out: &Path, kept: &Path) -> Result<()> {
    for figure in results::figures(&out.join(id).join(scale.name()))? {
        let name = figure.file_name().unwrap_or_default().to_string_lossy();
        let place = kept.join(format!("{}-{scale}-{name}", id.replace('/', "-")));
        fs::create_dir_all(kept).with_context(|| format!("cannot make {}", kept.display()))?;
        fs::copy(&figure, &place).with_context(|| format!("cannot write {}", place.display()))?;
        eprintln!("wrote {}", place.display());
    }
    Ok(())
}

/// What a block shows; `None` if it names no experiment and scale.
fn block(kept: &Path, name: &str) -> Result<Option<String>> {
    let Some((id, scale)) = name.split_once(' ') else {
        return Ok(None);
    };
    let (Some(experiment), Ok(scale)) = (catalog::all().find(|e| e.id() == id), scale.parse())
    else {
        return Ok(None);
    };
    let records = merge(read_records(&file(kept, id, scale))?);
    Ok(Some(
        Results {
            experiment,
            scale,
            records,
        }
        .to_markdown(),
    ))
}

fn file(kept: &Path, id: &str, scale: Scale) -> PathBuf {
    kept.join(format!("{}-{scale}.json", id.replace('/', "-")))
}

/// README.md and every Markdown file below docs, sorted.
fn documents(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = vec![root.join("README.md")];
    let mut folders = vec![root.join("docs")];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder)
            .with_context(|| format!("cannot read {}; give --root", folder.display()))?;
        for entry in entries {
            let path = entry
                .with_context(|| format!("cannot read {}", folder.display()))?
                .path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
