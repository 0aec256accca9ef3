//! `reproduce report`: tables in the documents and the page, from records.
//!
//! Records that the documents show are kept in `docs/results/`, one file for an experiment and a scale.
//! `--serve` shows the page while runs are in progress, and `--kept` makes it from what `docs` keeps.
//! Model files that the project ships are kept in `models/`; its README is made from their headers.
//! The front pages of the crates' documentation show figures of `docs/figures`.
//! A block `<!-- generated: allconv/table3 quick -->` in `README.md` or below `docs/` shows such a file.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Result, bail, ensure};
use lab::report::{
    Record, Results, Scale, Server, gather_kept, merge, read_records, record_file,
    update_documents, write_file, write_records,
};

use crate::{arguments, front_pages, models, page, shared};

pub(crate) fn run(args: &::cli::Report) -> Result<()> {
    let root = args.root.as_deref().unwrap_or(Path::new("."));
    let scale = arguments::scale(args.scale);
    let kept = root.join("docs/results");
    if let Some(address) = args.serve {
        return serve(address, &args.out);
    }
    if args.kept {
        let results = gather_kept(root, &page::exhibits(), &page::warn)?;
        page::say(format!(
            "wrote {}",
            page::write(&args.out, &results)?.display()
        ));
        return Ok(());
    }
    let docs = root.join("docs");
    ensure!(
        docs.is_dir(),
        "{}: there is no such folder; give --root",
        docs.display()
    );
    if !args.check {
        let results = page::results(&args.out)?;
        // All are looked for before the first is taken.
        let found = args.take.iter().map(|id| records_of(id, scale, &results));
        let found = found.collect::<Result<Vec<_>>>()?;
        for (id, found) in args.take.iter().zip(found) {
            take(found, &kept)?;
            take_figures(id, scale, &results, &args.out, &root.join("docs/figures"))?;
        }
        if !args.take.is_empty() {
            shared::renew(&args.take, scale, &kept)?;
        }
        if !results.is_empty() {
            page::say(format!(
                "wrote {}",
                page::write(&args.out, &results)?.display()
            ));
        }
    }
    for (name, file) in &args.models {
        models::keep(name, file, root)?;
    }
    let mut changed = update_documents(root, &page::exhibits(), args.check)?;
    changed.extend(models::update(root, args.check)?);
    changed.extend(front_pages::update(root, args.check)?);
    ensure!(
        !args.check || changed.is_empty(),
        "{} do not show what docs/results says; run `cargo xtask report`",
        changed.join(", ")
    );
    for path in changed {
        page::say(format!("wrote {path}"));
    }
    Ok(())
}

/// Shows the page at an address until the process ends.
fn serve(address: SocketAddr, out: &Path) -> Result<()> {
    let server = Server::bind(address, out)?;
    page::say(format!(
        "http://{}/ shows {}; Ctrl-C ends it",
        server.address(),
        out.display()
    ));
    if !address.ip().is_loopback() {
        page::say("warning: every machine that reaches this address can read the runs");
    }
    let out = out.to_owned();
    server.run(move || {
        let results = page::results(&out)?;
        Ok(page::page(&results, &out))
    })?;
    Ok(())
}

/// What was run of an experiment that is to be taken.
fn records_of<'a>(id: &str, scale: Scale, results: &'a [Results]) -> Result<&'a Results> {
    if let Some(found) = find(id, scale, results) {
        return Ok(found);
    }
    if results.is_empty() {
        bail!(
            "--take {id}: there are no records at all in the folder of the runs; give it with --out"
        );
    }
    let known = results
        .iter()
        .map(|r| format!("{} {}", r.exhibit.id, r.scale));
    bail!(
        "--take {id}: there are no records of it at scale {scale}; there are {}",
        known.collect::<Vec<_>>().join(", ")
    );
}

/// Joins the records of an experiment with the kept ones: of rows and seeds that were not run, what is kept stays.
fn take(found: &Results, kept: &Path) -> Result<()> {
    let path = record_file(kept, found.exhibit.id, found.scale);
    let old = match path.exists() {
        true => read_records(&path)?,
        false => Vec::new(),
    };
    let old: Vec<Record> = old.into_iter().filter(shared::is_own).collect();
    let new = &found.records;
    // A row on other data is another row to `merge`, and here the same one.
    let is_kept = |old: &&Record| {
        let mut same = new.iter().filter(|new| is_same_row(old, new));
        same.all(|new| new.dataset == old.dataset)
    };
    let records = merge(old.iter().filter(is_kept).chain(new).cloned());
    for old in &old {
        let now = records.iter().find(|now| is_same_row(old, now));
        let lost = |seed: &&u64| now.is_none_or(|now| !now.seeds.contains(seed));
        if let Some(seed) = old.seeds.iter().find(lost) {
            page::say(format!(
                "{} {}, {}: what was kept of seed {seed} has other settings and is left out",
                old.id, old.model, old.quantity
            ));
        }
    }
    write_records(&path, &records)?;
    page::say(format!("wrote {}", path.display()));
    Ok(())
}

fn is_same_row(a: &Record, b: &Record) -> bool {
    (&a.id, &a.model, &a.quantity) == (&b.id, &b.model, &b.quantity)
}

fn find<'a>(id: &str, scale: Scale, results: &'a [Results]) -> Option<&'a Results> {
    let mut results = results.iter();
    results.find(|r| r.exhibit.id == id && r.scale == scale)
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
    for figure in found.pictures(out, &page::warn) {
        let name = figure.file.rsplit('/').next().unwrap_or_default();
        let place = kept.join(format!("{}-{scale}-{name}", id.replace('/', "-")));
        write_file(&place, figure.png())?;
        page::say(format!("wrote {}", place.display()));
    }
    Ok(())
}
