//! The modules of one crate: which file holds what a path names.
//!
//! A path that goes through a module that merely hands a name on (`pub use`) leads to the file that defines it.

use std::collections::{HashMap, HashSet};

use super::code::Token;
use super::paths::NamedPath;
use super::source::SourceFile;

/// Re-exports are followed through at most this many modules, so that two that name each other do not hang us.
const LONGEST_CHAIN: usize = 32;

/// The modules of a crate, by their paths from its root.
pub(super) struct Modules<'a> {
    by_path: HashMap<Vec<String>, Module<'a>>,
}

/// A module, which is a file or stands within one.
struct Module<'a> {
    /// Its file, as an index into the files of the crate.
    file: usize,
    /// What it brings in by name: `use path as name`.
    imports: HashMap<&'a str, &'a NamedPath>,
    /// What it brings in by `use path::*`.
    globs: Vec<&'a NamedPath>,
    /// What it defines.
    items: HashSet<&'a str>,
}

impl<'a> Modules<'a> {
    /// The modules of the crate whose files lie in `folder`, such as `crates/lab/src`.
    pub(super) fn new(folder: &str, files: &'a [&'a SourceFile]) -> Self {
        let mut modules = Self {
            by_path: HashMap::new(),
        };
        for (index, file) in files.iter().enumerate() {
            let path = module_path(folder, file.path());
            modules.module(path.clone(), index);
            for (within, name) in items(file.tokens()) {
                let path = [path.clone(), within].concat();
                modules.module(path, index).items.insert(name);
            }
            for named in file.paths() {
                let module = modules.module([path.clone(), named.within.clone()].concat(), index);
                match &named.import {
                    Some(name) if name == "*" => module.globs.push(named),
                    Some(name) => drop(module.imports.insert(name, named)),
                    None => {}
                }
            }
        }
        modules
    }

    fn module(&mut self, path: Vec<String>, file: usize) -> &mut Module<'a> {
        self.by_path.entry(path).or_insert_with(|| Module {
            file,
            imports: HashMap::new(),
            globs: Vec::new(),
            items: HashSet::new(),
        })
    }

    /// The file that defines what `path` names in the module `from`; `None` for a module as such and for other crates.
    pub(super) fn file(&self, from: &[String], path: &NamedPath) -> Option<usize> {
        let from = [from, path.within.as_slice()].concat();
        self.definition(&from, &path.segments, 0)
    }

    fn definition(&self, from: &[String], segments: &[String], links: usize) -> Option<usize> {
        if links > LONGEST_CHAIN {
            return None;
        }
        let (first, rest) = segments.split_first()?;
        match first.as_str() {
            "crate" => self.below(&[], rest, links),
            "self" => self.below(from, rest, links),
            "super" => {
                let parent = from.split_last()?.1;
                match rest.first() {
                    Some(next) if next == "super" => self.definition(parent, rest, links),
                    _ => self.below(parent, rest, links),
                }
            }
            _ if self.child(from, first).is_some() => self.below(from, segments, links),
            _ => {
                // The first name of a path in the code may have been brought in.
                let import = self.by_path.get(from)?.imports.get(first.as_str())?;
                if import.segments == segments {
                    return None;
                }
                let segments = [&import.segments, rest].concat();
                self.definition(from, &segments, links + 1)
            }
        }
    }

    fn child(&self, module: &[String], name: &str) -> Option<Vec<String>> {
        let path = [module, &[name.to_owned()]].concat();
        self.by_path.contains_key(&path).then_some(path)
    }

    /// The file that defines what `segments` name from the module `path` on.
    fn below(&self, path: &[String], segments: &[String], links: usize) -> Option<usize> {
        let module = self.by_path.get(path)?;
        let (first, rest) = segments.split_first()?;
        if first == "*" || module.items.contains(first.as_str()) {
            return Some(module.file);
        }
        let import = module.imports.get(first.as_str());
        if let Some(import) = import.filter(|import| import.segments != segments) {
            let segments = [&import.segments, rest].concat();
            if let Some(file) = self.definition(path, &segments, links + 1) {
                return Some(file);
            }
        }
        if let Some(child) = self.child(path, first) {
            return self.below(&child, rest, links);
        }
        let through_globs = module.globs.iter().filter(|_| links < LONGEST_CHAIN);
        through_globs
            .filter_map(|glob| {
                let prefix = &glob.segments[..glob.segments.len() - 1];
                self.definition(path, &[prefix, segments].concat(), links + 1)
            })
            .next()
    }
}

/// The path of the module of a file, from the root of the crate.
pub(super) fn module_path(folder: &str, file: &str) -> Vec<String> {
    let path = file.strip_prefix(folder).unwrap_or(file);
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let mut names: Vec<String> = path
        .split('/')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    let root = names.len() == 1 && ["lib", "main"].contains(&names[0].as_str());
    if root || names.last().is_some_and(|name| name == "mod") {
        names.pop();
    }
    names
}

/// The names that are defined in a file, each with the modules within the file in which it stands.
fn items(tokens: &[Token]) -> Vec<(Vec<String>, &str)> {
    const KINDS: [&str; 9] = [
        "struct",
        "enum",
        "union",
        "trait",
        "fn",
        "type",
        "const",
        "static",
        "macro_rules",
    ];
    let mut found = Vec::new();
    let mut within: Vec<(String, usize)> = Vec::new();
    let mut depth = 0;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let next = tokens.get(at + 1);
        let module_depth = within.last().map_or(0, |(_, depth)| *depth);
        match token.text.as_str() {
            "mod" if tokens.get(at + 2).is_some_and(|token| token.is("{")) => {
                depth += 1;
                within.push((tokens[at + 1].text.clone(), depth));
                at += 2;
            }
            "{" => depth += 1,
            "}" => {
                if module_depth == depth {
                    within.pop();
                }
                depth = depth.saturating_sub(1);
            }
            kind if depth == module_depth && KINDS.contains(&kind) => {
                let name = match next {
                    Some(next) if next.is("!") || next.is("mut") => tokens.get(at + 2),
                    next => next,
                };
                let modules = within.iter().map(|(name, _)| name.clone()).collect();
                if let Some(name) = name.filter(|name| name.is_name()) {
                    found.push((modules, name.text.as_str()));
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}
