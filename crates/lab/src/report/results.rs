//! Results from records: tables for the terminal, for documents and for `report.md`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::{
    Claim, Figure, Finding, History, Judged, Mark, Record, ReportError, Scale, Table, Terminal,
    Verdict, address, conditions, escaped, legend, signs, verdict_lines, write_file,
};
use super::{Page, Section};

/// A table or figure of a paper, as far as a report shows it.
#[derive(Clone, Debug)]
pub struct Exhibit {
    /// `paper/item`, such as `nin/table4`.
    pub id: &'static str,
    /// The paper's title.
    pub paper: &'static str,
    /// One line on what it shows.
    pub title: &'static str,
    /// The paper's numbers, row by row.
    pub claims: Vec<Claim>,
    /// What the paper claims of its rows.
    pub findings: &'static [Finding],
}

/// What was measured of one experiment at one scale.
///
/// ```
/// use lab::report::{Claim, Exhibit, Mark, Record, Results, Scale};
/// let claim = Claim::new("nin/table4", "NIN", "test error", "%").value(0.47, Mark::Verified);
/// let records = vec![Record::new(&claim, "MNIST", Scale::Quick).value(0, Some(1.5))];
/// let exhibit = Exhibit {
///     id: "nin/table4",
///     paper: "Network In Network",
///     title: "MNIST",
///     claims: vec![claim],
///     findings: &[],
/// };
/// let results = Results::new(&exhibit, Scale::Quick, records);
/// assert_eq!(results.title(), "nin/table4: MNIST (scale quick)");
/// assert!(results.to_markdown().contains("0.47"));
/// ```
#[derive(Clone, Debug)]
pub struct Results {
    /// What was measured.
    pub exhibit: Exhibit,
    /// How much of the paper's experiment.
    pub scale: Scale,
    /// The records, those of several seeds as one.
    pub records: Vec<Record>,
    /// The runs, for their learning curves.
    pub runs: Vec<History>,
    /// The pictures' files.
    pub figures: Vec<PathBuf>,
}

impl Results {
    /// Records alone, without the history of their runs and without figures.
    pub fn new(exhibit: &Exhibit, scale: Scale, records: Vec<Record>) -> Self {
        Self {
            exhibit: exhibit.clone(),
            scale,
            records,
            runs: Vec::new(),
            figures: Vec::new(),
        }
    }

    /// The heading.
    pub fn title(&self) -> String {
        format!(
            "{}: {} (scale {})",
            self.exhibit.id, self.exhibit.title, self.scale
        )
    }

    /// What the paper claims, and what was seen.
    pub fn judged(&self) -> Vec<Judged> {
        Judged::all(self.exhibit.findings, &self.records)
    }

    /// One table for each data set.
    pub fn tables(&self) -> Vec<Table> {
        self.tables_of(&self.exhibit.claims)
    }

    /// The records of a claim's row and quantity.
    fn measured<'a>(&'a self, claim: &'a Claim) -> impl Iterator<Item = &'a Record> {
        let same = |r: &&Record| r.model == claim.model && r.quantity == claim.quantity;
        self.records.iter().filter(same)
    }

    fn tables_of(&self, claims: &[Claim]) -> Vec<Table> {
        let of = |dataset: &&str| {
            let records: Vec<Record> = self
                .records
                .iter()
                .filter(|r| r.dataset == **dataset)
                .cloned()
                .collect();
            // One experiment with rows on several sets: a row belongs to the set that it was measured on.
            let of_this_set = |claim: &&Claim| {
                let mut sets = self
                    .measured(claim)
                    .map(|record| &record.dataset)
                    .peekable();
                sets.peek().is_none() || sets.any(|set| set == dataset)
            };
            let claims: Vec<Claim> = claims.iter().filter(of_this_set).cloned().collect();
            Table::of_some_claims(&claims, &records, &self.exhibit.claims)
        };
        self.datasets().iter().map(of).collect()
    }

    /// What a reader of the tables must know.
    pub fn notes(&self) -> Vec<String> {
        legend(&self.exhibit.claims, &self.records)
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
    pub fn to_text(&self) -> String {
        let terminal = Terminal::stdout();
        let tables = self.tables();
        let tables: Vec<String> = tables.iter().map(|t| t.to_text_on(&terminal)).collect();
        format!(
            "{}\n\n{}\n{}\n{}",
            self.title(),
            tables.join("\n"),
            self.notes().join("\n"),
            verdict_lines(self.exhibit.id, &self.judged(), &terminal)
        )
    }

    /// Tables, claims and notes as Markdown, without a heading; how the runs differ from the paper's is folded.
    pub fn to_markdown(&self) -> String {
        let mut text = String::new();
        let (run, not_run): (Vec<Claim>, Vec<Claim>) = self
            .exhibit
            .claims
            .iter()
            .cloned()
            .partition(|claim| self.measured(claim).next().is_some());
        for table in self.tables_of(&run) {
            let _ = writeln!(text, "{}", table.to_markdown());
        }
        if let Some(line) = Table::in_a_line(&not_run, &self.exhibit.claims) {
            let _ = writeln!(text, "{line}\n");
        }
        text += &claims_lines(&self.judged());
        for sign in signs(&self.exhibit.claims, &self.records) {
            let _ = writeln!(text, "{}", escaped(&sign));
        }
        let conditions = conditions(&self.records);
        if !conditions.is_empty() {
            // A table of ours has no runs of a paper to differ from.
            let is_ours = self.exhibit.claims.iter().all(|c| c.mark == Mark::Absent);
            let heading = match is_ours {
                true => "How these networks were trained, and where they ran",
                false => "How these runs differ from the paper's, and where they ran",
            };
            let _ = writeln!(text, "\n<details><summary>{heading}</summary>\n");
            for point in conditions {
                let _ = writeln!(text, "- {}", escaped(&point));
            }
            text += "\n</details>\n";
        }
        text
    }

    /// The pictures, named from `out`; one that is none is left out with a warning.
    pub fn pictures(&self, out: &Path, warn: Warn<'_>) -> Vec<Figure> {
        let read = |path: &PathBuf| {
            let shown = path.strip_prefix(out).ok();
            let shown = shown.or(path.file_name().map(Path::new)).unwrap_or(path);
            kept(Figure::read(path, shown.to_string_lossy()), warn)
        };
        self.figures.iter().filter_map(read).collect()
    }

    /// These results as a section of the page.
    fn section(&self, out: &Path, warn: Warn<'_>) -> Section {
        Section {
            scale: Some(self.scale),
            claims: self.exhibit.claims.clone(),
            judged: self.judged(),
            records: self.records.clone(),
            runs: self.runs.clone(),
            figures: self.pictures(out, warn),
            ..Section::of(&self.exhibit)
        }
    }
}

/// The paper's claims in Markdown: a point for each that was judged, and one for those whose rows were not run.
fn claims_lines(judged: &[Judged]) -> String {
    let mut text = String::new();
    let mut open: Vec<String> = Vec::new();
    for judged in judged {
        let sentence = escaped(judged.finding.sentence.trim_end_matches('.'));
        for judgement in &judged.judgements {
            match judgement.verdict {
                Verdict::NotRun => open.push(match judged.finding.mark {
                    Mark::FromMemory => format!("{sentence} (from memory)"),
                    _ => sentence.clone(),
                }),
                _ => {
                    let (by, words) = (judged.finding.by(), judgement.words());
                    let _ = writeln!(text, "- {by}: {sentence}: **{words}**.");
                }
            }
        }
    }
    if !open.is_empty() {
        let open = open.join("; ");
        let _ = writeln!(text, "- Not judged, since rows were not run: {open}.");
    }
    if !judged.is_empty() {
        text.push('\n');
    }
    text
}

/// Is told of a file that is left out of a report.
pub type Warn<'a> = &'a dyn Fn(&ReportError);

/// A value, or a warning that it is left out: what is wrong with one file is no reason to lose the others.
pub(super) fn kept<T>(value: Result<T, ReportError>, warn: Warn<'_>) -> Option<T> {
    value.map_err(|error| warn(&error)).ok()
}

impl Section {
    /// A section on which nothing was measured.
    fn of(exhibit: &Exhibit) -> Self {
        Self {
            id: exhibit.id.to_owned(),
            paper: exhibit.paper.to_owned(),
            title: exhibit.title.to_owned(),
            ..Self::default()
        }
    }
}

impl Page {
    /// Every exhibit at every scale that it has results at, and what is claimed of those that have none.
    ///
    /// `out` is the folder of the runs; a picture that cannot be read is left out with a warning.
    pub fn of_results(
        (title, made_by): (&str, &str),
        exhibits: &[Exhibit],
        results: &[Results],
        out: &Path,
        warn: Warn<'_>,
    ) -> Self {
        let mut sections = Vec::new();
        for exhibit in exhibits {
            let mine = results.iter().filter(|r| r.exhibit.id == exhibit.id);
            let before = sections.len();
            sections.extend(mine.map(|result| result.section(out, warn)));
            if sections.len() == before && !exhibit.findings.is_empty() {
                sections.push(Section {
                    judged: Judged::all(exhibit.findings, &[]),
                    ..Section::of(exhibit)
                });
            }
        }
        Self {
            title: title.to_owned(),
            made_by: made_by.to_owned(),
            sections,
        }
    }

    /// Writes the page as `index.html` and its results as `report.md` to `out`; gives the path of the page.
    ///
    /// # Errors
    /// A folder that cannot be written to.
    pub fn write(
        &self,
        results: &[Results],
        out: &Path,
        warn: Warn<'_>,
    ) -> Result<PathBuf, ReportError> {
        let mut markdown = String::from("# Results\n");
        for result in results {
            let title = escaped(&result.title());
            let _ = write!(markdown, "\n## {title}\n\n{}", result.to_markdown());
            for figure in result.pictures(out, warn) {
                let (caption, file) = (escaped(&figure.caption), address(&figure.file));
                let _ = write!(markdown, "\n![{caption}]({file})\n");
            }
        }
        write_file(&out.join("report.md"), markdown.as_bytes())?;
        let html = out.join("index.html");
        write_file(&html, self.to_html()?.as_bytes())?;
        Ok(html)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Relation;

    #[test]
    fn claims_without_runs_share_a_line() {
        let finding =
            |sentence| Finding::of_error(sentence, "Table 1", Relation::Falls(&["A", "B"]));
        let findings = [
            finding("B errs *less*."),
            finding("So it does."),
            finding("It is said.").remembered(),
        ];
        assert_eq!(
            claims_lines(&Judged::all(&findings, &[])),
            "- Not judged, since rows were not run: B errs \\*less\\*; So it does; \
             It is said (from memory).\n\n"
        );
    }

    #[test]
    fn claims_say_whose_they_are() {
        let finding = |source| {
            Finding::of_error(
                "B errs less.",
                source,
                Relation::AtMost {
                    row: "B",
                    limit: 9.0,
                },
            )
        };
        let claim = Claim::new("p/t", "B", "test error", "%");
        let record = Record::new(&claim, "digits", Scale::Quick).value(0, Some(5.0));
        let findings = [
            finding("Table 1"),
            finding("Table 2").remembered(),
            finding(Finding::OURS),
        ];
        let judged = Judged::all(&findings, &[record]);
        let whose = ["The paper", "The paper (from memory)", "This project"];
        let lines =
            whose.map(|by| format!("- {by}: B errs less: **holds (one run, noise unknown)**.\n"));
        assert_eq!(claims_lines(&judged), lines.concat() + "\n");
    }
}
