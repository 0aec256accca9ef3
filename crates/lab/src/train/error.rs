//! What can go wrong in training, each as one line: what, what came, what was wanted, the cure.

use std::path::{Path, PathBuf};

use super::Holder;
use crate::data::DataError;

/// Why a run could not be trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A setting of the recipe means nothing.
    #[error("recipe: {key} is {found}, wanted {wanted}")]
    Recipe {
        /// The setting, as a path of keys.
        key: String,
        /// Its value.
        found: String,
        /// What would be accepted.
        wanted: String,
    },
    /// A recipe or settings file is not what it should be.
    #[error("{place}: {reason}")]
    Parse {
        /// The file, or "recipe".
        place: String,
        /// What the parser says; it names an unknown key and lists the known ones.
        reason: String,
    },
    /// No tensor fits the pattern of a group.
    #[error("recipe: no tensor fits the group {pattern:?}; the tensors are {known}")]
    EmptyGroup {
        /// The group's pattern.
        pattern: String,
        /// All tensor names.
        known: String,
    },
    /// Every tensor that fits a group belongs to an earlier one.
    #[error(
        "recipe: earlier groups take every tensor of the group {pattern:?}; put it before them"
    )]
    ShadowedGroup {
        /// The group's pattern.
        pattern: String,
    },
    /// The loss is no longer a number.
    #[error(
        "the loss is {loss} in step {step} (epoch {epoch}, learning rate {lr}); \
         lower optimizer.lr (try a third), add schedule.warmup_epochs, or check that the images hold only numbers"
    )]
    NotFinite {
        /// The loss: NaN or infinite.
        loss: f32,
        /// The training step, from 1.
        step: u64,
        /// The epoch, from 1.
        epoch: usize,
        /// The learning rate of the step.
        lr: f64,
    },
    /// A checkpoint cannot be used.
    #[error("{}: {reason}; {cure}", path.display())]
    Checkpoint {
        /// The checkpoint's folder or the file in it.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What to do about it.
        cure: String,
    },
    /// Another process uses the run folder.
    #[error(
        "{}: {} uses this run folder; wait until it ends, or choose another folder",
        folder.display(), super::lock::who(by.as_ref())
    )]
    Held {
        /// The run folder.
        folder: PathBuf,
        /// Who uses it, if that can be read.
        by: Option<Holder>,
    },
    /// The run folder was removed or replaced while the run was using it.
    #[error(
        "{}: this run folder was removed or replaced while the run was using it, so what the run writes is lost; \
         start it again and leave its folder in place until it has ended",
        folder.display()
    )]
    FolderGone {
        /// The run folder.
        folder: PathBuf,
    },
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
    /// The data does not fit.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The tensor library refused; the message names the op.
    #[error("training: {0}")]
    Tensor(#[from] candle_core::Error),
}

impl TrainError {
    /// A setting that means nothing.
    pub(crate) fn recipe(
        key: impl Into<String>,
        found: impl Into<String>,
        wanted: impl Into<String>,
    ) -> Self {
        Self::Recipe {
            key: key.into(),
            found: found.into(),
            wanted: wanted.into(),
        }
    }

    /// A checkpoint that cannot be used.
    pub(crate) fn checkpoint(
        path: &Path,
        reason: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self::Checkpoint {
            path: path.to_owned(),
            reason: reason.into(),
            cure: cure.into(),
        }
    }

    /// A system error on `path` while doing `action`.
    pub(crate) fn io(path: &Path, action: &'static str, source: std::io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            action,
            cure: io_cure(&source),
            source,
        }
    }
}

/// What to do about an answer of the operating system.
pub(crate) fn io_cure(source: &std::io::Error) -> &'static str {
    use std::io::ErrorKind;
    match source.kind() {
        ErrorKind::NotFound => "check the path",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "check the permissions",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space on the disk",
        ErrorKind::Unsupported => "choose a folder on another file system",
        _ => "check the disk and the path",
    }
}
