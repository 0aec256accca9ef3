//! Tables "paper | measured" for the terminal, Markdown and the page.

use std::fmt::Write as _;
use std::io::{Write as _, stdout};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::claim::Claim;
use crate::job::{Outcome, Settings};
use crate::record::Record;

const HEADER: [&str; 6] = ["network", "parameters", "paper", "measured", "runs", "time"];

/// Prints the tables and writes `report.md` and `index.html`.
pub(crate) fn report(outcomes: &[Outcome], settings: &Settings, wall: Duration) -> Result<()> {
    let mut markdown = String::from("# Results\n");
    let mut html = String::new();
    for outcome in outcomes {
        let title = format!(
            "{}: {}",
            outcome.experiment.id(),
            outcome.experiment.title()
        );
        let (notes, rows) = contents(outcome, settings);
        if !settings.json {
            writeln!(stdout(), "\n{title}\n{}", notes.join("\n"))?;
            if !rows.is_empty() {
                writeln!(stdout(), "\n{}", aligned(&rows))?;
            }
        }
        write!(markdown, "\n## {title}\n\n{}\n", notes.join("\n"))?;
        write!(
            html,
            "<h2>{}</h2><p>{}</p>",
            escape(&title),
            notes
                .iter()
                .map(|n| escape(n))
                .collect::<Vec<_>>()
                .join("<br>")
        )?;
        if !rows.is_empty() {
            write!(markdown, "\n{}", as_markdown(&rows))?;
            html.push_str(&as_html(&rows));
        }
    }
    let wall = format!(
        "Wall time {:.0} s on {} threads.",
        wall.as_secs_f64(),
        rayon::current_num_threads()
    );
    write!(markdown, "\n{wall}\n")?;
    let out = &settings.out;
    let cure = || {
        format!(
            "cannot write the report to {}; choose another --out",
            out.display()
        )
    };
    std::fs::create_dir_all(out).with_context(cure)?;
    std::fs::write(out.join("report.md"), markdown).with_context(cure)?;
    std::fs::write(out.join("index.html"), page(&html, &wall)).with_context(cure)?;
    if !settings.json {
        writeln!(
            stdout(),
            "\n{wall} Report: {}",
            out.join("index.html").display()
        )?;
    }
    Ok(())
}

/// Prints one record as a line of JSON.
pub(crate) fn print_json(record: &Record) -> Result<()> {
    Ok(writeln!(stdout(), "{}", serde_json::to_string(record)?)?)
}

type Rows = Vec<[String; 6]>;

/// What ran, as sentences, and the table.
fn contents(outcome: &Outcome, settings: &Settings) -> (Vec<String>, Rows) {
    let Some(first) = outcome.records.first() else {
        let reason = outcome
            .not_run
            .clone()
            .unwrap_or_else(|| "no run of it is in this shard".to_string());
        return (vec![format!("Not run: {reason}.")], Rows::new());
    };
    let conditions = outcome
        .jobs
        .iter()
        .filter_map(|job| job.claim)
        .map(|claim| claim.conditions)
        .next();
    let mut notes = vec![format!(
        "Measured on {} ({} training and {} test images) at scale {}; the paper's numbers are for {}.",
        first.data_set,
        first.train_images,
        first.test_images,
        first.scale,
        conditions.unwrap_or("no such run"),
    )];
    notes.push("Numbers are test errors in percent; (?) marks a paper's number that no source here confirms.".to_string());
    notes.extend(outcome.experiment.deviations(settings.scale));
    let rows = outcome.jobs.iter().map(|job| {
        let runs: Vec<&Record> = outcome
            .records
            .iter()
            .filter(|r| r.label == job.label)
            .collect();
        [
            job.label.clone(),
            runs.first().map_or("-".into(), |r| grouped(r.parameters)),
            job.claim.map_or("-".into(), paper),
            measured(&runs),
            runs.len().to_string(),
            match runs.is_empty() {
                true => "-".into(),
                false => format!("{:.0} s", runs.iter().map(|r| r.seconds).sum::<f64>()),
            },
        ]
    });
    (notes, rows.collect())
}

fn paper(claim: Claim) -> String {
    format!("{:.2}{}", claim.error, claim.mark.sign())
}

fn measured(runs: &[&Record]) -> String {
    let n = runs.len() as f64;
    if runs.is_empty() {
        return "not run".to_string();
    }
    let mean = runs.iter().map(|r| r.error).sum::<f64>() / n;
    let at_chance = runs.iter().filter(|r| r.error > 0.9 * r.chance).count();
    let mut text = format!("{mean:.2}");
    if runs.len() > 1 {
        let variance = runs.iter().map(|r| (r.error - mean).powi(2)).sum::<f64>() / (n - 1.0);
        write!(text, " ± {:.2}", variance.sqrt()).unwrap_or_default();
    }
    if at_chance > 0 {
        write!(text, " ({at_chance} at chance)").unwrap_or_default();
    }
    text
}

/// 1369738 as 1,369,738.
fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn aligned(rows: &Rows) -> String {
    let header = HEADER.map(String::from);
    let all = || std::iter::once(&header).chain(rows);
    let width = |column: usize| {
        all()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: [usize; 6] = std::array::from_fn(width);
    let line = |row: &[String; 6]| {
        let cells = row
            .iter()
            .zip(widths)
            .enumerate()
            .map(|(i, (cell, w))| match i {
                0 => format!("{cell:<w$}"),
                _ => format!("{cell:>w$}"),
            });
        cells.collect::<Vec<_>>().join("  ")
    };
    all().map(line).collect::<Vec<_>>().join("\n")
}

fn as_markdown(rows: &Rows) -> String {
    let line = |row: &[String]| format!("| {} |\n", row.join(" | "));
    let mut text = line(&HEADER.map(String::from));
    text.push_str("|:--|--:|--:|--:|--:|--:|\n");
    rows.iter().for_each(|row| text.push_str(&line(row)));
    text
}

fn as_html(rows: &Rows) -> String {
    let cells = |tag: &str, row: &[String]| {
        let inner: String = row
            .iter()
            .map(|cell| format!("<{tag}>{}</{tag}>", escape(cell)))
            .collect();
        format!("<tr>{inner}</tr>")
    };
    let body: String = rows.iter().map(|row| cells("td", row)).collect();
    format!(
        "<table>{}{body}</table>",
        cells("th", &HEADER.map(String::from))
    )
}

fn page(body: &str, wall: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>striate: results</title>\
         <style>body{{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}}\
         table{{border-collapse:collapse}}th,td{{padding:.2rem .8rem;border-bottom:1px solid #ccc;text-align:right}}\
         th:first-child,td:first-child{{text-align:left}}</style><h1>Results</h1>{body}<p>{}</p></html>\n",
        escape(wall)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(1_369_738), "1,369,738");
        assert_eq!(
            (grouped(999), grouped(1000)),
            ("999".into(), "1,000".into())
        );
    }

    #[test]
    fn tables_line_up() {
        let row = |a: &str| [a, "1", "2", "3", "4", "5"].map(String::from);
        let text = aligned(&vec![row("A"), row("ConvPool-CNN-C")]);
        let lengths: Vec<usize> = text.lines().map(str::len).collect();
        assert!(lengths.iter().all(|&n| n == lengths[0]), "{text}");
        assert!(as_html(&vec![row("<A>")]).contains("&lt;A&gt;"));
    }
}
