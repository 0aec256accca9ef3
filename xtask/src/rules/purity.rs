//! Models read no file, no clock and no environment.

use super::Finding;
use super::source::SourceFile;
use crate::mask::is_word;

const FOLDERS: [&str; 4] = [
    "crates/nin/src",
    "crates/allconv/src",
    "crates/stn/src",
    "crates/swwae/src",
];
const RULE: &str = "models read no file, clock or environment: no std::fs, std::env, SystemTime";

pub(super) fn check(file: &SourceFile) -> Vec<Finding> {
    if !FOLDERS.iter().any(|folder| file.below(folder)) {
        return Vec::new();
    }
    let mut findings = file.findings(file.product(), "SystemTime", RULE);
    for word in ["std::fs", "std::env"] {
        findings.extend(file.findings(file.product(), word, RULE));
    }
    findings.extend(
        grouped(file.product())
            .into_iter()
            .map(|line| file.finding(line, RULE)),
    );
    findings
}

/// Lines on which `use std::{..}` brings in `fs` or `env`.
fn grouped(code: &str) -> Vec<usize> {
    let mut lines = Vec::new();
    for (start, mark) in code.match_indices("std::{") {
        let first = start + mark.len();
        let (mut depth, mut at) = (1, first);
        for name in code[first..].split_inclusive(|c: char| !is_word(c)) {
            let end = at + name.len();
            if depth == 1
                && ["fs", "env"].contains(&name.trim_end_matches(|c: char| !is_word(c)))
                && !code[..at].ends_with("::")
            {
                lines.push(code[..at].matches('\n').count() + 1);
            }
            match name.chars().next_back() {
                Some('{') => depth += 1,
                Some('}') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            at = end;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&SourceFile::new(path, text))
            .iter()
            .map(|finding| finding.line)
            .collect()
    }

    #[test]
    fn models_read_nothing() {
        let text = "//! std::fs\nuse std::fs::File;\nuse std::env;\nuse std::time::SystemTime;\n";
        assert_eq!(lines("crates/allconv/src/model.rs", text), [4, 2, 3]);
        assert_eq!(lines("crates/lab/src/lib.rs", text), []);
        assert_eq!(lines("crates/allconv/examples/train.rs", text), []);
    }

    #[test]
    fn grouped_imports_are_seen() {
        let text = "//! a\nuse std::{\n    collections::{env, HashMap},\n    env,\n    fs::File,\n    io::fs,\n};\n";
        assert_eq!(lines("crates/allconv/src/model.rs", text), [4, 5]);
    }
}
