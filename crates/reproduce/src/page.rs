//! The page of all results.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use lab::report::{Judged, Page, Record, Section, address, escaped, write_file};

use crate::catalog;
use crate::results::Results;

/// The papers by their crates.
const PAPERS: [(&str, &str); 4] = [
    (
        "allconv",
        "Striving for Simplicity: The All Convolutional Net (Springenberg et al. 2014)",
    ),
    ("nin", "Network In Network (Lin, Chen, Yan 2013)"),
    (
        "stn",
        "Spatial Transformer Networks (Jaderberg et al. 2015)",
    ),
    (
        "swwae",
        "Stacked What-Where Auto-encoders (Zhao et al. 2015)",
    ),
];

/// Writes `report.md` and `index.html` with all results below `out`, and gives the page's path.
pub(crate) fn write(out: &Path, results: &[Results]) -> Result<PathBuf> {
    let mut markdown = String::from("# Results\n");
    for result in results {
        let title = escaped(&result.title());
        let _ = write!(markdown, "\n## {title}\n\n{}", result.to_markdown());
        for figure in result.pictures(out) {
            let (caption, file) = (escaped(&figure.caption), address(&figure.file));
            let _ = write!(markdown, "\n![{caption}]({file})\n");
        }
    }
    let cure = || {
        format!(
            "cannot write the report to {}; choose another --out",
            out.display()
        )
    };
    write_file(&out.join("report.md"), markdown.as_bytes()).with_context(cure)?;
    let html = out.join("index.html");
    let page = page(results, out).to_html()?;
    write_file(&html, page.as_bytes()).with_context(cure)?;
    Ok(html)
}

/// The page: every experiment at every scale that it was run at, and what is claimed of those that were not.
pub(crate) fn page(results: &[Results], out: &Path) -> Page {
    let mut sections = Vec::new();
    for experiment in catalog::all() {
        let id = experiment.id;
        let mine = results.iter().filter(|result| result.experiment.id == id);
        let before = sections.len();
        sections.extend(mine.map(|result| section(result, out)));
        if sections.len() == before && !experiment.findings.is_empty() {
            sections.push(Section {
                id: id.to_owned(),
                paper: paper(id),
                title: experiment.title.to_owned(),
                judged: Judged::all(experiment.findings, &[]),
                ..Section::default()
            });
        }
    }
    Page {
        title: "striate: results".to_owned(),
        made_by: made_by(),
        sections,
    }
}

fn section(result: &Results, out: &Path) -> Section {
    let id = result.experiment.id;
    Section {
        id: id.to_owned(),
        paper: paper(id),
        title: result.experiment.title.to_owned(),
        scale: Some(result.scale),
        claims: result.experiment.claims(),
        judged: result.judged(),
        records: result.records.iter().map(Record::clone).collect(),
        notes: Vec::new(),
        runs: result.runs.clone(),
        figures: result.pictures(out),
    }
}

fn paper(id: &str) -> String {
    let name = id.split('/').next().unwrap_or_default();
    let known = PAPERS.iter().find(|(paper, _)| *paper == name);
    known.map_or(name, |(_, title)| title).to_owned()
}

fn made_by() -> String {
    let now = chrono::Utc::now().format("%Y-%m-%d %H:%M UTC");
    format!("striate {}, {now}", env!("CARGO_PKG_VERSION"))
}
