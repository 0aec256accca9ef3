//! The rules of the source tree that neither the compiler nor Clippy knows.
//!
//! One file a rule; a rule returns what it finds, with the line.

mod code;
mod directions;
mod finding;
mod length;
mod manifest;
mod mentions;
mod module_doc;
mod naming;
mod paths;
mod purity;
mod source;
mod unused;

use std::path::Path;

use anyhow::{Result, bail};

use finding::Finding;
use manifest::Manifest;
use source::SourceFile;

/// Every rule that looks at one Rust file.
const RULES: [fn(&SourceFile) -> Vec<Finding>; 4] = [
    module_doc::check,
    length::check,
    naming::check,
    purity::check,
];

/// Checks all files and manifests below `root`; returns how many were looked at.
///
/// # Errors
/// If a rule is broken (every place is named), or if a file cannot be read.
pub(crate) fn check(root: &Path) -> Result<(usize, usize)> {
    let sources = source::all(root)?;
    let manifests = manifest::all(root)?;
    if sources.is_empty() || manifests.is_empty() {
        bail!("{}: no Rust files or no manifests found", root.display());
    }
    let pages = mentions::pages(root)?;
    let mut findings = findings(&sources, &manifests);
    findings.extend(mentions::check(root, &pages, &sources));
    findings.sort();
    if findings.is_empty() {
        return Ok((sources.len(), manifests.len()));
    }
    let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    bail!("{} places break a rule\n{}", lines.len(), lines.join("\n"));
}

fn findings(sources: &[SourceFile], manifests: &[Manifest]) -> Vec<Finding> {
    let in_sources = sources
        .iter()
        .flat_map(|file| RULES.iter().flat_map(move |rule| rule(file)));
    let mut findings: Vec<Finding> = in_sources
        .chain(directions::check(manifests))
        .chain(unused::check(manifests, sources))
        .collect();
    findings.sort();
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_name_file_line_and_rule_in_order() {
        let source = |path, text| SourceFile::new(path, text).unwrap();
        let sources = [
            source(
                "crates/nin/src/lib.rs",
                "//! b\nfn f() {\n    std::fs::read(p);\n}\n",
            ),
            source("crates/a/src/lib.rs", "fn f() {}\n"),
        ];
        let lines: Vec<String> = findings(&sources, &[])
            .iter()
            .map(Finding::to_string)
            .collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("crates/a/src/lib.rs:1: "), "{lines:?}");
        assert!(
            lines[1].starts_with("crates/nin/src/lib.rs:3: "),
            "{lines:?}"
        );
    }

    #[test]
    fn this_workspace_is_seen() {
        let root = crate::workspace::root();
        assert!(
            source::all(&root)
                .unwrap()
                .iter()
                .any(|file| file.path() == "xtask/src/main.rs")
        );
        assert!(
            manifest::all(&root)
                .unwrap()
                .iter()
                .any(|m| m.package() == "striate")
        );
    }
}
