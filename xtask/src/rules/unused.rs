//! Every dependency is named by a Rust file of its package, or by a feature.

use super::finding::Finding;
use super::manifest::{Dependency, Manifest};
use super::source::SourceFile;

pub(super) fn check(manifests: &[Manifest], sources: &[SourceFile]) -> Vec<Finding> {
    manifests
        .iter()
        .flat_map(|manifest| check_one(manifest, sources))
        .collect()
}

fn check_one(manifest: &Manifest, sources: &[SourceFile]) -> Vec<Finding> {
    let folder = manifest.path().strip_suffix("Cargo.toml");
    let folder = folder.unwrap_or_default();
    let own = |file: &&SourceFile| file.path().starts_with(folder);
    let files: Vec<&SourceFile> = sources.iter().filter(own).collect();
    let is_unused = |dependency: &&Dependency| {
        let key = dependency.key.as_str();
        let name = key.replace('-', "_");
        !manifest.features().iter().any(|entry| turns_on(entry, key))
            && !files.iter().any(|file| names(file.text(), &name))
    };
    let found = manifest.dependencies().iter().filter(is_unused);
    found
        .map(|dependency| Finding {
            path: manifest.path().to_owned(),
            line: dependency.line,
            rule: format!(
                "no Rust file of {} names {}: remove the dependency",
                manifest.package(),
                dependency.key
            ),
        })
        .collect()
}

/// Whether an entry of a feature (`dep:a`, `a/b`, `a?/b`) is about the dependency `key`.
fn turns_on(entry: &str, key: &str) -> bool {
    let entry = entry.strip_prefix("dep:").unwrap_or(entry);
    let name = entry.split_once('/').map_or(entry, |(name, _)| name);
    name.trim_end_matches('?') == key
}

/// Whether a path or a `use` begins with `name`, in code or in an example of the documentation.
fn names(text: &str, name: &str) -> bool {
    let in_name = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        // `::name` is the crate, `other::name` is not.
        let before = before.strip_suffix("::").unwrap_or(before);
        let is_use = before
            .strip_suffix("use ")
            .is_some_and(|before| !before.ends_with(in_name) && !after.starts_with(in_name));
        !before.ends_with(in_name) && (after.starts_with("::") || is_use)
    })
}

#[cfg(test)]
mod tests {
    use super::super::manifest::Renamed;
    use super::*;

    /// The lines of a manifest that are found, where `text` is the one file of the package; the tables begin on line 3.
    fn lines(tables: &str, text: &str) -> Vec<usize> {
        let manifest = format!("[package]\nname = \"a\"\n{tables}");
        let manifest = Manifest::parse("crates/a/Cargo.toml", &manifest, &Renamed::default());
        let sources = [
            SourceFile::new("crates/a/tests/b.rs", text).unwrap(),
            SourceFile::new("crates/ab/src/lib.rs", "use zip::read;\n").unwrap(),
        ];
        check(&[manifest.unwrap()], &sources)
            .iter()
            .map(|finding| finding.line)
            .collect()
    }

    #[test]
    fn what_a_file_or_a_feature_names_is_used() {
        let tables = "[dependencies]\nb-c.workspace = true\nd = { package = \"e\" }\n\
                      f = { version = \"1\", optional = true }\ng = \"1\"\n\
                      [dev-dependencies]\nh = \"1\"\n[build-dependencies]\ni = \"1\"\n\
                      [features]\nj = [\"dep:f\", \"g?/k\"]\n";
        let text = "//! ```\n//! use h;\n//! ```\nuse ::d::{E, F};\nfn f() { b_c::g(i::H) }\n";
        let found = lines(tables, text);
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn what_nothing_names_is_found() {
        let tables = "[dependencies]\nzip = \"1\"\nserde = \"1\"\npng = \"1\"\n\
                      [dev-dependencies]\ntoml = \"1\"\n[features]\nj = [\"toml-b/k\"]\n";
        let text = "use serde_json::Value;\nuse crate::png::Png;\nfn f(toml: u8) {}\n";
        assert_eq!(lines(tables, text), [4, 5, 6, 8]);
    }
}
