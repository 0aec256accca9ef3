//! What can go wrong in reports, each as one line: where, what, the cure.

use std::path::{Path, PathBuf};

/// Why a report could not be made or checked.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The operating system refused to read or write a file or folder.
    #[error("{}: cannot {action}: {source}; {cure}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried, such as "write".
        action: &'static str,
        /// The system's answer.
        source: std::io::Error,
        /// What to do about it.
        cure: &'static str,
    },
    /// A file of records is not what it should be.
    #[error("{}: not a list of records: {reason}; remove it or write it again with the command that measures it", path.display())]
    Records {
        /// The file.
        path: PathBuf,
        /// What the parser says.
        reason: String,
    },
    /// A document's markers are wrong.
    #[error("{place}: {reason}; {cure}")]
    Marker {
        /// File and line.
        place: String,
        /// What is wrong.
        reason: String,
        /// What to do about it.
        cure: String,
    },
    /// A figure cannot be drawn from this.
    #[error("figure {title:?}: {argument} is {found}, wanted {wanted}")]
    Figure {
        /// The figure's title.
        title: String,
        /// What does not fit.
        argument: String,
        /// What came.
        found: String,
        /// What was wanted.
        wanted: String,
    },
    /// The page cannot be served at an address.
    #[error(
        "cannot serve the page at {address}: {source}; choose another address, such as 127.0.0.1:0 for any free port"
    )]
    Address {
        /// The address.
        address: std::net::SocketAddr,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A word that names nothing.
    #[error("unknown {what} {word:?}; known are {known}")]
    UnknownWord {
        /// What it should name, such as "scale".
        what: &'static str,
        /// The word.
        word: String,
        /// The words that would do.
        known: String,
    },
    /// The page's template failed; this is a bug.
    #[error("report page: {0}; this is a bug, please report it")]
    Template(String),
    /// A picture could not be encoded; this is a bug.
    #[error("picture: {0}; this is a bug, please report it")]
    Picture(String),
}

impl ReportError {
    /// A system error on `path` while doing `action`.
    pub(crate) fn io(path: &Path, action: &'static str, source: std::io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            action,
            cure: crate::train::io_cure(&source),
            source,
        }
    }
}
