//! Files of a report: read without following links, written in one step.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::ReportError;
use crate::atomic;

/// Folders below this depth are not looked into.
const DEPTH: usize = 12;

/// The regular files below a folder, sorted, as paths that begin with it; none if there is no such folder.
///
/// The folder itself may be a link. Links below it are left out, so loops end and nothing outside is reached.
///
/// # Errors
/// A folder that cannot be read.
pub fn regular_files(folder: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let mut files = Vec::new();
    match folder.is_dir() {
        true => collect(folder, DEPTH, &mut files)?,
        false => return Ok(files),
    }
    files.sort();
    Ok(files)
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), ReportError> {
    let failed = |error| ReportError::io(folder, "read", error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        // The type of the entry itself: a link is neither a file nor a folder.
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_file() {
            files.push(entry.path());
        } else if kind.is_dir() && depth > 0 {
            collect(&entry.path(), depth - 1, files)?;
        }
    }
    Ok(())
}

/// The content of a regular file of at most `limit` bytes.
///
/// # Errors
/// A file that is none, is longer, or cannot be read.
pub(super) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, ReportError> {
    let failed = |error| ReportError::io(path, "read", error);
    let kind = fs::symlink_metadata(path).map_err(failed)?;
    if !kind.is_file() || kind.len() > limit {
        let wanted = format!("a regular file of at most {limit} bytes");
        return Err(failed(std::io::Error::other(format!("not {wanted}"))));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    // The file may have grown since.
    file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
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
