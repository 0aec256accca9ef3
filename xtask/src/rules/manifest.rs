//! What a `Cargo.toml` says about its package: the name, and the dependencies with their lines.
//!
//! Reads the part of TOML that dependency tables use, so that this crate needs no parser.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::source::{relative, walk};

/// A package's manifest.
pub(super) struct Manifest {
    path: String,
    package: String,
    dependencies: Vec<Dependency>,
}

/// A dependency of any kind (normal, dev, build, for one target).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dependency {
    /// The package's name, after `package = ".."` if given.
    pub(super) name: String,
    pub(super) line: usize,
}

impl Manifest {
    pub(super) fn parse(path: &str, text: &str) -> Result<Self> {
        let mut package = None;
        let mut dependencies: Vec<Dependency> = Vec::new();
        let mut table = String::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or("").trim();
            if let Some(header) = line
                .strip_prefix('[')
                .filter(|header| header.ends_with(']'))
            {
                table = header.trim_matches(['[', ']', ' ']).to_owned();
                if let Some(name) = dependency_table(&table).flatten() {
                    dependencies.push(Dependency {
                        name: unquoted(name),
                        line: at + 1,
                    });
                }
                continue;
            }
            let Some((key, value)) = line.split_once('=') else {
                continue;
            };
            let (key, value) = (key.trim(), value.trim());
            match dependency_table(&table) {
                None if table == "package" && key == "name" => package = Some(unquoted(value)),
                None => {}
                Some(None) => {
                    let key = key.split('.').next().unwrap_or(key);
                    let name = renamed(value).unwrap_or_else(|| unquoted(key));
                    dependencies.push(Dependency { name, line: at + 1 });
                }
                Some(Some(_)) if key == "package" => {
                    if let Some(last) = dependencies.last_mut() {
                        last.name = unquoted(value);
                    }
                }
                Some(Some(_)) => {}
            }
        }
        let Some(package) = package else {
            bail!("{path}: no `name` in [package]")
        };
        Ok(Self {
            path: path.to_owned(),
            package,
            dependencies,
        })
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn package(&self) -> &str {
        &self.package
    }

    pub(super) fn dependencies(&self) -> &[Dependency] {
        &self.dependencies
    }
}

/// `Some(None)` for a table of dependencies, `Some(Some(name))` for the table of one dependency.
fn dependency_table(table: &str) -> Option<Option<&str>> {
    const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let is_kind = |text: &str| {
        let last = text.rsplit('.').next().unwrap_or(text);
        KINDS.contains(&last) && (text == last || text.starts_with("target."))
    };
    if is_kind(table) {
        return Some(None);
    }
    let (kind, name) = table.rsplit_once('.')?;
    is_kind(kind).then_some(Some(name))
}

/// The name in `{ package = "name", .. }`.
fn renamed(value: &str) -> Option<String> {
    let fields = value.strip_prefix('{')?.trim_end_matches('}').split(',');
    let mut pairs = fields.filter_map(|field| field.split_once('='));
    pairs
        .find(|(key, _)| key.trim() == "package")
        .map(|(_, name)| unquoted(name))
}

fn unquoted(text: &str) -> String {
    text.trim().trim_matches(['"', '\'']).to_owned()
}

/// The manifests of all members.
pub(super) fn all(root: &Path) -> Result<Vec<Manifest>> {
    let mut manifests = Vec::new();
    for path in walk(root, |path| {
        path.file_name().is_some_and(|name| name == "Cargo.toml")
    })? {
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        manifests.push(Manifest::parse(&relative(root, &path), &text)?);
    }
    Ok(manifests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_dependency_is_read() {
        let text = "[package]\nname = \"a\" # name\n\n[features]\ncuda = [\"z/cuda\"]\n\
                    [dependencies]\nb.workspace = true\nc = \"1\"\nd = { package = \"e\", version = \"1\" }\n\
                    [dev-dependencies.f]\npackage = \"g\"\nfeatures = [\"x\"]\n\
                    [target.'cfg(target_os = \"linux\")'.build-dependencies]\nh = { path = \".\" }\n\
                    [lints]\nworkspace = true\n";
        let manifest = Manifest::parse("a/Cargo.toml", text).unwrap();
        assert_eq!(manifest.package(), "a");
        let found: Vec<_> = manifest
            .dependencies()
            .iter()
            .map(|d| (d.name.as_str(), d.line))
            .collect();
        assert_eq!(found, [("b", 7), ("c", 8), ("e", 9), ("g", 10), ("h", 14)]);
    }

    #[test]
    fn a_manifest_without_a_name_is_an_error() {
        assert!(Manifest::parse("a/Cargo.toml", "[workspace]\n").is_err());
    }
}
