//! A list of picture files, kept small: a million of them take less than 100 MB.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::data::DataError;
use crate::data::hex::hex;
use crate::data::read::files::Root;

/// No picture file is larger: its pixels would not be allowed to be.
const MAX_BYTES: u64 = 256 << 20;
/// Files whose content the digest covers. Changing it changes every digest.
const HASHED: usize = 256;

/// Picture files below a folder, by their paths from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PictureFiles {
    root: Root,
    dir: PathBuf,
    /// All paths, one after the other, and where each ends.
    paths: String,
    ends: Vec<usize>,
    /// Bytes of each file.
    bytes: Vec<u32>,
    /// SHA-256 of the contents of some.
    content: String,
}

impl PictureFiles {
    /// The files at these paths below `dir`, of which 256 are read, evenly spaced.
    ///
    /// # Errors
    /// A file that is no regular file below the root, is empty or larger than any picture, or whose name is not in UTF-8.
    pub(crate) fn new(root: &Root, dir: &Path, files: &[PathBuf]) -> Result<Self, DataError> {
        let sizes: Vec<Result<u32, DataError>> =
            files.par_iter().map(|path| size(root, path)).collect();
        let (mut paths, mut ends) = (String::new(), Vec::with_capacity(files.len()));
        for path in files {
            let text = path.strip_prefix(dir).unwrap_or(path).to_str();
            let text = text.ok_or_else(|| {
                DataError::content(
                    path.display(),
                    "a name in UTF-8",
                    "other bytes",
                    "rename the file",
                )
            })?;
            paths.push_str(text);
            ends.push(paths.len());
        }
        let mut files = Self {
            root: root.clone(),
            dir: dir.to_owned(),
            paths,
            ends,
            bytes: sizes.into_iter().collect::<Result<_, _>>()?,
            content: String::new(),
        };
        files.content = files.hash_some()?;
        Ok(files)
    }

    /// SHA-256 of the SHA-256 of each of the contents that the digest covers.
    fn hash_some(&self) -> Result<String, DataError> {
        let sample = evenly(self.len(), HASHED);
        let content = |&index: &u32| Ok(Sha256::digest(self.read(index as usize)?.1));
        let hashes: Vec<Result<_, DataError>> = sample.par_iter().map(content).collect();
        let mut hash = Sha256::new();
        for content in hashes {
            hash.update(content?);
        }
        Ok(hex(&hash.finalize()))
    }

    /// SHA-256 of the contents of 256 files, evenly spaced.
    pub(crate) fn content(&self) -> &str {
        &self.content
    }

    /// Number of files.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The path of a file from the folder, and its size in bytes.
    pub(crate) fn entry(&self, index: usize) -> Option<(&str, u32)> {
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        let path = self.paths.get(start..*self.ends.get(index)?)?;
        Some((path, *self.bytes.get(index)?))
    }

    /// A file's path and content.
    ///
    /// # Errors
    /// A file that is not as it was when the list was made.
    pub(crate) fn read(&self, index: usize) -> Result<(PathBuf, Vec<u8>), DataError> {
        let (path, bytes) = self.entry(index).unwrap_or_default();
        let path = self.dir.join(path);
        let len = self.root.file_len(&path)?;
        if len != u64::from(bytes) {
            return Err(DataError::content(
                path.display(),
                format!("{bytes} bytes, as when the pictures were listed"),
                len.to_string(),
                "leave the files alone while they are read, and start again",
            ));
        }
        let content = self.root.read(&path)?;
        Ok((path, content))
    }
}

/// At most `count` indices below `all`, evenly spaced.
pub(crate) fn evenly(all: usize, count: usize) -> Vec<u32> {
    let (all, count) = (all as u64, count.min(all) as u64);
    (0..count).map(|at| (at * all / count) as u32).collect()
}

fn size(root: &Root, path: &Path) -> Result<u32, DataError> {
    let len = root.file_len(path)?;
    match u32::try_from(len) {
        Ok(bytes) if len > 0 && len <= MAX_BYTES => Ok(bytes),
        _ => Err(DataError::content(
            path.display(),
            format!("a picture of 1 to {MAX_BYTES} bytes"),
            format!("{len} bytes"),
            "fetch the file again, or use a smaller picture",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn list(dir: &Path, names: &[&str]) -> Result<PictureFiles, DataError> {
        let paths: Vec<PathBuf> = names.iter().map(|name| dir.join(name)).collect();
        PictureFiles::new(&Root::new(dir)?, dir, &paths)
    }

    #[test]
    fn files_are_found_by_index() -> Result<(), DataError> {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("a.png"), "aaa").expect("a file");
        fs::write(dir.path().join("äb.png"), "b").expect("a file");
        let files = list(dir.path(), &["äb.png", "a.png"])?;
        assert_eq!(files.len(), 2);
        assert_eq!(files.entry(0), Some(("äb.png", 1)));
        assert_eq!(files.entry(1), Some(("a.png", 3)));
        assert_eq!(files.entry(2), None);
        assert_eq!(files.read(1)?.1, b"aaa");
        Ok(())
    }

    #[test]
    fn errors() -> Result<(), DataError> {
        let dir = tempfile::tempdir().expect("a folder");
        let text = |name: &str| list(dir.path(), &[name]).expect_err("accepted").to_string();
        fs::write(dir.path().join("empty.png"), "").expect("a file");
        assert!(text("none.png").contains("none.png: cannot read"));
        let empty = text("empty.png");
        assert!(
            empty.contains("empty.png: expected a picture of 1 to 268435456 bytes, found 0 bytes"),
            "{empty}"
        );
        fs::write(dir.path().join("a.png"), "aaa").expect("a file");
        let files = list(dir.path(), &["a.png"])?;
        fs::write(dir.path().join("a.png"), "aaaa").expect("a file");
        let text = files.read(0).expect_err("accepted").to_string();
        assert!(text.contains("a.png: expected 3 bytes, as when"), "{text}");
        Ok(())
    }
}
