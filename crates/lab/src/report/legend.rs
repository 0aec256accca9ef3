//! What a reader of a table must know.

use std::collections::BTreeSet;

use super::{Claim, Mark, Record};

/// What a reader of [`super::Table::of_claims`] must know: data, scale, machine, signs, deviations.
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
    grouped_notes(records).into_iter().for_each(&mut add);
    for record in records.iter().filter(|record| !record.date.is_empty()) {
        add(format!(
            "{}; {}.",
            record.environment.summary(),
            record.date
        ));
    }
    lines
}

/// The notes of all records; one that not all rows have is told once, after the names of its rows.
fn grouped_notes(records: &[Record]) -> Vec<String> {
    let mut groups: Vec<(Vec<&str>, Vec<&str>)> = Vec::new();
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
    let line = |(models, notes): (Vec<&str>, Vec<&str>)| match models.is_empty() {
        true => notes.join(" "),
        false => format!("{}: {}", models.join("; "), notes.join(" ")),
    };
    groups.into_iter().map(line).collect()
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
            grouped_notes(&records),
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
