//! Files and folders that appear under their name only when they are complete.

use std::fs::{self, File};
use std::io::{Result, Write};
use std::path::{Path, PathBuf};

/// Writes a file in one step: a reader sees the old content or the new, never a part.
///
/// A failure, such as a full disk, leaves the old file as it was.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<()> {
    let partial = beside(path, &format!(".{}.partial", std::process::id()));
    let written = File::create(&partial).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&partial, path)
    });
    if written.is_err() {
        // The partial file may not exist; the first error is the one worth reporting.
        let _ = fs::remove_file(&partial);
    }
    written
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
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write(&path, b"old").unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");

        // The partial file cannot be created: a folder has its name.
        let partial = beside(&path, &format!(".{}.partial", std::process::id()));
        fs::create_dir(&partial).unwrap();
        assert!(write(&path, b"newer").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"new");
        remove_folder(&partial).unwrap();
        remove_folder(&partial).unwrap();
    }
}
