//! Finding the checkpoint to go on from, and finished runs.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::super::identity::sha256;
use super::super::{Identity, TrainError, TrainLog};
use super::state::State;
use super::{AFRESH, FOLDER, OPTIMIZER, STATE, WEIGHTS};
use crate::atomic;

/// What a finished run left: its history and its trained network.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// The run's history.
    pub log: TrainLog,
    /// Number of trained values, as [`striate::Parameters::count`] gave it.
    pub parameters: usize,
    /// The file of the trained weights.
    pub weights: PathBuf,
}

impl Finished {
    /// The finished run of this identity in a run folder; `None` if there is no such run.
    ///
    /// A run that goes on, was interrupted, has another identity or whose checkpoint is damaged is none.
    /// Every byte of the checkpoint is checked.
    /// Take the folder's [`RunLock`](crate::train::RunLock) first: without it another process may be training just this run.
    ///
    /// # Errors
    /// A checkpoint that the system does not let us read.
    pub fn find(folder: &Path, identity: &Identity) -> Result<Option<Self>, TrainError> {
        let folder = folder.join(FOLDER);
        let state = match read(&folder) {
            Ok(state) => state,
            Err(Defect::Damaged(_)) => return Ok(None),
            Err(Defect::Denied(error)) => return Err(error),
        };
        let ours = state.position.finished && state.identity.digest() == identity.digest();
        Ok(ours.then(|| Self {
            log: state.position.log,
            parameters: state.parameters,
            weights: folder.join(WEIGHTS),
        }))
    }
}

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
        fs::read(&path).map_err(|error| match error.kind() {
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
