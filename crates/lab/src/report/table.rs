//! Tables for the terminal, for Markdown and for the page, and the table "paper | measured".

use std::collections::BTreeSet;

use super::{Claim, Mark, Record};
use crate::train::{Outcome, duration};

/// How a column's cells line up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table of text cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new<'a>(columns: impl IntoIterator<Item = (&'a str, Align)>) -> Self {
        let columns = columns.into_iter();
        Self {
            columns: columns
                .map(|(name, align)| (name.to_owned(), align))
                .collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; missing cells stay empty and cells beyond the last column are dropped.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut cells: Vec<String> = cells.into_iter().collect();
        cells.resize(self.columns.len(), String::new());
        self.rows.push(cells);
    }

    /// The paper's numbers beside the measured ones, one row a claim, in the order of `claims`.
    ///
    /// A claim without a record is `not run`; a record without a claim has its row at the end.
    /// Several records of one row (different seeds) should be joined by [`super::merge`] first.
    ///
    /// ```
    /// use lab::report::{Claim, Mark, Record, Scale, Table};
    /// let claim = Claim::new("paper/table1", "Net", "test error", "%").value(9.08, Mark::Verified);
    /// let record = Record::new(&claim, "digits", Scale::Quick).value(0, Some(10.0)).value(1, Some(11.0));
    /// let table = Table::of_claims(&[claim], &[record]);
    /// assert!(table.to_markdown().contains("| Net | 9.08 | 10.50 ± 0.71 | 2 |"));
    /// ```
    pub fn of_claims(claims: &[Claim], records: &[Record]) -> Self {
        let pair = |model: &str, quantity: &str| (model.to_owned(), quantity.to_owned());
        let mut rows: Vec<(String, String)> = Vec::new();
        let of_claims = claims.iter().map(|c| pair(&c.model, &c.quantity));
        for row in of_claims.chain(records.iter().map(|r| pair(&r.model, &r.quantity))) {
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
        let quantities: BTreeSet<&str> = rows.iter().map(|(_, q)| q.as_str()).collect();
        let has_parameters = records.iter().any(|record| record.parameters.is_some());
        let mut columns = vec![("model", Align::Left)];
        columns.extend((quantities.len() > 1).then_some(("quantity", Align::Left)));
        columns.extend(has_parameters.then_some(("parameters", Align::Right)));
        columns.extend(["paper", "measured", "runs", "time"].map(|name| (name, Align::Right)));
        let mut table = Self::new(columns);
        for (model, quantity) in &rows {
            let claim = claims
                .iter()
                .find(|c| &c.model == model && &c.quantity == quantity);
            let record = records
                .iter()
                .find(|r| &r.model == model && &r.quantity == quantity);
            let mut cells = vec![model.clone()];
            cells.extend((quantities.len() > 1).then(|| quantity.clone()));
            if has_parameters {
                let count = record.and_then(|record| record.parameters);
                cells.push(count.map_or("-".to_owned(), grouped));
            }
            cells.push(claim.map_or("-".to_owned(), paper));
            cells.push(record.map_or("not run".to_owned(), measured));
            cells.push(record.map_or("0".to_owned(), |record| record.n().to_string()));
            let seconds = record.and_then(|record| record.wall_seconds);
            cells.push(seconds.map_or("-".to_owned(), duration));
            table.row(cells);
        }
        table
    }

    /// Columns of equal width, divided by two spaces.
    pub fn to_text(&self) -> String {
        let names: Vec<String> = self.columns.iter().map(|(name, _)| name.clone()).collect();
        let width = |column: usize| {
            let cells = std::iter::once(&names).chain(&self.rows);
            cells
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..names.len()).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&self.columns).zip(&widths);
            let cells = cells.map(|((cell, (_, align)), &w)| match align {
                Align::Left => format!("{cell:<w$}"),
                Align::Right => format!("{cell:>w$}"),
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
        };
        std::iter::once(&names)
            .chain(&self.rows)
            .map(line)
            .collect()
    }

    /// A Markdown table.
    pub fn to_markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let escaped = |cell: &String| cell.replace('|', "\\|");
        let names = self.columns.iter().map(|(name, _)| escaped(name)).collect();
        let rule = self.columns.iter().map(|(_, align)| match align {
            Align::Left => ":--",
            Align::Right => "--:",
        });
        let rule = format!("|{}|\n", rule.collect::<Vec<_>>().join("|"));
        let rows = self
            .rows
            .iter()
            .map(|row| line(row.iter().map(escaped).collect()));
        line(names) + &rule + &rows.collect::<String>()
    }

    /// The columns' names and whether their cells are numbers, for the page's template.
    pub(super) fn columns(&self) -> impl Iterator<Item = (&str, bool)> {
        let columns = self.columns.iter();
        columns.map(|(name, align)| (name.as_str(), *align == Align::Right))
    }

    /// The rows.
    pub(super) fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }
}

/// What a reader of [`Table::of_claims`] must know: data, scale, machine, signs, deviations.
pub fn legend(claims: &[Claim], records: &[Record]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut add = |line: String| {
        if !lines.contains(&line) {
            lines.push(line);
        }
    };
    for record in records {
        add(format!(
            "Measured on {}, scale {}.",
            record.dataset, record.scale
        ));
    }
    let sources: BTreeSet<&str> = claims.iter().map(|c| c.source.as_str()).collect();
    for source in sources.into_iter().filter(|source| !source.is_empty()) {
        add(format!("Paper: {source}."));
    }
    let quantities = claims.iter().map(|c| (&c.quantity, &c.unit));
    for (quantity, unit) in quantities {
        add(match unit.as_str() {
            "" => format!("Numbers are: {quantity}."),
            unit => format!("Numbers are: {quantity} in {unit}."),
        });
    }
    for mark in [
        Mark::FromMemory,
        Mark::Computed,
        Mark::Unknown,
        Mark::Absent,
    ] {
        if claims.iter().any(|claim| claim.mark == mark) {
            add(format!("{}.", mark.meaning()));
        }
    }
    for note in records.iter().flat_map(|record| &record.notes) {
        add(note.clone());
    }
    for record in records.iter().filter(|record| !record.date.is_empty()) {
        add(format!(
            "{}; {}.",
            record.environment.summary(),
            record.date
        ));
    }
    lines
}

/// The paper's number with its sign.
fn paper(claim: &Claim) -> String {
    match claim.value {
        Some(value) => format!("{}{}", number(value), claim.mark.sign()),
        None if claim.mark == Mark::Unknown => Mark::Unknown.sign().to_owned(),
        None => "-".to_owned(),
    }
}

/// Mean and spread of the seeds, and how many of them failed.
fn measured(record: &Record) -> String {
    let mean = record.mean().map_or("no number".to_owned(), number);
    let spread = record
        .spread()
        .map_or(String::new(), |s| format!(" ± {}", number(s)));
    let count = |wanted: Outcome| record.outcomes.iter().filter(|&&o| o == wanted).count();
    let failures = [
        (Outcome::DeadStart, "dead start"),
        (Outcome::Interrupted, "interrupted"),
    ];
    let failures = failures.map(|(outcome, name)| match count(outcome) {
        0 => String::new(),
        n => format!(" ({n} {name})"),
    });
    format!("{mean}{spread}{}", failures.concat())
}

/// A number with as many decimals as say something.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => format!("{value:.0}"),
        size if size >= 0.1 || size == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.2e}"),
    }
}

/// 1369738 as 1,369,738.
pub fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Scale;

    fn claim(model: &str, value: f64, mark: Mark) -> Claim {
        Claim::new("p/t", model, "test error", "%")
            .value(value, mark)
            .source("Table 1")
    }

    #[test]
    fn every_claim_has_its_row() {
        let claims = [
            claim("A", 9.08, Mark::Verified),
            claim("B", 7.25, Mark::FromMemory),
        ];
        let mut record = Record::new(&claims[1], "digits", Scale::Quick).value(3, Some(88.5));
        record.parameters = Some(1_369_738);
        record.outcomes = vec![Outcome::DeadStart];
        let other = Record {
            model: "C".to_owned(),
            ..record.clone()
        };
        let text = Table::of_claims(&claims, &[record.clone(), other]).to_text();
        let lines: Vec<Vec<&str>> = text
            .lines()
            .map(|line| {
                line.split("  ")
                    .map(str::trim)
                    .filter(|cell| !cell.is_empty())
                    .collect()
            })
            .collect();
        assert_eq!(lines[1], ["A", "-", "9.08", "not run", "0", "-"]);
        assert_eq!(
            lines[2],
            [
                "B",
                "1,369,738",
                "7.25~",
                "88.50 (1 dead start)",
                "1",
                "0.0 s"
            ]
        );
        assert_eq!(lines[3][..3], ["C", "1,369,738", "-"]);
        let legend = legend(&claims, &[record]);
        assert!(
            legend.contains(&"Measured on digits, scale quick.".to_owned()),
            "{legend:?}"
        );
        assert!(
            legend.iter().any(|line| line.starts_with("~: from memory")),
            "{legend:?}"
        );
    }

    #[test]
    fn a_column_for_the_quantity_if_there_are_several() {
        let claims = [
            claim("A", 1.0, Mark::Verified),
            Claim::new("p/t", "A", "epochs", "").value(12.0, Mark::Computed),
        ];
        let text = Table::of_claims(&claims, &[]).to_markdown();
        assert!(
            text.contains("| A | test error | 1.00 | not run | 0 | - |"),
            "{text}"
        );
        assert!(text.contains("| A | epochs | 12.00= | not run"), "{text}");
    }

    #[test]
    fn numbers() {
        assert_eq!(
            [0.0, 0.012, 0.5, 12.345, 1234.5].map(number),
            ["0.00", "1.20e-2", "0.50", "12.35", "1234"]
        );
        assert_eq!(
            [7, 999, 1000, 1_369_738].map(grouped),
            ["7", "999", "1,000", "1,369,738"]
        );
    }

    #[test]
    fn cells_cannot_break_the_table() {
        let mut table = Table::new([("a", Align::Left), ("b", Align::Right)]);
        table.row(["x|y".to_owned()]);
        assert_eq!(table.to_markdown(), "| a | b |\n|:--|--:|\n| x\\|y |  |\n");
    }
}
