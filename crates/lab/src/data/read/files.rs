//! Files and folders below the one that the user named, and nothing else.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::data::DataError;

/// A larger file is no part of a data set that fits into memory.
const MAX_FILE_BYTES: u64 = 32 << 30;
const OUTSIDE: &str = "copy what the link points to into the folder";

/// The folder that the user named: only regular files below it are read.
///
/// Links are followed as long as they stay below the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Root {
    folder: PathBuf,
}

impl Root {
    /// # Errors
    /// When there is no such folder.
    pub(crate) fn new(folder: &Path) -> Result<Self, DataError> {
        if folder.is_file() {
            let cure = "give the folder that holds it";
            return Err(DataError::content(
                folder.display(),
                "a folder",
                "a file",
                cure,
            ));
        }
        let refused = |error| DataError::io(folder, "read the folder", error);
        let folder = fs::canonicalize(folder).map_err(refused)?;
        Ok(Self { folder })
    }

    /// The size of a file in bytes.
    ///
    /// # Errors
    /// When it is not a regular file below the folder.
    pub(crate) fn file_len(&self, path: &Path) -> Result<u64, DataError> {
        let failed = |error| DataError::io(path, "read", error);
        let real = fs::canonicalize(path).map_err(failed)?;
        let refused = |found: &str, cure: &str| {
            let expected = format!("a regular file below {}", self.folder.display());
            Err(DataError::content(path.display(), expected, found, cure))
        };
        if !real.starts_with(&self.folder) {
            return refused("a path that leaves it", OUTSIDE);
        }
        // Asked before the file is opened: opening a pipe waits for its other end.
        let metadata = fs::metadata(&real).map_err(failed)?;
        if metadata.is_dir() {
            return refused("a folder", "remove it or put the file in its place");
        }
        if !metadata.is_file() {
            return refused("a device, a pipe or a socket", "put a file in its place");
        }
        if metadata.len() > MAX_FILE_BYTES {
            let found = format!("one of {} GiB", metadata.len() >> 30);
            return refused(&found, "use a smaller subset");
        }
        Ok(metadata.len())
    }

    /// The size of several files in bytes; one that is named twice counts once.
    ///
    /// # Errors
    /// Those of [`file_len`](Self::file_len).
    pub(crate) fn total_len<'a>(
        &self,
        paths: impl Iterator<Item = &'a PathBuf>,
    ) -> Result<u64, DataError> {
        let mut seen = BTreeSet::new();
        let mut bytes = 0u64;
        for path in paths {
            let len = self.file_len(path)?;
            if let Ok(real) = fs::canonicalize(path)
                && seen.insert(real)
            {
                bytes = bytes.saturating_add(len);
            }
        }
        Ok(bytes)
    }

    /// Opens a file; the second value is its size in bytes.
    ///
    /// # Errors
    /// Those of [`file_len`](Self::file_len).
    pub(crate) fn open(&self, path: &Path) -> Result<(File, u64), DataError> {
        let len = self.file_len(path)?;
        match File::open(path) {
            Ok(file) => Ok((file, len)),
            Err(error) => Err(DataError::io(path, "read", error)),
        }
    }

    /// The whole content of a file.
    ///
    /// # Errors
    /// Those of [`file_len`](Self::file_len), and where memory does not suffice.
    pub(crate) fn read(&self, path: &Path) -> Result<Vec<u8>, DataError> {
        let failed = |error| DataError::io(path, "read", error);
        let (file, len) = self.open(path)?;
        let mut content = Vec::new();
        let room = usize::try_from(len).unwrap_or(usize::MAX);
        if content.try_reserve_exact(room).is_err() {
            return Err(failed(std::io::ErrorKind::OutOfMemory.into()));
        }
        // What is appended meanwhile is not read.
        file.take(len).read_to_end(&mut content).map_err(failed)?;
        Ok(content)
    }

    /// The entries of a folder, sorted by name with numbers compared as numbers.
    ///
    /// Links to a folder that holds the entry itself are left out, so that no walk goes in circles.
    pub(crate) fn entries(&self, folder: &Path) -> Result<Vec<PathBuf>, DataError> {
        let refused = |error| DataError::io(folder, "read the folder", error);
        let real = fs::canonicalize(folder).map_err(refused)?;
        if !real.starts_with(&self.folder) {
            let expected = format!("a folder below {}", self.folder.display());
            let found = "a path that leaves it";
            return Err(DataError::content(
                folder.display(),
                expected,
                found,
                OUTSIDE,
            ));
        }
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(refused)? {
            let entry = entry.map_err(refused)?;
            let path = entry.path();
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            let circles =
                is_link && fs::canonicalize(&path).is_ok_and(|target| real.starts_with(target));
            if !circles {
                paths.push(path);
            }
        }
        paths.sort_by_cached_key(|path| natural_key(&file_name(path)));
        Ok(paths)
    }
}

/// The last part of a path as text.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// A sort key under which `img2` comes before `img10`: text and numbers in turns.
/// The whole name comes last, so that names such as `1` and `01` keep a fixed order.
pub(crate) fn natural_key(name: &str) -> (Vec<(String, usize, String)>, String) {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (text, tail) = rest.split_at(digits);
        let end = tail
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (number, tail) = tail.split_at(end);
        let number = number.trim_start_matches('0');
        // A longer number is the larger one; equal lengths compare as text.
        parts.push((text.to_owned(), number.len(), number.to_owned()));
        rest = tail;
    }
    (parts, name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_number() {
        let mut names = ["b1", "10", "a", "2", "a10", "a9b", "01", "1", "a9"];
        names.sort_by_cached_key(|name| natural_key(name));
        assert_eq!(names, ["01", "1", "2", "10", "a", "a9", "a9b", "a10", "b1"]);
    }

    #[test]
    fn a_missing_file_is_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = Root::new(dir.path()).expect("a root");
        let message = root.read(&dir.path().join("none")).unwrap_err().to_string();
        assert!(message.contains("none: cannot read: "), "{message}");
        assert!(message.ends_with("; check the path"), "{message}");
    }

    #[cfg(unix)]
    #[test]
    fn only_regular_files_below_the_folder_are_read() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().expect("a folder");
        let data = dir.path().join("data");
        fs::create_dir_all(data.join("deep")).expect("folders");
        fs::write(data.join("deep/file"), "inside").expect("a file");
        fs::write(dir.path().join("secret"), "outside").expect("a file");
        symlink("deep/file", data.join("inner")).expect("a link");
        symlink("../secret", data.join("outer")).expect("a link");
        symlink("/dev/zero", data.join("device")).expect("a link");
        symlink(".", data.join("circle")).expect("a link");
        let root = Root::new(&data).expect("a root");
        assert_eq!(root.read(&data.join("inner")).expect("read"), b"inside");
        for (path, found) in [
            ("outer", "a path that leaves it"),
            ("device", "a path that leaves it"),
            ("../secret", "a path that leaves it"),
            ("deep", "a folder"),
        ] {
            let message = root.read(&data.join(path)).unwrap_err().to_string();
            assert!(message.contains(found), "{path}: {message}");
            assert!(!message.contains("outside"), "{message}");
        }
        let dev = Root::new(Path::new("/dev")).expect("a root");
        let message = dev.read(Path::new("/dev/zero")).unwrap_err().to_string();
        assert!(message.contains("found a device, a pipe"), "{message}");
        let names: Vec<String> = root
            .entries(&data)
            .expect("entries")
            .iter()
            .map(|path| file_name(path))
            .collect();
        assert_eq!(names, ["deep", "device", "inner", "outer"]);
        assert!(root.entries(&data.join("circle/circle")).is_ok());
        assert!(root.entries(dir.path()).is_err());
    }
}
