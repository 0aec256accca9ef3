//! Finding the checkpoint to go on from.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::super::TrainError;
use super::super::identity::sha256;
use super::state::State;
use super::{AFRESH, OPTIMIZER, STATE, WEIGHTS};
use crate::{atomic, regular};

/// A whole checkpoint.
pub(super) struct Found {
    pub(super) folder: PathBuf,
    pub(super) state: State,
    /// What is wrong with a newer one.
    pub(super) damage: Option<String>,
}

/// The newest whole checkpoint; `None` if there is none at all, an error if all are damaged.
pub(super) fn newest(folder: &Path) -> Result<Option<Found>, TrainError> {
    let mut damage = Vec::new();
    for folder in [folder.to_owned(), atomic::beside(folder, ".old")] {
        if !folder.exists() {
            continue;
        }
        match read(&folder) {
            Ok(state) => {
                let damage = damage.pop();
                return Ok(Some(Found {
                    folder,
                    state,
                    damage,
                }));
            }
            Err(Defect::Damaged(reason)) => damage.push(reason),
            Err(Defect::Denied(error)) => return Err(error),
        }
    }
    match damage.is_empty() {
        true => Ok(None),
        false => Err(TrainError::checkpoint(folder, damage.join("; "), AFRESH)),
    }
}

/// Why a checkpoint cannot be used.
enum Defect {
    /// What is wrong with it.
    Damaged(String),
    /// The system does not let us read it, which says nothing about it.
    Denied(TrainError),
}

/// Reads a checkpoint's state and checks every byte of its files.
fn read(folder: &Path) -> Result<State, Defect> {
    let damaged = |name: &str, reason: &str| {
        let place = folder.file_name().unwrap_or_default().to_string_lossy();
        Defect::Damaged(format!("{place}/{name} {reason}"))
    };
    let content = |name: &str| {
        let path = folder.join(name);
        regular::read(&path, u64::MAX).map_err(|error| match error.kind() {
            ErrorKind::PermissionDenied => Defect::Denied(TrainError::io(&path, "read", error)),
            ErrorKind::NotFound => damaged(name, "is missing"),
            _ => damaged(name, &format!("cannot be read: {error}")),
        })
    };
    let text = content(STATE)?;
    let state = State::from_text(&String::from_utf8_lossy(&text));
    let state = state.map_err(|reason| damaged(STATE, &reason))?;
    for name in [WEIGHTS, OPTIMIZER] {
        if state.files.get(name) != Some(&sha256(&content(name)?)) {
            let reason = "was truncated or changed: its content does not fit its SHA-256";
            return Err(damaged(name, reason));
        }
    }
    Ok(state)
}
