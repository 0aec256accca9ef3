//! What can go wrong with data, each as one line: where, what was expected, what came, the cure.

use std::path::{Path, PathBuf};

/// Why a data set could not be read or prepared.
///
/// Every message is one line that names the file or argument, what was expected, what came
/// instead, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The operating system refused to read or write a file or folder.
    #[error("{}: cannot {action}: {source}; {cure}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried, such as "read".
        action: &'static str,
        /// The system's answer.
        source: std::io::Error,
        /// What to do about it.
        cure: String,
    },
    /// A file's content is not what its format promises.
    #[error("{place}: expected {expected}, found {found}; {cure}")]
    Content {
        /// The file, and the row or entry within it.
        place: String,
        /// What the format asks for.
        expected: String,
        /// What the file holds.
        found: String,
        /// What to do about it.
        cure: String,
    },
    /// A folder holds no layout that the readers know.
    #[error("{}: found no {name} data, looked for {looked_for}; {cure}", path.display())]
    NoLayout {
        /// The folder that was searched.
        path: PathBuf,
        /// The data set that was asked for.
        name: String,
        /// The layouts that were tried.
        looked_for: String,
        /// What to do about it.
        cure: String,
    },
    /// A data set of this name is not known to the chosen source.
    #[error("unknown data set {name:?}: {known}")]
    UnknownName {
        /// The name as given.
        name: String,
        /// The names that would work, as a sentence.
        known: String,
    },
    /// An argument of a function does not fit.
    #[error("{op}: {argument} is {found}, expected {expected}")]
    Argument {
        /// The function or type.
        op: &'static str,
        /// The argument's name.
        argument: &'static str,
        /// What came.
        found: String,
        /// What was wanted.
        expected: String,
    },
    /// The data could not be downloaded.
    #[error("{what}: {reason}; {cure}")]
    Download {
        /// The address or data set.
        what: String,
        /// What went wrong.
        reason: String,
        /// How to get the files by hand.
        cure: String,
    },
    /// A numerical step did not succeed.
    #[error("{op}: {reason}; {cure}")]
    Numeric {
        /// The step.
        op: &'static str,
        /// What went wrong.
        reason: String,
        /// What to do about it.
        cure: String,
    },
    /// The tensor library refused, for instance to copy a batch to a device.
    #[error("batch: {0}")]
    Tensor(#[from] candle_core::Error),
}

impl DataError {
    /// A system error on `path` while doing `action`.
    pub(crate) fn io(path: &Path, action: &'static str, source: std::io::Error) -> Self {
        let cure = match source.kind() {
            std::io::ErrorKind::NotFound => "check the path",
            std::io::ErrorKind::PermissionDenied => "check the permissions",
            _ => "check the disk and the path",
        };
        Self::Io {
            path: path.to_owned(),
            action,
            source,
            cure: cure.to_owned(),
        }
    }

    /// A complaint about the content of a file.
    pub(crate) fn content(
        place: impl std::fmt::Display,
        expected: impl Into<String>,
        found: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self::Content {
            place: place.to_string(),
            expected: expected.into(),
            found: found.into(),
            cure: cure.into(),
        }
    }
}
