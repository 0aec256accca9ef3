//! Files of a crate do not import each other in a circle, so that each can be read after those that it uses.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::Finding;
use super::modules::{Modules, module_path};
use super::source::SourceFile;

/// Crates that still have circles: what is found there is printed and fails nothing.
const NOT_YET: &[&str] = &[
    "crates/lab",
    "crates/nin",
    "crates/stn",
    "crates/striate",
    "crates/swwae",
];

/// What one file imports: the other file, and the line.
type Imports = BTreeMap<usize, usize>;

/// The circles in all crates that must have none.
pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let (notes, findings) = all(files)
        .into_iter()
        .partition::<Vec<_>, _>(|(folder, _)| NOT_YET.contains(folder));
    for (_, note) in notes {
        println!("note: {note}");
    }
    findings.into_iter().map(|(_, finding)| finding).collect()
}

/// The circles of every crate, with the crate's folder.
fn all(files: &[SourceFile]) -> Vec<(&str, Finding)> {
    let folders: BTreeSet<&str> = files
        .iter()
        .filter_map(|file| Some(file.path().split_once("/src/")?.0))
        .collect();
    let of = |folder| {
        circles(folder, files)
            .into_iter()
            .map(move |circle| (folder, circle))
    };
    folders.into_iter().flat_map(of).collect()
}

fn circles(folder: &str, files: &[SourceFile]) -> Vec<Finding> {
    let folder = format!("{folder}/src");
    let bin = format!("{folder}/bin");
    let files: Vec<&SourceFile> = files
        .iter()
        .filter(|file| file.below(&folder) && !file.below(&bin) && !file.is_test())
        .collect();
    let modules = Modules::new(&folder, &files);
    let imports: Vec<Imports> = files
        .iter()
        .enumerate()
        .map(|(index, file)| {
            let from = module_path(&folder, file.path());
            let mut imports = Imports::new();
            for path in file.paths() {
                if let Some(other) = modules.file(&from, path).filter(|other| *other != index) {
                    imports.entry(other).or_insert(path.line);
                }
            }
            imports
        })
        .collect();
    let mut circles = Vec::new();
    let mut told = BTreeSet::new();
    for start in 0..files.len() {
        let Some(circle) = shortest_circle(start, &imports) else {
            continue;
        };
        let members = members(start, &imports);
        if !told.insert(members.clone()) {
            continue;
        }
        let names: Vec<&str> = circle
            .iter()
            .chain([&start])
            .map(|file| {
                files[*file]
                    .path()
                    .strip_prefix(&folder)
                    .unwrap_or_default()
            })
            .map(|name| name.trim_start_matches('/'))
            .collect();
        let next = circle.get(1).copied().unwrap_or(start);
        let line = imports[start].get(&next).copied().unwrap_or(1);
        let rule = format!(
            "{} files import each other in a circle: {}",
            members.len(),
            names.join(" -> ")
        );
        circles.push(files[start].finding(line, &rule));
    }
    circles
}

/// The files that can be reached from `start`, each with the one before it on a shortest way.
fn reached(start: usize, imports: &[Imports]) -> BTreeMap<usize, usize> {
    let mut before = BTreeMap::new();
    let mut open = vec![start];
    while !open.is_empty() {
        let mut next = Vec::new();
        for file in open {
            for other in imports[file].keys() {
                if !before.contains_key(other) {
                    before.insert(*other, file);
                    next.push(*other);
                }
            }
        }
        open = next;
    }
    before
}

/// A shortest way from `start` back to it, without the return.
fn shortest_circle(start: usize, imports: &[Imports]) -> Option<Vec<usize>> {
    let before = reached(start, imports);
    let mut file = *before.get(&start)?;
    let mut circle = Vec::new();
    while file != start {
        circle.push(file);
        file = before[&file];
    }
    circle.push(start);
    circle.reverse();
    Some(circle)
}

/// The files that `start` can reach and that can reach it.
fn members(start: usize, imports: &[Imports]) -> Vec<usize> {
    let reached_files = reached(start, imports);
    reached_files
        .keys()
        .copied()
        .filter(|file| reached(*file, imports).contains_key(&start))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The circles of a crate `a` with these files.
    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<SourceFile> = files
            .iter()
            .map(|(path, text)| SourceFile::new(&format!("crates/a/src/{path}"), text).unwrap())
            .collect();
        let circles = all(&files);
        assert!(circles.iter().all(|(folder, _)| *folder == "crates/a"));
        circles
            .iter()
            .map(|(_, circle)| circle.to_string())
            .collect()
    }

    #[test]
    fn a_circle_is_told_with_its_way() {
        let circles = found(&[
            ("lib.rs", "mod b;\nmod c;\nmod d;\npub use b::B;\n"),
            ("b.rs", "use std::fs;\nuse crate::c::C;\npub struct B;\n"),
            ("c.rs", "pub struct C;\nfn f() { super::d::g() }\n"),
            ("d.rs", "use super::{b, c};\npub fn g() -> b::B {}\n"),
        ]);
        let wanted = "crates/a/src/b.rs:2: 3 files import each other in a circle: b.rs -> c.rs -> d.rs -> b.rs";
        assert_eq!(circles, [wanted]);
    }

    #[test]
    fn a_module_that_hands_names_on_is_no_part_of_a_circle() {
        let tree = |last: &str| {
            found(&[
                ("main.rs", "mod b;\nfn main() { b::run() }\n"),
                (
                    "b/mod.rs",
                    "mod c;\nmod d;\npub(crate) use c::C;\npub use d::*;\npub fn run() { d::d() }\n",
                ),
                ("b/c.rs", "pub struct C;\n"),
                ("b/d.rs", last),
            ])
        };
        let none: [&str; 0] = [];
        assert_eq!(tree("use super::C;\npub fn d() {}\n"), none);
        assert_eq!(tree("use crate::b;\npub fn d() { b::C::new() }\n"), none);
        assert_eq!(tree("use super::run;\npub fn d() {}\n").len(), 1);
        assert_eq!(tree("use crate::b;\npub fn d() { b::run() }\n").len(), 1);
        assert_eq!(tree("use super::*;\npub fn d() {}\n").len(), 1);
    }

    #[test]
    fn tests_may_go_in_circles() {
        let circles = found(&[
            ("lib.rs", "mod b;\nmod c;\n"),
            ("b.rs", "use crate::c::C;\npub struct B;\n"),
            (
                "c.rs",
                "pub struct C;\n#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}\n",
            ),
            ("c/tests.rs", "use crate::b::B;\n"),
        ]);
        assert_eq!(circles, [] as [&str; 0]);
    }

    #[test]
    fn names_of_other_crates_are_none_of_ours() {
        let circles = found(&[
            ("lib.rs", "mod b;\nmod serde;\n"),
            ("b.rs", "use crate::serde::S;\npub struct B;\n"),
            (
                "serde.rs",
                "use ::b::B;\nuse serde::de;\npub struct S;\nfn f() { ::b::g() }\n",
            ),
        ]);
        assert_eq!(circles, [] as [&str; 0]);
    }
}
