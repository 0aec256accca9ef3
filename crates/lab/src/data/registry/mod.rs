//! The registry of data sets: everything the project knows of a set before it reads a file.
//!
//! Readers, downloads, checks and experiments take what they need from an entry and look nothing up elsewhere.

mod base;
mod classes;
mod digits;
mod entry;
mod files;
mod objects;
mod sets;

use super::number::number_names;
pub(crate) use entry::{ClassNames, Form};
pub use entry::{DataSet, Embedded, Hub};
pub(crate) use files::{EMBEDDED_FILES, File};

impl DataSet {
    /// The data set called `name` in any of its spellings: case and separators do not matter.
    pub fn find(name: &str) -> Option<&'static Self> {
        let folded = fold(name);
        let called = |set: &&Self| {
            fold(set.name) == folded || set.aliases.iter().any(|alias| fold(alias) == folded)
        };
        sets::ALL.iter().find(called)
    }

    /// All data sets, in the order of the documentation.
    pub fn all() -> &'static [Self] {
        sets::ALL
    }

    /// The class names in the order of the labels; empty where only the files name them.
    pub fn class_names(&self) -> Vec<String> {
        match self.names {
            ClassNames::Listed(names) => names.split(',').map(str::to_owned).collect(),
            ClassNames::Numbers => number_names(),
            ClassNames::InFiles => Vec::new(),
        }
    }

    /// The sets for which `holds`, by name, for messages.
    pub(crate) fn names_of(holds: impl Fn(&Self) -> bool) -> String {
        let names: Vec<&str> = sets::ALL
            .iter()
            .filter(|set| holds(set))
            .map(|set| set.name)
            .collect();
        names.join(", ")
    }

    /// The name of the set's folder in the cache; crops of two sizes share one.
    pub fn folder(&self) -> &'static str {
        match self.form {
            Form::AsStored | Form::Photographs => self.name,
            Form::Numbers(_) => "svhn-numbers",
            Form::Birds => "cub200",
        }
    }

    /// What to do for a set that is not where it was looked for, for messages.
    pub(crate) fn how_to_get(set: Option<&Self>) -> String {
        let files = set.map_or(&[][..], |set| set.official_files);
        let archive = files.first().and_then(|file| {
            let folder = file.strip_suffix(".tar.gz").or(file.strip_suffix(".tgz"));
            folder.map(|folder| (folder, file))
        });
        let (give, hub) = match (archive, set.and_then(|set| set.hub)) {
            (Some((folder, file)), None) => (format!("the folder {folder} of {file}"), ""),
            (_, Some(_)) => ("the folder of its files".to_owned(), ", or the hub"),
            (None, None) => ("the folder of its files".to_owned(), ""),
        };
        format!("give {give}{hub} (docs/data.md)")
    }

    /// Whether its pictures come in any size and are cut to the set's: those of ImageNet and of CUB-200-2011.
    pub fn is_photographs(&self) -> bool {
        matches!(self.form, Form::Birds | Form::Photographs)
    }

    /// Whether both are made from the same files, as crops of two sizes are.
    pub(crate) fn shares_files_with(&self, other: &Self) -> bool {
        self.folder() == other.folder()
    }
}

/// Lower case without separators, so that `Fashion_MNIST` and `fashion-mnist` are the same.
fn fold(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Names for classes that have none: their numbers.
pub(crate) fn numbered(classes: usize) -> Vec<String> {
    (0..classes).map(|class| class.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_lead_to_one_set() {
        for (spelling, name) in [
            ("CIFAR-10", "cifar10"),
            ("cifar_100", "cifar100"),
            ("Fashion_MNIST", "fashion-mnist"),
            ("fashion", "fashion-mnist"),
            ("MNIST", "mnist"),
            ("ufldl-stanford/svhn", "svhn"),
            ("STL-10", "stl10"),
            ("stl10_binary", "stl10"),
            ("svhn-numbers", "svhn-numbers-64"),
            ("SVHN_numbers_128", "svhn-numbers-128"),
            ("full_numbers", "svhn-numbers-64"),
            ("CUB_200_2011", "cub200-224"),
            ("cub200-448", "cub200-448"),
            ("ILSVRC2012", "imagenet"),
        ] {
            assert_eq!(DataSet::find(spelling).map(|set| set.name), Some(name));
        }
        for unknown in ["cifar", "mnist-128", "", "svhn-numbers-32"] {
            assert_eq!(DataSet::find(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn no_spelling_is_shared() {
        let mut all: Vec<String> = DataSet::all()
            .iter()
            .flat_map(|set| set.aliases.iter().chain([&set.name]).map(|name| fold(name)))
            .collect();
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn entries_are_consistent() {
        for set in DataSet::all() {
            let name = set.name;
            let names = set.class_names();
            assert!(names.is_empty() || names.len() == set.classes, "{name}");
            assert!(set.train > 0 && set.test > 0 && set.classes > 1, "{name}");
            assert!(set.shape.0 == 1 || set.shape.0 == 3, "{name}");
            assert!(set.hub.is_some() != set.by_hand.is_some(), "{name}");
            let full = (set.train, set.test);
            let part = set.embedded.map_or((1, 1), |set| (set.train, set.test));
            assert!(part.0 < full.0 && part.1 < full.1, "{name}");
            assert!(set.page.starts_with("https://") || set.page.starts_with("http://"));
            assert!(
                !set.license.is_empty() && !set.citation.is_empty(),
                "{name}"
            );
        }
        let classes = DataSet::find("cifar100").map(DataSet::class_names);
        let mut sorted = classes.clone();
        sorted.iter_mut().for_each(|names| names.sort_unstable());
        assert_eq!(
            sorted, classes,
            "the fine classes are in alphabetical order"
        );
    }

    #[test]
    fn crops_of_two_sizes_share_their_files() {
        let set = |name| DataSet::find(name).expect("known");
        let share = |a, b| set(a).shares_files_with(set(b));
        assert!(share("svhn-numbers-64", "svhn-numbers-128"));
        assert!(share("cub200-224", "cub200-448"));
        assert!(!share("svhn", "svhn-numbers-64"));
        assert!(!share("cifar10", "cifar100"));
    }
}
