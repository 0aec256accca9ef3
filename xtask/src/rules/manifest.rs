//! What a `Cargo.toml` says about its package: the name, the dependencies with their lines, and the features.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::source::{FOLDERS, relative, walk};

/// The tables of a manifest, or of one target, that list dependencies.
const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// A package's manifest.
pub(super) struct Manifest {
    path: String,
    package: String,
    dependencies: Vec<Dependency>,
    features: Vec<String>,
}

/// A dependency of any kind (normal, dev, build, for one target).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dependency {
    /// The package's name, from `package = ".."` if that is given, here or by the workspace.
    pub(super) name: String,
    /// The name in this manifest, which the code uses too, with `_` for each `-`.
    pub(super) key: String,
    pub(super) line: usize,
    /// Whether only tests, benches and examples see it.
    pub(super) is_dev: bool,
}

/// The packages that the workspace's dependencies of another name are.
#[derive(Default)]
pub(super) struct Renamed(HashMap<String, String>);

impl Renamed {
    /// From the manifest of the workspace.
    pub(super) fn parse(path: &str, text: &str) -> Result<Self> {
        let manifest = parse(path, text)?;
        let dependencies = table(manifest.get_ref(), "workspace")
            .and_then(|workspace| table(workspace, "dependencies"));
        let renamed = dependencies
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| {
                let package = value.get_ref().get("package")?.get_ref().as_str()?;
                Some((key.get_ref().to_string(), package.to_owned()))
            });
        Ok(Self(renamed.collect()))
    }
}

impl Manifest {
    pub(super) fn parse(path: &str, text: &str, renamed: &Renamed) -> Result<Self> {
        let manifest = parse(path, text)?;
        let manifest = manifest.get_ref();
        let package = table(manifest, "package").and_then(|package| package.get("name"));
        let package = package
            .and_then(|name| name.get_ref().as_str())
            .with_context(|| format!("{path}: no `name` in [package]"))?;
        let targets = table(manifest, "target").into_iter().flatten();
        let targets = targets.filter_map(|(_, target)| target.get_ref().as_table());
        let mut dependencies: Vec<Dependency> = [manifest]
            .into_iter()
            .chain(targets)
            .flat_map(|table| {
                KINDS
                    .iter()
                    .filter_map(|kind| Some((*kind, self::table(table, kind)?)))
            })
            .flat_map(|(kind, table)| table.iter().map(move |entry| (kind, entry)))
            .map(|(kind, (key, value))| dependency(text, kind, key, value.get_ref(), renamed))
            .collect();
        dependencies.sort_by_key(|dependency| dependency.line);
        let features = table(manifest, "features").into_iter().flatten();
        let features = features
            .filter_map(|(_, entries)| entries.get_ref().as_array())
            .flatten()
            .filter_map(|entry| entry.get_ref().as_str())
            .map(str::to_owned)
            .collect();
        Ok(Self {
            path: path.to_owned(),
            package: package.to_owned(),
            dependencies,
            features,
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

    /// What the features turn on, such as `dep:image` and `lab/cuda`.
    pub(super) fn features(&self) -> &[String] {
        &self.features
    }
}

fn parse<'a>(path: &str, text: &'a str) -> Result<Spanned<DeTable<'a>>> {
    DeTable::parse(text).with_context(|| format!("{path}: not TOML"))
}

fn table<'a, 'b>(table: &'a DeTable<'b>, name: &str) -> Option<&'a DeTable<'b>> {
    table.get(name)?.get_ref().as_table()
}

fn dependency(
    text: &str,
    kind: &str,
    key: &Spanned<DeString<'_>>,
    value: &DeValue<'_>,
    renamed: &Renamed,
) -> Dependency {
    let key_name: &str = key.get_ref();
    let here = value
        .get("package")
        .and_then(|name| name.get_ref().as_str());
    let of_workspace = value
        .get("workspace")
        .and_then(|_| renamed.0.get(key_name).map(String::as_str));
    Dependency {
        name: here.or(of_workspace).unwrap_or(key_name).to_owned(),
        key: key_name.to_owned(),
        line: text[..key.span().start].matches('\n').count() + 1,
        is_dev: kind == "dev-dependencies",
    }
}

/// The manifests of all members.
pub(super) fn all(root: &Path) -> Result<Vec<Manifest>> {
    let read =
        |path: &Path| fs::read_to_string(path).with_context(|| format!("read {}", path.display()));
    let renamed = Renamed::parse("Cargo.toml", &read(&root.join("Cargo.toml"))?)?;
    let mut manifests = Vec::new();
    for path in walk(root, &FOLDERS, |path| {
        path.file_name().is_some_and(|name| name == "Cargo.toml")
    })? {
        manifests.push(Manifest::parse(
            &relative(root, &path),
            &read(&path)?,
            &renamed,
        )?);
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
        let manifest = Manifest::parse("a/Cargo.toml", text, &Renamed::default()).unwrap();
        assert_eq!(manifest.package(), "a");
        let found: Vec<_> = manifest
            .dependencies()
            .iter()
            .map(|d| (d.name.as_str(), d.line))
            .collect();
        assert_eq!(found, [("b", 7), ("c", 8), ("e", 9), ("g", 10), ("h", 14)]);
        let keys: Vec<_> = manifest.dependencies().iter().map(|d| &d.key).collect();
        assert_eq!(keys, ["b", "c", "d", "f", "h"]);
        assert_eq!(manifest.features(), ["z/cuda"]);
    }

    #[test]
    fn a_dependency_has_the_name_that_the_workspace_gives_its_package() {
        let workspace =
            "[workspace.dependencies]\nb = { package = \"a-b\", path = \"b\" }\nc = \"1\"\n";
        let renamed = Renamed::parse("Cargo.toml", workspace).unwrap();
        let text = "[package]\nname = \"a\"\n[dependencies]\nb.workspace = true\nc.workspace = true\n\
                    [dev-dependencies]\nb = { path = \"../b\" }\n";
        let manifest = Manifest::parse("a/Cargo.toml", text, &renamed).unwrap();
        let names: Vec<_> = manifest
            .dependencies()
            .iter()
            .map(|d| d.name.as_str())
            .collect();
        assert_eq!(names, ["a-b", "c", "b"]);
    }

    #[test]
    fn a_manifest_without_a_name_is_an_error() {
        for text in ["[workspace]\n", "[package\n"] {
            assert!(Manifest::parse("a/Cargo.toml", text, &Renamed::default()).is_err());
        }
    }
}
