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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Scale;

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
