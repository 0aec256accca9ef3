//! Results from records: tables for the terminal and `report.md`.
//!
//! Everything is read back from the folder of the runs, so the page shows earlier runs as well.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use lab::report::{
    Claim, Figure, History, Judged, Record, ReportError, Scale, Table, Terminal, escaped, legend,
    verdict_lines,
};

use crate::experiment::Experiment;

/// What was measured of one experiment at one scale.
pub(crate) struct Results {
    pub(crate) experiment: &'static Experiment,
    pub(crate) scale: Scale,
    pub(crate) records: Vec<Record>,
    /// The runs, for their learning curves.
    pub(crate) runs: Vec<History>,
    /// The pictures' files.
    pub(crate) figures: Vec<PathBuf>,
}

impl Results {
    /// The heading.
    pub(crate) fn title(&self) -> String {
        format!(
            "{}: {} (scale {})",
            self.experiment.id, self.experiment.title, self.scale
        )
    }

    /// What the paper claims, and what was seen.
    pub(crate) fn judged(&self) -> Vec<Judged> {
        Judged::all(self.experiment.findings, &self.records)
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

    /// Title, tables, notes and verdicts as the terminal shows them.
    pub(crate) fn to_text(&self) -> String {
        let terminal = Terminal::stdout();
        let tables = self.tables();
        let tables: Vec<String> = tables.iter().map(|t| t.to_text_on(&terminal)).collect();
        format!(
            "{}\n\n{}\n{}\n{}",
            self.title(),
            tables.join("\n"),
            self.notes().join("\n"),
            verdict_lines(self.experiment.id, &self.judged(), &terminal)
        )
    }

    /// Tables and notes as Markdown, without a heading.
    pub(crate) fn to_markdown(&self) -> String {
        let mut text = String::new();
        for table in self.tables() {
            let _ = writeln!(text, "{}", table.to_markdown());
        }
        let notes: Vec<String> = self.notes().iter().map(|note| escaped(note)).collect();
        text + &notes.join("\n") + "\n"
    }

    /// The pictures; one that is none is left out with a warning.
    pub(crate) fn pictures(&self, out: &Path) -> Vec<Figure> {
        let read = |path: &PathBuf| {
            let shown = path.strip_prefix(out).ok();
            let shown = shown.or(path.file_name().map(Path::new)).unwrap_or(path);
            kept(Figure::read(path, shown.to_string_lossy()))
        };
        self.figures.iter().filter_map(read).collect()
    }
}

/// A value, or a warning that it is left out: what is wrong with one file is no reason to lose the others.
pub(crate) fn kept<T>(value: Result<T, ReportError>) -> Option<T> {
    value
        .map_err(|error| eprintln!("warning: {error}; left out of the report"))
        .ok()
}
