//! Ratio tables, and their place in docs/performance.md.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::sample::Series;
use super::setting::Setting;
use crate::whole::write_whole;

type Measured = (Setting, Vec<Series>);

/// Tables by the name of their place in the document.
pub(super) fn tables(all: &[Measured]) -> Vec<(String, String)> {
    let mut names: Vec<String> = Vec::new();
    for (setting, _) in all {
        let name = place(setting, all);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
        .into_iter()
        .map(|name| {
            let rows: Vec<&Measured> = all.iter().filter(|(s, _)| place(s, all) == name).collect();
            let table = table(&rows, !name.starts_with("steps"));
            (name, table)
        })
        .collect()
}

/// Where a setting's rows go: one table for each number of threads and level, small batches and scaling apart.
fn place(setting: &Setting, all: &[Measured]) -> String {
    let same = |s: &Setting| s.work == setting.work && s.threads == setting.threads;
    let points = || all.iter().map(|(s, _)| s).filter(|s| same(s));
    let kind = match points().count() {
        1 if setting.batch == 128 && setting.size == 32 => "steps",
        _ if points().all(|s| s.batch < 128 && s.size == 32) => "small batches",
        _ => "scaling",
    };
    name(kind, setting)
}

/// The name of a table's place.
pub(super) fn name(kind: &str, setting: &Setting) -> String {
    let level = if setting.avx2 { ", AVX-512 off" } else { "" };
    format!("{kind}, {}{level}", threads(setting.threads))
}

/// A number of threads in words.
pub(super) fn threads(number: usize) -> String {
    match number {
        1 => "1 thread".to_owned(),
        n => format!("{n} threads"),
    }
}

fn table(rows: &[&Measured], scaling: bool) -> String {
    let mut peers: Vec<&str> = Vec::new();
    for series in rows.iter().flat_map(|(_, series)| series) {
        if !peers.contains(&series.peer.as_str()) {
            peers.push(&series.peer);
        }
    }
    let mut text = String::from("| workload ");
    if scaling {
        text.push_str("| batch | pixels ");
    }
    for peer in &peers {
        let _ = write!(text, "| {peer} ms ");
    }
    text.push_str("| ratio to PyTorch's best | peak MiB | of PyTorch's least |\n|:--");
    text.push_str(&"|--:".repeat(peers.len() + 3 + if scaling { 2 } else { 0 }));
    text.push_str("|\n");
    for (setting, all) in rows {
        for own in all.iter().filter(|series| series.peer == "striate") {
            let case: Vec<&Series> = all.iter().filter(|s| s.case == own.case).collect();
            let _ = write!(text, "| {} ", setting.title(&own.case));
            if scaling {
                let _ = write!(text, "| {} | {} ", setting.batch, setting.size);
            }
            for peer in &peers {
                match case.iter().find(|series| series.peer == *peer) {
                    Some(series) => {
                        let _ = write!(text, "| {} ", milliseconds(series.median()));
                    }
                    None => text.push_str("| - "),
                }
            }
            let least = |of: fn(&Series) -> f64| {
                let torch = case.iter().filter(|series| series.peer != "striate");
                torch.map(|series| of(series)).min_by(f64::total_cmp)
            };
            let ratio = |own: f64, other: Option<f64>| {
                other.map_or_else(|| "-".to_owned(), |other| format!("{:.2}", own / other))
            };
            let _ = writeln!(
                text,
                "| {} | {:.0} | {} |",
                ratio(own.median(), least(Series::median)),
                own.peak(),
                ratio(own.peak(), least(Series::peak)),
            );
        }
    }
    text
}

fn milliseconds(ms: f64) -> String {
    match ms {
        ms if ms < 10.0 => format!("{ms:.2}"),
        ms if ms < 100.0 => format!("{ms:.1}"),
        ms => format!("{ms:.0}"),
    }
}

/// Puts each table between its marks; a table without a place is added under "Further measurements".
pub(super) fn write(path: &Path, tables: &[(String, String)], stamp: &str) -> Result<()> {
    let read = || fs::read_to_string(path).with_context(|| format!("read {}", path.display()));
    let mut text = read()?;
    for (name, table) in tables {
        text = placed(&text, name, &format!("{table}\n{stamp}\n"))?;
    }
    write_whole(path, &text).with_context(|| format!("write {}", path.display()))
}

fn placed(text: &str, name: &str, table: &str) -> Result<String> {
    let (begin, end) = (
        format!("<!-- bench: {name} -->\n"),
        format!("<!-- end: {name} -->\n"),
    );
    let Some(start) = text.find(&begin) else {
        return Ok(format!("{text}\n### {name}\n\n{begin}{table}{end}"));
    };
    let start = start + begin.len();
    match text[start..].find(&end) {
        Some(len) => Ok(format!("{}{table}{}", &text[..start], &text[start + len..])),
        None => bail!("`{}` has no `{}` after it", begin.trim(), end.trim()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(batch: usize) -> Setting {
        Setting {
            work: "W1",
            threads: 2,
            batch,
            size: 32,
            avx2: false,
        }
    }

    #[test]
    fn ratios_are_to_the_best_of_the_others() {
        let series = vec![
            Series::of("striate", "step", &[50.0], 30.0),
            Series::of("torch eager", "step", &[200.0], 60.0),
            Series::of("torch compile", "step", &[100.0], 90.0),
        ];
        let all = [(setting(128), series)];
        let [(name, table)] = &tables(&all)[..] else {
            panic!("one table was expected");
        };
        assert_eq!(name, "steps, 2 threads");
        assert!(
            table.ends_with("| 50.0 | 200 | 100 | 0.50 | 30 | 0.50 |\n"),
            "{table}"
        );
    }

    #[test]
    fn several_batches_make_a_scaling_table() {
        let own = || vec![Series::of("striate", "step", &[5.0], 1.0)];
        let all = [(setting(1), own()), (setting(32), own())];
        let tables = tables(&all);
        assert_eq!(tables.len(), 1);
        assert!(
            tables[0].1.contains("| 32 | 32 | 5.00 | - | 1 | - |"),
            "{}",
            tables[0].1
        );
    }

    #[test]
    fn the_document_is_replaced_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let names = || -> Vec<_> {
            let entries = fs::read_dir(folder.path()).unwrap();
            entries.map(|entry| entry.unwrap().file_name()).collect()
        };
        let path = folder.path().join("performance.md");
        fs::write(&path, "# Speed\n").unwrap();
        let tables = [("x".to_owned(), "new".to_owned())];
        write(&path, &tables, "today").unwrap();
        assert!(fs::read_to_string(&path).unwrap().contains("new\ntoday\n"));
        assert_eq!(names(), ["performance.md"]);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(write_whole(&path, "text").is_err());
        assert_eq!(names(), ["performance.md"]);
    }

    #[test]
    fn a_table_replaces_the_old_one_between_its_marks() {
        let text = "a\n<!-- bench: x -->\nold\n<!-- end: x -->\nb\n";
        let new = placed(text, "x", "new\n").unwrap();
        assert_eq!(new, "a\n<!-- bench: x -->\nnew\n<!-- end: x -->\nb\n");
        assert!(placed("a\n", "x", "new\n").unwrap().contains("### x"));
        assert!(placed("<!-- bench: x -->\n", "x", "new\n").is_err());
    }
}
