//! Tables for the terminal and for Markdown, and the table "paper | measured".

use std::collections::BTreeSet;

use console::{Alignment, pad_str, truncate_str};

use super::markdown::escaped;
use super::number::{grouped, number, with_spread};
use super::terminal::{columns, shown};
use super::{Claim, Mark, Record, Terminal};
use crate::train::{Outcome, duration};

/// A column of words is not cut below this many characters.
const WORDS: usize = 12;

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
    /// Errors on the training images have a column where a record has them, and epochs where they are not the same for all records.
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
        Self::of_some_claims(claims, records, claims)
    }

    /// The same for some of all claims, which have as many decimals as all have.
    pub(super) fn of_some_claims(claims: &[Claim], records: &[Record], all: &[Claim]) -> Self {
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
        let mut headings = vec![("model", Align::Left)];
        headings.extend((quantities.len() > 1).then_some(("quantity", Align::Left)));
        headings.extend(has_parameters.then_some(("parameters", Align::Right)));
        let epochs: BTreeSet<usize> = records
            .iter()
            .map(|r| r.epochs)
            .filter(|&n| n > 0)
            .collect();
        let has_epochs = epochs.len() > 1;
        headings.extend(["paper", "measured"].map(|name| (name, Align::Right)));
        let has_training = records.iter().any(|r| r.train_error().is_some());
        headings.extend(has_training.then_some(("training", Align::Right)));
        headings.extend(has_epochs.then_some(("epochs", Align::Right)));
        headings.extend(["runs", "time"].map(|name| (name, Align::Right)));
        let mut table = Self::new(headings);
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
            cells.push(claim.map_or("-".to_owned(), |claim| paper(claim, all)));
            let measured = |record| measured(record, !has_epochs);
            cells.push(record.map_or("not run".to_owned(), measured));
            if has_training {
                let error = record.and_then(Record::train_error);
                cells.push(error.map_or(String::new(), number));
            }
            if has_epochs {
                let epochs = record.map(|record| record.epochs).filter(|&n| n > 0);
                cells.push(epochs.map_or("-".to_owned(), grouped));
            }
            cells.push(record.map_or("0".to_owned(), |record| record.n().to_string()));
            let seconds = record.and_then(|record| record.wall_seconds);
            cells.push(seconds.map_or("-".to_owned(), duration));
            table.row(cells);
        }
        table
    }

    /// What was not run, of all claims, in a line: rows and, where there are any, the paper's numbers; `None` if all was run.
    pub(super) fn in_a_line(not_run: &[Claim], all: &[Claim]) -> Option<String> {
        let several = not_run
            .iter()
            .any(|claim| claim.quantity != not_run[0].quantity);
        let row = |claim: &Claim| {
            let quantity = if several {
                format!(", {}", claim.quantity)
            } else {
                String::new()
            };
            let number = match is_in_paper(claim) {
                true => format!(" {}", paper(claim, all)),
                false => String::new(),
            };
            escaped(&format!("{}{quantity}{number}", claim.model))
        };
        let rows: Vec<String> = not_run.iter().map(row).collect();
        let beside = match not_run.iter().any(is_in_paper) {
            true => ", with the paper's numbers",
            false => "",
        };
        (!rows.is_empty()).then(|| format!("Not run{beside}: {}.", rows.join("; ")))
    }

    /// Columns of equal width, divided by two spaces, at full length.
    pub fn to_text(&self) -> String {
        self.to_text_on(&Terminal::PLAIN)
    }

    /// The same within the width of a terminal: the widest column of words is cut first, then lines are.
    pub fn to_text_on(&self, terminal: &Terminal) -> String {
        let names = self.columns.iter().map(|(name, _)| name);
        let names: Vec<String> = names.map(|name| shown(name)).collect();
        let rows = self.rows.iter();
        let rows: Vec<Vec<String>> = rows
            .map(|row| row.iter().map(|cell| shown(cell)).collect())
            .collect();
        let all = || std::iter::once(&names).chain(&rows);
        let width = |column: usize| all().map(|row| columns(&row[column])).max().unwrap_or(0);
        let mut widths: Vec<usize> = (0..names.len()).map(width).collect();
        self.narrow(&mut widths, terminal);
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&self.columns).zip(&widths);
            let cells = cells.map(|((cell, (_, align)), &width)| {
                let cell = truncate_str(cell, width, "…");
                let alignment = match align {
                    Align::Left => Alignment::Left,
                    Align::Right => Alignment::Right,
                };
                pad_str(&cell, width, alignment, None).into_owned()
            });
            let line = cells.collect::<Vec<_>>().join("  ");
            terminal.cut(line.trim_end()) + "\n"
        };
        all().map(line).collect()
    }

    /// Takes from the widest column of words what the terminal is too narrow for.
    fn narrow(&self, widths: &mut [usize], terminal: &Terminal) {
        let total = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
        let over = terminal
            .width
            .map_or(0, |width| total.saturating_sub(width));
        let words = self.columns.iter().enumerate();
        let words = words.filter(|(_, (_, align))| *align == Align::Left);
        if let Some((widest, _)) = words.max_by_key(|(column, _)| widths[*column]) {
            widths[widest] = widths[widest].min(widths[widest].saturating_sub(over).max(WORDS));
        }
    }

    /// A Markdown table.
    pub fn to_markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let names = self.columns.iter().map(|(name, _)| escaped(name)).collect();
        let rule = self.columns.iter().map(|(_, align)| match align {
            Align::Left => ":--",
            Align::Right => "--:",
        });
        let rule = format!("|{}|\n", rule.collect::<Vec<_>>().join("|"));
        let rows = self
            .rows
            .iter()
            .map(|row| line(row.iter().map(|cell| escaped(cell)).collect()));
        line(names) + &rule + &rows.collect::<String>()
    }
}

/// The paper's number with its sign, with as many decimals as the paper's numbers of this quantity have.
fn paper(claim: &Claim, claims: &[Claim]) -> String {
    let alike = claims
        .iter()
        .filter(|other| other.quantity == claim.quantity);
    let alike = alike.chain([claim]).filter_map(|other| other.value);
    let most = alike.map(decimals).max().unwrap_or(0);
    match claim.value {
        Some(value) if most <= 2 => format!("{value:.most$}{}", claim.mark.sign()),
        Some(value) => format!("{}{}", number(value), claim.mark.sign()),
        None if is_in_paper(claim) => Mark::Unknown.sign().to_owned(),
        None => "-".to_owned(),
    }
}

/// Decimals of a number that is written as short as possible.
fn decimals(value: f64) -> usize {
    let text = value.to_string();
    text.split_once('.')
        .map_or(0, |(_, decimals)| decimals.len())
}

/// Whether the paper has a number, known or not.
fn is_in_paper(claim: &Claim) -> bool {
    claim.value.is_some() || claim.mark == Mark::Unknown
}

/// Mean and spread of the seeds, epochs that are not the experiment's if they are to be told, and how many seeds failed.
fn measured(record: &Record, tells_epochs: bool) -> String {
    let mean = match (record.mean(), record.spread()) {
        (None, _) => "no number".to_owned(),
        (Some(mean), None) => number(mean),
        (Some(mean), Some(spread)) => with_spread(mean, spread),
    };
    let count = |wanted: Outcome| record.outcomes.iter().filter(|&&o| o == wanted).count();
    // Where no seed gave a number the mean says so.
    let without = record.mean().map_or(0, |_| record.failed());
    let failures = [
        (count(Outcome::DeadStart), "dead start"),
        (count(Outcome::Interrupted), "interrupted"),
        (without, "without a number"),
    ];
    let failures = failures.map(|(count, name)| match count {
        0 => String::new(),
        n => format!(" ({n} {name})"),
    });
    let epochs = record
        .given_epochs()
        .filter(|_| tells_epochs)
        .map_or(String::new(), |epochs| match epochs {
            1 => " (1 epoch)".to_owned(),
            epochs => format!(" ({epochs} epochs)"),
        });
    format!("{mean}{epochs}{}", failures.concat())
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
        let other = other.other_epochs(15);
        let text = Table::of_claims(&claims, &[record, other]).to_text();
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
            ["B", "1,369,738", "7.25~", "88.50 (1 dead start)", "1", "-"]
        );
        assert_eq!(
            lines[3][..4],
            ["C", "1,369,738", "-", "88.50 (15 epochs) (1 dead start)"]
        );
    }

    #[test]
    fn a_seed_without_a_number_is_told() {
        let claims = [claim("A", 9.08, Mark::Verified)];
        let record = Record::new(&claims[0], "digits", Scale::Quick).value(0, Some(5.0));
        let records = [record.value(1, None)];
        let text = Table::of_claims(&claims, &records).to_markdown();
        assert!(text.contains("| 5.00 (1 without a number) |"), "{text}");
    }

    #[test]
    fn a_column_for_the_quantity_if_there_are_several() {
        let claims = [
            claim("A", 1.0, Mark::Verified),
            Claim::new("p/t", "A", "epochs", "").value(12.0, Mark::Computed),
        ];
        let text = Table::of_claims(&claims, &[]).to_markdown();
        assert!(
            text.contains("| A | test error | 1 | not run | 0 | - |"),
            "{text}"
        );
        assert!(text.contains("| A | epochs | 12= | not run"), "{text}");
    }

    #[test]
    fn the_paper_s_numbers_have_its_decimals() {
        let claims = [10.2, 9.08].map(|value| claim("A", value, Mark::Verified));
        assert_eq!(
            claims.each_ref().map(|c| paper(c, &claims)),
            ["10.20", "9.08"]
        );
        assert_eq!(paper(&claims[0], &[]), "10.2");
        assert_eq!(paper(&claim("A", 0.0123, Mark::FromMemory), &[]), "0.0123~");
    }

    #[test]
    fn a_column_for_the_epochs_if_they_differ() {
        let claims = [
            claim("A", 9.08, Mark::Verified),
            claim("B", 7.25, Mark::FromMemory),
        ];
        let record = |claim: &Claim, epochs| Record {
            epochs,
            ..Record::new(claim, "digits", Scale::Quick).value(0, Some(5.0))
        };
        let other = record(&claims[1], 40).other_epochs(40);
        let text = Table::of_claims(&claims, &[record(&claims[0], 20), other]).to_markdown();
        assert!(text.contains("| A | 9.08 | 5.00 | 20 | 1 | - |"), "{text}");
        assert!(text.contains("| B | 7.25~ | 5.00 | 40 | 1 | - |"), "{text}");
        let same = [record(&claims[0], 20), record(&claims[1], 20)];
        assert!(
            !Table::of_claims(&claims, &same)
                .to_markdown()
                .contains("epochs")
        );
    }

    #[test]
    fn a_column_for_errors_on_training_images_if_a_record_has_them() {
        let claims = [
            claim("A", 9.08, Mark::Verified),
            claim("B", 7.25, Mark::Verified),
        ];
        let record = |claim: &Claim| Record::new(claim, "digits", Scale::Quick);
        let records = [
            Record {
                train_errors: vec![3.0, 4.0],
                ..record(&claims[0]).value(0, Some(5.0)).value(1, Some(5.0))
            },
            // Of one seed only: not the error of the row.
            Record {
                train_errors: vec![3.0],
                ..record(&claims[1]).value(0, Some(5.0)).value(1, Some(5.0))
            },
        ];
        let text = Table::of_claims(&claims, &records).to_markdown();
        assert!(
            text.contains("| model | paper | measured | training | runs |"),
            "{text}"
        );
        assert!(
            text.contains("| A | 9.08 | 5.00 ± 0.00 | 3.50 | 2 |"),
            "{text}"
        );
        assert!(text.contains("| B | 7.25 | 5.00 ± 0.00 |  | 2 |"), "{text}");
        let text = Table::of_claims(&claims, &records[1..]).to_markdown();
        assert!(!text.contains("training"), "{text}");
    }

    #[test]
    fn a_narrow_terminal_cuts_words_first() {
        let mut table = Table::new([("model", Align::Left), ("error", Align::Right)]);
        table.row(["A network with a long name".to_owned(), "9.08".to_owned()]);
        let on = |width| {
            let width = Some(width);
            table.to_text_on(&Terminal {
                width,
                colors: false,
            })
        };
        assert_eq!(
            on(24),
            "model              error\nA network with a…   9.08\n"
        );
        assert!(on(5).lines().all(|line| columns(line) <= 8));
        assert_eq!(on(80), table.to_text());
    }

    #[test]
    fn cells_cannot_break_the_table() {
        let mut table = Table::new([("a", Align::Left), ("b", Align::Right)]);
        table.row(["x|y".to_owned()]);
        assert_eq!(table.to_markdown(), "| a | b |\n|:--|--:|\n| x\\|y |  |\n");
    }
}
