//! Regular files: a link, a pipe or a device in a run folder is refused before it is opened.

use std::fs::{self, File};
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// Refuses what is at `path` if it is something else than a regular file; nothing may be there.
///
/// A link would lead elsewhere, a pipe would wait for its other end, and a device may never end.
pub(crate) fn check(path: &Path) -> Result<()> {
    match len(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        looked => looked.map(drop),
    }
}

/// The length of a regular file.
fn len(path: &Path) -> Result<u64> {
    let there = fs::symlink_metadata(path)?;
    match there.is_file() {
        true => Ok(there.len()),
        false => Err(Error::other("not a regular file; remove it")),
    }
}

/// The content of a regular file of at most `limit` bytes.
///
/// # Errors
/// A file that is none, is longer, or cannot be read.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let len = len(path)?;
    if len > limit {
        return Err(Error::other(format!("longer than {limit} bytes")));
    }
    let mut bytes = Vec::new();
    // Room for all at once: it grows by doubling otherwise.
    bytes.try_reserve_exact(usize::try_from(len).unwrap_or(usize::MAX))?;
    // The file may have grown since.
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_regular_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| folder.path().join(name));
        fs::write(&file, "own").unwrap();
        symlink("/dev/zero", &link).unwrap();
        assert_eq!(read(&file, 3).unwrap(), b"own");
        let refused = |path: &Path, limit, said: &str| {
            let error = read(path, limit).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        };
        refused(&file, 2, "longer than 2 bytes");
        refused(&link, 3, "not a regular file");
        refused(Path::new("/dev/zero"), 3, "not a regular file");
        refused(folder.path(), 3, "not a regular file");
        assert!(check(&folder.path().join("none")).is_ok());
        assert!(read(&folder.path().join("none"), 3).is_err());
    }
}
