//! `reproduce report`: tables in the documents and the page, from records.
//!
//! Records that the documents show are kept in `docs/results/`, one file for an experiment and a scale.
//! `--serve` shows the page while runs are in progress, and `--kept` makes it from what `docs` keeps.
//! A block `<!-- generated: allconv/table3 quick -->` in `README.md` or below `docs/` shows such a file.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use lab::report::{
    Scale, Server, merge, read_records, regular_files, replace_blocks, write_file, write_records,
};

use crate::list::file;
use crate::results::Results;
use crate::{arguments, catalog, gather, page};

pub(crate) fn run(args: &::cli::Report) -> Result<()> {
    let root = args.root.as_deref().unwrap_or(Path::new("."));
    let scale = arguments::scale(args.scale);
    let kept = root.join("docs/results");
    if let Some(address) = args.serve {
        return serve(address, &args.out);
    }
    if args.kept {
        let results = gather::of_documents(root)?;
        eprintln!("wrote {}", page::write(&args.out, &results)?.display());
        return Ok(());
    }
    if !args.check {
        let results = gather::all(&args.out)?;
        for id in &args.take {
            take(id, scale, &results, &kept)?;
            take_figures(id, scale, &results, &args.out, &root.join("docs/figures"))?;
        }
        if !results.is_empty() {
            eprintln!("wrote {}", page::write(&args.out, &results)?.display());
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
            write_file(&path, new.as_bytes())?;
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

/// Shows the page at an address until the process ends.
fn serve(address: SocketAddr, out: &Path) -> Result<()> {
    let server = Server::bind(address, out)?;
    eprintln!(
        "http://{}/ shows {}; Ctrl-C ends it",
        server.address(),
        out.display()
    );
    if !address.ip().is_loopback() {
        eprintln!("warning: every machine that reaches this address can read the runs");
    }
    let out = out.to_owned();
    server.run(move || {
        let results = gather::all(&out)?;
        Ok(page::page(&results, &out))
    })?;
    Ok(())
}

/// Copies the records of an experiment to the kept ones.
fn take(id: &str, scale: Scale, results: &[Results], kept: &Path) -> Result<()> {
    let Some(found) = find(id, scale, results) else {
        let known: Vec<String> = results
            .iter()
            .map(|r| format!("{} {}", r.experiment.id, r.scale))
            .collect();
        bail!(
            "--take {id}: there are no records of it at scale {scale}; there are {}",
            known.join(", ")
        );
    };
    let path = file(kept, id, scale);
    write_records(&path, &found.records)?;
    eprintln!("wrote {}", path.display());
    Ok(())
}

fn find<'a>(id: &str, scale: Scale, results: &'a [Results]) -> Option<&'a Results> {
    let mut results = results.iter();
    results.find(|r| r.experiment.id == id && r.scale == scale)
}

/// Copies the figures of an experiment, as `docs/figures/allconv-fig3-quick-NAME.png`.
fn take_figures(
    id: &str,
    scale: Scale,
    results: &[Results],
    out: &Path,
    kept: &Path,
) -> Result<()> {
    let Some(found) = find(id, scale, results) else {
        return Ok(());
    };
    for figure in found.pictures(out) {
        let name = figure.file.rsplit('/').next().unwrap_or_default();
        let place = kept.join(format!("{}-{scale}-{name}", id.replace('/', "-")));
        write_file(&place, figure.png())?;
        eprintln!("wrote {}", place.display());
    }
    Ok(())
}

/// What a block shows; `None` if it names no experiment and scale.
fn block(kept: &Path, name: &str) -> Result<Option<String>> {
    let Some((id, scale)) = name.split_once(' ') else {
        return Ok(None);
    };
    let (Some(experiment), Ok(scale)) = (catalog::all().find(|e| e.id == id), scale.parse()) else {
        return Ok(None);
    };
    let records = merge(read_records(&file(kept, id, scale))?);
    Ok(Some(
        Results {
            experiment,
            scale,
            records,
            runs: Vec::new(),
            figures: Vec::new(),
        }
        .to_markdown(),
    ))
}

/// README.md and every Markdown file below docs, sorted.
fn documents(root: &Path) -> Result<Vec<PathBuf>> {
    let docs = root.join("docs");
    ensure!(
        docs.is_dir(),
        "{}: there is no such folder; give --root",
        docs.display()
    );
    let mut files = regular_files(&docs)?;
    files.retain(|path| path.extension().is_some_and(|e| e == "md"));
    files.push(root.join("README.md"));
    files.sort();
    Ok(files)
}
