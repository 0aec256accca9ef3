//! Files of a report: read without following links, written in one step.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::ReportError;
use crate::{atomic, regular};

/// Folders below this depth are not looked into.
const DEPTH: usize = 12;

/// The regular files below a folder, sorted, as paths that begin with it; none if there is no such folder.
///
/// The folder itself may be a link. Links below it are left out, so loops end and nothing outside is reached.
/// What vanishes below it while it is read, as the folder of a checkpoint that is renamed, is passed over.
///
/// # Errors
/// A folder that cannot be read.
pub fn regular_files(folder: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let mut files = Vec::new();
    match folder.is_dir() {
        true => {
            let entries = fs::read_dir(folder);
            let entries = entries.map_err(|error| ReportError::io(folder, "read", error))?;
            collect(folder, entries, DEPTH, &mut files)?;
        }
        false => return Ok(files),
    }
    files.sort();
    Ok(files)
}

fn collect(
    folder: &Path,
    entries: fs::ReadDir,
    depth: usize,
    files: &mut Vec<PathBuf>,
) -> Result<(), ReportError> {
    for entry in entries {
        let Some(entry) = unless_gone(folder, entry)? else {
            break;
        };
        let path = entry.path();
        // The type of the entry itself: a link is neither a file nor a folder.
        let Some(kind) = unless_gone(&path, entry.file_type())? else {
            continue;
        };
        if kind.is_file() {
            files.push(path);
        } else if kind.is_dir()
            && depth > 0
            && let Some(entries) = unless_gone(&path, fs::read_dir(&path))?
        {
            collect(&path, entries, depth - 1, files)?;
        }
    }
    Ok(())
}

/// What was read of a path, nothing if the path is gone.
fn unless_gone<T>(path: &Path, read: std::io::Result<T>) -> Result<Option<T>, ReportError> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ReportError::io(path, "read", error)),
    }
}

/// The content of a regular file of at most `limit` bytes.
///
/// # Errors
/// A file that is none, is longer, or cannot be read.
pub(super) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, ReportError> {
    regular::read(path, limit).map_err(|error| ReportError::io(path, "read", error))
}

/// Writes a file in one step and makes its folder: a failure, such as a full disk, leaves an older file whole.
///
/// # Errors
/// A folder that cannot be made or written to.
pub fn write(path: &Path, content: &[u8]) -> Result<(), ReportError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|e| ReportError::io(folder, "make", e))?;
    }
    atomic::write(path, content).map_err(|e| ReportError::io(path, "write", e))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn a_folder_that_vanishes_meanwhile_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let (fresh, whole) = (root.join("checkpoint.new"), root.join("checkpoint"));
        fs::create_dir(&fresh).unwrap();
        fs::write(fresh.join("state.toml"), "step = 1").unwrap();
        let is_over = AtomicBool::new(false);
        let listings: Vec<_> = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    fs::rename(&fresh, &whole).unwrap();
                    fs::rename(&whole, &fresh).unwrap();
                }
            });
            let listings = (0..1000).map(|_| regular_files(root)).collect();
            is_over.store(true, Ordering::Relaxed);
            listings
        });
        for listing in listings {
            listing.unwrap();
        }
        let read = |path: &Path| unless_gone(path, fs::read_dir(path));
        assert!(read(&root.join("none")).unwrap().is_none());
        assert!(read(&fresh.join("state.toml")).is_err());
    }

    #[test]
    fn links_are_left_out() {
        let outside = tempfile::tempdir().unwrap();
        let secret = outside.path().join("secret.png");
        fs::write(&secret, "secret").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("a/b/own.png"), "own").unwrap();
        symlink(&secret, root.join("a/file.png")).unwrap();
        symlink(outside.path(), root.join("a/folder")).unwrap();
        symlink(".", root.join("loop")).unwrap();
        symlink("..", root.join("a/b/up")).unwrap();
        assert_eq!(regular_files(root).unwrap(), [root.join("a/b/own.png")]);
        assert_eq!(
            regular_files(&root.join("none")).unwrap(),
            Vec::<PathBuf>::new()
        );
        assert!(read(&root.join("a/file.png"), 100).is_err());
        assert_eq!(read(&root.join("a/b/own.png"), 3).unwrap(), b"own");
        assert!(read(&root.join("a/b/own.png"), 2).is_err());
    }
}
