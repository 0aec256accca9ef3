//! Files that appear under their name only when they are complete.
//!
//! A file is written beside its place, as `NAME.PID-N.partial`, and renamed.
//! Its writer holds an advisory lock on it, so that a file left by a dead process can be distinguished from one in use,
//! on a shared file system too; see [`sweep`].

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Result, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A partial file of a writer that takes no lock is left alone until nothing has changed in it for this long.
const ABANDONED: Duration = Duration::from_secs(3600);

/// Writes a file in one step: a reader sees the old content or the new, never a part, even after a power failure.
///
/// A failure, such as a full disk, leaves the old file as it was; the new file keeps the permissions of the old one.
/// Partial files that dead processes left in the same folder are removed.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("table.md");
/// lab::atomic::write(&path, b"| error |")?;
/// assert_eq!(std::fs::read(&path)?, b"| error |");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// A folder that does not exist, a full disk, missing permissions.
pub fn write(path: &Path, content: &[u8]) -> Result<()> {
    let folder = parent(path);
    sweep(folder);
    let mut partial = Partial::create(path)?;
    if let Ok(old) = fs::metadata(path) {
        partial.file.set_permissions(old.permissions())?;
    }
    partial.file.write_all(content)?;
    partial.file.sync_all()?;
    fs::rename(&partial.path, path)?;
    partial.renamed = true;
    sync_folder(folder)
}

/// Removes the partial files in `folder` (not below it) whose writers are dead.
///
/// What cannot be removed, or may still be in use, stays.
pub fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if let Some(owner) = name.to_str().and_then(owner)
            && entry.file_type().is_ok_and(|kind| kind.is_file())
        {
            remove_if_abandoned(&entry.path(), owner);
        }
    }
}

/// Who writes a partial file, according to its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Owner {
    /// [`write`], which holds a lock.
    Locked,
    /// A writer without a lock: `NAME.PID.partial`.
    Unlocked,
}

fn owner(name: &str) -> Option<Owner> {
    let (_, id) = name.strip_suffix(".partial")?.rsplit_once('.')?;
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match id.split_once('-') {
        Some((pid, nth)) => (number(pid) && number(nth)).then_some(Owner::Locked),
        None => number(id).then_some(Owner::Unlocked),
    }
}

fn remove_if_abandoned(path: &Path, owner: Owner) {
    let Ok(file) = File::options().write(true).open(path) else {
        return;
    };
    let quiet = || {
        let changed = file.metadata().and_then(|metadata| metadata.modified());
        changed.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > ABANDONED))
    };
    if file.try_lock().is_ok() && (owner == Owner::Locked || quiet()) {
        // A file that cannot be removed only takes up room.
        let _ = fs::remove_file(path);
    }
}

/// A file on its way; removed unless it was renamed.
struct Partial {
    path: PathBuf,
    file: File,
    renamed: bool,
}

impl Partial {
    fn create(target: &Path) -> Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        loop {
            let nth = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = beside(target, &format!(".{}-{nth}.partial", std::process::id()));
            let file = match File::create_new(&path) {
                // Left by an earlier process of this number, or of another machine.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                created => created?,
            };
            let swept = match file.try_lock() {
                Err(TryLockError::WouldBlock) => true,
                // Where there are no locks nobody sweeps.
                Ok(()) | Err(TryLockError::Error(_)) => !path.exists(),
            };
            // Between creation and lock a sweep may have taken the file for abandoned.
            if !swept {
                let renamed = false;
                return Ok(Self {
                    path,
                    file,
                    renamed,
                });
            }
        }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.renamed {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes the names in a folder survive a power failure.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    // Elsewhere a folder cannot be opened.
    match cfg!(unix) {
        true => File::open(folder)?.sync_all(),
        false => Ok(()),
    }
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// The path with something appended to its last part.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Removes a folder and all in it; it is fine if there is none.
pub(crate) fn remove_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests;
