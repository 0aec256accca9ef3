//! Pages name only files that exist: what a link leads to, and every `name.rs`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::finding::Finding;
use super::source::{SourceFile, relative, walk};

/// Folders with pages, beside those of the root itself.
const FOLDERS: [&str; 5] = ["crates", "docs", "models", "tests", "xtask"];

/// A Markdown file, its path relative to the root.
pub(super) struct Page {
    path: String,
    text: String,
}

/// All pages of the workspace.
pub(super) fn pages(root: &Path) -> Result<Vec<Page>> {
    let is_page = |path: &Path| path.extension().is_some_and(|e| e == "md");
    let mut paths = walk(root, &FOLDERS, is_page)?;
    for entry in fs::read_dir(root).with_context(|| format!("read {}", root.display()))? {
        let path = entry?.path();
        if path.is_file() && is_page(&path) {
            paths.push(path);
        }
    }
    let read = |path: &std::path::PathBuf| {
        let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        let path = relative(root, path);
        Ok(Page { path, text })
    };
    paths.iter().map(read).collect()
}

/// What pages name and is not there.
pub(super) fn check(root: &Path, pages: &[Page], sources: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for page in pages {
        let folder = root.join(&page.path);
        let folder = folder.parent().unwrap_or(root);
        for (line, text) in (1..).zip(page.text.lines()) {
            let mut find = |what: String| {
                findings.push(Finding {
                    path: page.path.clone(),
                    line,
                    rule: format!("{what} does not exist"),
                });
            };
            for link in links(text).filter(|link| !folder.join(link).exists()) {
                find(format!("the link's {link}"));
            }
            for name in names(text) {
                if !sources.iter().any(|file| is_named(file.path(), name)) {
                    find(format!("`{name}`"));
                }
            }
        }
    }
    findings
}

/// The paths that the links of a line lead to, without those of other sites and of places in a page.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1);
    let targets = targets.filter_map(|rest| rest.split([')', '#', ' ']).next());
    targets.filter(|target| !target.is_empty() && !target.contains(':'))
}

/// The names of Rust files between back-ticks.
fn names(line: &str) -> impl Iterator<Item = &str> {
    let quoted = line.split('`').skip(1).step_by(2);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    quoted.filter(move |name| name.ends_with(".rs") && name.chars().all(is_plain))
}

/// Whether `name` is `path` or its end.
fn is_named(path: &str, name: &str) -> bool {
    let before = path.strip_suffix(name);
    before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_found() {
        let root = crate::workspace::root();
        let source = |path| SourceFile::new(path, "//! A file.\n").unwrap();
        let sources = [source("crates/a/src/pool/max.rs")];
        let page = Page {
            path: "docs/made_up.md".to_owned(),
            text: "See [data](data.md#sets), [Candle](https://a.b/c) and `max.rs`.\n\
                   `pool/max.rs`, `ax.rs`, `cargo run a.rs` [gone](gone.md), [here](#there)\n"
                .to_owned(),
        };
        let found = check(&root, &[page], &sources);
        let found: Vec<String> = found.iter().map(Finding::to_string).collect();
        assert_eq!(
            found,
            [
                "docs/made_up.md:2: the link's gone.md does not exist",
                "docs/made_up.md:2: `ax.rs` does not exist",
            ]
        );
    }

    #[test]
    fn pages_of_the_root_and_of_folders_are_seen() {
        let pages = pages(&crate::workspace::root()).unwrap();
        for path in ["README.md", "docs/data.md", "crates/nin/README.md"] {
            assert!(pages.iter().any(|page| page.path == path), "{path}");
        }
    }
}
