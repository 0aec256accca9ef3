//! The rules of the source tree that neither the compiler nor Clippy knows.
//!
//! One file a rule; each rule looks at one file and returns what it finds, with the line.

mod directions;
mod manifest;
mod module_doc;
mod naming;
mod printing;
mod purity;
mod source;
mod unsafe_code;

use std::fmt;
use std::path::Path;

use anyhow::{Result, bail};

use manifest::Manifest;
use source::SourceFile;

/// A place where a rule is broken.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    line: usize,
    rule: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.rule)
    }
}

/// Every rule that looks at one Rust file.
const RULES: [fn(&SourceFile) -> Vec<Finding>; 5] = [
    module_doc::check,
    naming::check,
    unsafe_code::check,
    printing::check,
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
    let findings = findings(&sources, &manifests);
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
    let mut findings: Vec<Finding> = in_sources.chain(directions::check(manifests)).collect();
    findings.sort_by(|a, b| (&a.path, a.line, &a.rule).cmp(&(&b.path, b.line, &b.rule)));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_name_file_line_and_rule_in_order() {
        let sources = [
            SourceFile::new(
                "crates/b/src/lib.rs",
                "//! b\nfn f() {\n    println!();\n}\n",
            ),
            SourceFile::new("crates/a/src/lib.rs", "fn f() { unsafe { g() } }\n"),
        ];
        let lines: Vec<String> = findings(&sources, &[])
            .iter()
            .map(Finding::to_string)
            .collect();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[0].starts_with("crates/a/src/lib.rs:1: "), "{lines:?}");
        assert!(lines[2].starts_with("crates/b/src/lib.rs:3: "), "{lines:?}");
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
