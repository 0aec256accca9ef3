//! The pictures of one split before they are read.

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
