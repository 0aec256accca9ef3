//! The Rust files that the rules look at.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::code::Code;
use super::finding::Finding;
use super::paths::{NamedPath, paths};

/// Folders that hold Rust files.
pub(super) const FOLDERS: [&str; 4] = ["crates", "fuzz", "tests", "xtask"];

/// A Rust file, its path relative to the root and written with `/`.
pub(super) struct SourceFile {
    path: String,
    text: String,
    code: Code,
    paths: Vec<NamedPath>,
}

impl SourceFile {
    pub(super) fn new(path: &str, text: &str) -> Result<Self> {
        let mut file = Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code: Code::parse(text).with_context(|| path.to_owned())?,
            paths: Vec::new(),
        };
        file.paths = paths(&file.code.tokens);
        if file.in_folder("tests") || path.ends_with("/tests.rs") {
            file.be_test();
        }
        Ok(file)
    }

    /// What only tests see holds no code for the rules.
    fn be_test(&mut self) {
        self.code.tokens.clear();
        self.paths.clear();
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The file as it is.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The paths in the code without what only tests see; none for a file of tests.
    pub(super) fn paths(&self) -> &[NamedPath] {
        &self.paths
    }

    /// Number of lines of code.
    pub(super) fn lines(&self) -> usize {
        self.code.lines()
    }

    /// Whether the file lies in `folder` or is its module file (`folder.rs`).
    pub(super) fn below(&self, folder: &str) -> bool {
        let rest = self.path.strip_prefix(folder);
        rest.is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
    }

    /// Whether a folder of this name is on the path.
    fn in_folder(&self, name: &str) -> bool {
        let folders = self
            .path
            .rsplit_once('/')
            .map_or("", |(folders, _)| folders);
        folders.split('/').any(|folder| folder == name)
    }

    /// The paths, without `.rs`, of the modules that the file declares for tests only.
    fn test_modules(&self) -> Vec<String> {
        let stem = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        let (parent, name) = stem.rsplit_once('/').unwrap_or(("", stem));
        let folder = match ["mod", "lib", "main"].contains(&name) {
            true => parent,
            false => stem,
        };
        let names = self.code.test_modules.iter();
        names.map(|name| format!("{folder}/{name}")).collect()
    }

    pub(super) fn finding(&self, line: usize, rule: &str) -> Finding {
        Finding {
            path: self.path.clone(),
            line,
            rule: rule.to_owned(),
        }
    }

    /// A finding for each line whose code has the name `word`.
    pub(super) fn findings(&self, word: &str, rule: &str) -> Vec<Finding> {
        let named = self.code.tokens.iter().filter(|token| token.is(word));
        let mut lines: Vec<usize> = named.map(|token| token.line).collect();
        lines.dedup();
        lines
            .into_iter()
            .map(|line| self.finding(line, rule))
            .collect()
    }
}

/// All Rust files of the workspace.
pub(super) fn all(root: &Path) -> Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    for path in walk(root, &FOLDERS, |path| {
        path.extension().is_some_and(|e| e == "rs")
    })? {
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        files.push(SourceFile::new(&relative(root, &path), &text)?);
    }
    mark_test_modules(&mut files);
    Ok(files)
}

/// Finds the files of modules that are declared with `#[cfg(test)]`, and what lies below them.
fn mark_test_modules(files: &mut [SourceFile]) {
    let modules: Vec<String> = files.iter().flat_map(SourceFile::test_modules).collect();
    for file in files.iter_mut() {
        if modules.iter().any(|module| file.below(module)) {
            file.be_test();
        }
    }
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

/// The files below some folders of the workspace that `wanted` accepts, in order of their paths.
pub(super) fn walk(
    root: &Path,
    folders: &[&str],
    wanted: impl Fn(&Path) -> bool,
) -> Result<Vec<PathBuf>> {
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
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

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile::new(path, text).unwrap()
    }

    #[test]
    fn places() {
        let below = |path, folder| file(path, "").below(folder);
        let kernels = "crates/striate/src/kernels";
        assert!(below("crates/striate/src/kernels/relu.rs", kernels));
        assert!(below("crates/striate/src/kernels.rs", kernels));
        assert!(!below("crates/striate/src/kernels_b/a.rs", kernels));
    }

    #[test]
    fn files_of_tests_have_no_code() {
        let mut files = [
            file("crates/a/src/b.rs", "use c;\n#[cfg(test)]\nmod sampling;\n"),
            file("crates/a/src/b/sampling.rs", "use c;"),
            file("crates/a/src/b/tests.rs", "use c;"),
            file("crates/a/tests/b.rs", "use c;"),
        ];
        mark_test_modules(&mut files);
        let lines = files.each_ref().map(SourceFile::lines);
        assert_eq!(lines, [1, 0, 0, 0]);
    }
}
