//! The page of all results.

use std::fmt::Display;
use std::io::{Write, stderr};
use std::path::{Path, PathBuf};

use lab::report::{Exhibit, Page, ReportError, Results, gather};

use crate::catalog;

/// The papers by their crates.
const PAPERS: [(&str, &str); 5] = [
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
    ("components", "The parts together (of no paper)"),
];

/// Every experiment as reports show it.
pub(crate) fn exhibits() -> Vec<Exhibit> {
    catalog::all()
        .map(|experiment| Exhibit {
            id: experiment.id,
            paper: paper(experiment.id),
            title: experiment.title,
            claims: experiment.claims(),
            findings: experiment.findings,
        })
        .collect()
}

/// All results below the folder of the runs.
pub(crate) fn results(out: &Path) -> Result<Vec<Results>, ReportError> {
    gather(out, &exhibits(), &warn)
}

/// Writes `report.md` and `index.html` with these results to `out`, and gives the page's path.
pub(crate) fn write(out: &Path, results: &[Results]) -> Result<PathBuf, ReportError> {
    page(results, out).write(results, out, &warn)
}

/// The page: every experiment at every scale that it was run at, and what is claimed of those that were not.
pub(crate) fn page(results: &[Results], out: &Path) -> Page {
    let now = chrono::Utc::now().format("%Y-%m-%d %H:%M UTC");
    let made_by = format!("striate {}, {now}", env!("CARGO_PKG_VERSION"));
    let heading = ("striate: results", made_by.as_str());
    Page::of_results(heading, &exhibits(), results, out, &warn)
}

/// Says that a damaged file is left out of the report.
pub(crate) fn warn(error: &ReportError) {
    say(format!("warning: {error}; left out of the report"));
}

/// A line on standard error, where nobody may be left to read it: the work goes on without a reader.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(stderr(), "{line}");
}

fn paper(id: &'static str) -> &'static str {
    let name = id.split('/').next().unwrap_or_default();
    let known = PAPERS.iter().find(|(paper, _)| *paper == name);
    known.map_or(name, |(_, title)| title)
}
