//! The Rust files that the rules look at.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Finding;
use crate::mask::{lines_with, mask, without_tests};

/// Folders of the workspace that hold Rust files.
const FOLDERS: [&str; 3] = ["crates", "tests", "xtask"];

/// A Rust file, its path relative to the root and written with `/`.
pub(super) struct SourceFile {
    path: String,
    text: String,
    code: String,
    product: String,
}

impl SourceFile {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let code = mask(text);
        let product = without_tests(&code);
        let (path, text) = (path.to_owned(), text.to_owned());
        Self {
            path,
            text,
            code,
            product,
        }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The file as it is.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The file without comments and literals.
    pub(super) fn code(&self) -> &str {
        &self.code
    }

    /// The code without the items marked `#[cfg(test)]`; empty for a file of tests.
    pub(super) fn product(&self) -> &str {
        if self.is_test() { "" } else { &self.product }
    }

    /// Whether the file lies in `folder` or is its module file (`folder.rs`).
    pub(super) fn below(&self, folder: &str) -> bool {
        let rest = self.path.strip_prefix(folder);
        rest.is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
    }

    /// Whether a folder of this name is on the path.
    pub(super) fn in_folder(&self, name: &str) -> bool {
        let folders = self
            .path
            .rsplit_once('/')
            .map_or("", |(folders, _)| folders);
        folders.split('/').any(|folder| folder == name)
    }

    fn is_test(&self) -> bool {
        self.in_folder("tests") || self.path.ends_with("/tests.rs")
    }

    pub(super) fn finding(&self, line: usize, rule: &str) -> Finding {
        Finding {
            path: self.path.clone(),
            line,
            rule: rule.to_owned(),
        }
    }

    /// A finding for each line of `text` in which `word` stands as a whole name.
    pub(super) fn findings(&self, text: &str, word: &str, rule: &str) -> Vec<Finding> {
        lines_with(text, word)
            .into_iter()
            .map(|line| self.finding(line, rule))
            .collect()
    }
}

/// All Rust files of the workspace.
pub(super) fn all(root: &Path) -> Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    for path in walk(root, |path| path.extension().is_some_and(|e| e == "rs"))? {
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        files.push(SourceFile::new(&relative(root, &path), &text));
    }
    Ok(files)
}

/// `path` below `root`, written with `/`.
pub(super) fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = path
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}

/// The files below the workspace's folders that `wanted` accepts, in order of their paths.
pub(super) fn walk(root: &Path, wanted: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>> {
    let mut open: Vec<PathBuf> = FOLDERS.iter().map(|folder| root.join(folder)).collect();
    let mut files = Vec::new();
    while let Some(folder) = open.pop() {
        let entries =
            fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("read {}", folder.display()))?;
            let name = entry.file_name();
            if entry.file_type()?.is_dir() {
                if name != "target" && !name.to_string_lossy().starts_with('.') {
                    open.push(entry.path());
                }
            } else if wanted(&entry.path()) {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let file = |path| SourceFile::new(path, "");
        assert!(file("crates/striate/src/kernels/relu.rs").below("crates/striate/src/kernels"));
        assert!(file("crates/striate/src/kernels.rs").below("crates/striate/src/kernels"));
        assert!(!file("crates/striate/src/kernels_b/a.rs").below("crates/striate/src/kernels"));
        assert!(file("crates/lab/benches/a.rs").in_folder("benches"));
        assert!(!file("crates/lab/src/benches.rs").in_folder("benches"));
    }

    #[test]
    fn files_of_tests_have_no_product_code() {
        assert_eq!(
            SourceFile::new("crates/a/src/b/tests.rs", "use c;").product(),
            ""
        );
        assert_eq!(
            SourceFile::new("crates/a/tests/b.rs", "use c;").product(),
            ""
        );
        assert_eq!(
            SourceFile::new("crates/a/src/b.rs", "use c;").product(),
            "use c;"
        );
    }
}
