//! The pictures of one split before they are read.

use std::collections::HashMap;
use std::path::PathBuf;

/// Files and labels of one split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// The name of each class.
    pub(crate) class_names: Vec<String>,
    /// The files, in the order of the set.
    pub(crate) files: Vec<PathBuf>,
    /// The class of each.
    pub(crate) labels: Vec<u32>,
}

/// Files and their labels in another order: the first of each class, then the second, and so on.
///
/// So the first pictures of a set are of all classes, and so are the last if no class has many more than another.
pub(super) fn by_turns(files: Vec<(PathBuf, u32)>) -> Vec<(PathBuf, u32)> {
    let mut counts: HashMap<u32, usize> = HashMap::new();
    let nth = |(path, label): (PathBuf, u32)| {
        let count = counts.entry(label).or_default();
        *count += 1;
        (*count, label, path)
    };
    let mut turns: Vec<(usize, u32, PathBuf)> = files.into_iter().map(nth).collect();
    turns.sort_by_key(|&(nth, label, _)| (nth, label));
    turns
        .into_iter()
        .map(|(_, label, path)| (path, label))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_take_turns() {
        let files = |list: &[(&str, u32)]| -> Vec<(PathBuf, u32)> {
            list.iter()
                .map(|&(path, label)| (path.into(), label))
                .collect()
        };
        let sorted = files(&[("a", 0), ("b", 0), ("c", 0), ("d", 2), ("e", 5), ("f", 5)]);
        let turns = files(&[("a", 0), ("d", 2), ("e", 5), ("b", 0), ("f", 5), ("c", 0)]);
        assert_eq!(by_turns(sorted), turns);
        assert_eq!(by_turns(turns.clone()), turns);
    }
}
