//! What a reader of a table must know.

use std::collections::BTreeSet;

use super::{Claim, Mark, Record};

/// What a reader of [`super::Table::of_claims`] must know: data, scale, signs; then deviations and machine.
pub fn legend(claims: &[Claim], records: &[Record]) -> Vec<String> {
    let mut lines = signs(claims, records);
    for (models, notes) in grouped_notes(records) {
        let notes = notes.join(" ");
        lines.push(match models.is_empty() {
            true => notes,
            false => format!("{}: {notes}", models.join("; ")),
        });
    }
    lines.extend(machines(records));
    lines
}

/// How the runs differ from the paper's, a point each, and the machines that they ran on.
pub(super) fn conditions(records: &[Record]) -> Vec<String> {
    let mut points = Vec::new();
    for (models, notes) in grouped_notes(records) {
        match models.is_empty() {
            true => points.extend(notes.into_iter().map(str::to_owned)),
            false => points.push(format!("{}: {}", models.join("; "), notes.join(" "))),
        }
    }
    points.extend(machines(records));
    points
}

/// Machine and date of every record, each once.
fn machines(records: &[Record]) -> Vec<String> {
    let mut lines = Vec::new();
    for record in records.iter().filter(|record| !record.date.is_empty()) {
        let line = format!("{}; {}.", record.environment.summary(), record.date);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// Data, scale, the paper's place and what the signs mean.
pub(super) fn signs(claims: &[Claim], records: &[Record]) -> Vec<String> {
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
    let mut quantities: Vec<String> = Vec::new();
    for Claim { quantity, unit, .. } in claims {
        let text = match unit.as_str() {
            "" => quantity.clone(),
            unit => format!("{quantity} in {unit}"),
        };
        if !quantities.contains(&text) {
            quantities.push(text);
        }
    }
    if !quantities.is_empty() {
        add(format!("Numbers are: {}.", quantities.join("; ")));
    }
    if records.iter().any(|r| r.train_error().is_some()) {
        add("training: error in % on the training images in the last epoch, with dropout and augmentation; empty where it was not kept.".to_owned());
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
    lines
}

/// Rows, and what they have in common.
type Group<'a> = (Vec<&'a str>, Vec<&'a str>);

/// The notes of all records, each once with the names of its rows; no names if all rows have it.
fn grouped_notes(records: &[Record]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut notes: Vec<&String> = Vec::new();
    let models = |note: &String| {
        let mut models: Vec<&str> = Vec::new();
        for record in records.iter().filter(|record| record.notes.contains(note)) {
            if !models.contains(&record.model.as_str()) {
                models.push(&record.model);
            }
        }
        models
    };
    let of_all: Vec<&Record> = records.iter().filter(|r| !r.notes.is_empty()).collect();
    let has = |model: &str, note: &String| {
        let mut own = of_all.iter().filter(|record| record.model == model);
        own.all(|record| record.notes.contains(note))
    };
    for note in records.iter().flat_map(|record| &record.notes) {
        if notes.contains(&note) {
            continue;
        }
        notes.push(note);
        let everywhere = of_all.iter().all(|record| has(&record.model, note));
        let models = if everywhere { Vec::new() } else { models(note) };
        match groups.iter_mut().find(|(known, _)| *known == models) {
            Some((_, of_models)) => of_models.push(note),
            None => groups.push((models, vec![note])),
        }
    }
    // What all rows share comes first.
    groups.sort_by_key(|(models, _)| !models.is_empty());
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Scale;

    #[test]
    fn a_note_names_its_rows_unless_all_have_it() {
        let record = |model: &str, notes: &[&str]| Record {
            notes: notes.iter().map(|note| (*note).to_owned()).collect(),
            ..Record::new(
                &Claim::new("p/t", model, "error", "%"),
                "digits",
                Scale::Quick,
            )
        };
        let records = [
            record("A", &["6 epochs.", "small."]),
            record("B", &["8 epochs.", "small."]),
            record("C", &["8 epochs.", "wide.", "small."]),
        ];
        assert_eq!(
            conditions(&records),
            ["small.", "A: 6 epochs.", "B; C: 8 epochs.", "C: wide."]
        );
    }

    #[test]
    fn says_data_and_signs() {
        let claim = Claim::new("p/t", "A", "test error", "%").value(7.25, Mark::FromMemory);
        let record = Record::new(&claim, "digits", Scale::Quick).value(3, Some(88.5));
        let legend = legend(&[claim], &[record]);
        assert!(
            legend.contains(&"Measured on digits, scale quick.".to_owned()),
            "{legend:?}"
        );
        assert!(
            legend.iter().any(|line| line.starts_with("~: from memory")),
            "{legend:?}"
        );
    }
}
