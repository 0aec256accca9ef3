//! Models read no file, no clock and no environment.

use super::finding::Finding;
use super::paths::NamedPath;
use super::source::SourceFile;

const FOLDERS: [&str; 5] = [
    "crates/attribution/src",
    "crates/nin/src",
    "crates/allconv/src",
    "crates/stn/src",
    "crates/swwae/src",
];
const RULE: &str =
    "models read no file, clock or environment: no std::fs, std::env, SystemTime, Instant";

pub(super) fn check(file: &SourceFile) -> Vec<Finding> {
    if !FOLDERS.iter().any(|folder| file.below(folder)) {
        return Vec::new();
    }
    let mut findings = file.findings("SystemTime", RULE);
    findings.extend(file.findings("Instant", RULE));
    let banned = |path: &&NamedPath| match path.segments.as_slice() {
        [first, second, ..] => first == "std" && ["fs", "env"].contains(&second.as_str()),
        _ => false,
    };
    let found = file.paths().iter().filter(banned);
    findings.extend(found.map(|path| file.finding(path.line, RULE)));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&SourceFile::new(path, text).unwrap())
            .iter()
            .map(|finding| finding.line)
            .collect()
    }

    #[test]
    fn models_read_nothing() {
        let text = "//! std::fs\nuse std::fs::File;\nuse std::env;\nuse std::time::SystemTime;\nuse std::time::Instant;\n";
        assert_eq!(lines("crates/allconv/src/model.rs", text), [4, 5, 2, 3]);
        assert!(lines("crates/lab/src/lib.rs", text).is_empty());
        assert!(lines("crates/allconv/examples/train.rs", text).is_empty());
    }

    #[test]
    fn grouped_imports_are_seen() {
        let text = "//! a\nuse std::{\n    collections::{env, HashMap},\n    env,\n    fs::File,\n    io::fs,\n};\n";
        assert_eq!(lines("crates/allconv/src/model.rs", text), [4, 5]);
    }
}
