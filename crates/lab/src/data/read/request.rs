//! What a reader is asked for.

use std::path::{Path, PathBuf};

use super::files::Root;
use super::memory::Size;
use crate::data::{DataError, DataSet};

/// A data set by its name, what the registry says of it, and where its files are.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    name: String,
    /// The registry's entry, if the set has one.
    pub(crate) set: Option<&'static DataSet>,
    /// Where files may be.
    pub(crate) root: Root,
    /// The folder that was chosen below it.
    pub(crate) dir: PathBuf,
}

impl Request {
    pub(crate) fn new(name: &str, set: Option<&'static DataSet>, root: &Root, dir: &Path) -> Self {
        Self {
            name: set.map_or(name, |set| set.name).to_owned(),
            set,
            root: root.clone(),
            dir: dir.to_owned(),
        }
    }

    /// The name of the set.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The name of one split, for messages.
    pub(crate) fn title(&self, split: &str) -> String {
        format!("{}/{split}", self.name)
    }

    /// The class names that the registry knows; none for other sets.
    pub(crate) fn class_names(&self) -> Vec<String> {
        self.set.map(DataSet::class_names).unwrap_or_default()
    }

    /// Refuses images of another size than the registry's, before they are decoded.
    pub(crate) fn check_size(&self, size: Size) -> Result<(), DataError> {
        match self.set {
            Some(set) if Size::of_set(set) != size => {
                Err(self.other_set(set, format!("{size} images")))
            }
            _ => Ok(()),
        }
    }

    /// Refuses another number of classes than the registry's.
    pub(crate) fn check_classes(&self, size: Size, classes: usize) -> Result<(), DataError> {
        match self.set {
            Some(set) if set.classes != classes => {
                Err(self.other_set(set, format!("{size} images of {classes} classes")))
            }
            _ => Ok(()),
        }
    }

    fn other_set(&self, set: &DataSet, found: String) -> DataError {
        let expected = format!(
            "{} ({} images of {} classes)",
            set.name,
            Size::of_set(set),
            set.classes
        );
        let cure = format!(
            "give the folder of {}, or the name of the set that is there",
            set.name
        );
        DataError::content(self.dir.display(), expected, found, cure)
    }
}
