//! Readers, one a format. Each returns an [`ImageSet`](super::ImageSet) whose pixels are as in the file.

pub(crate) mod cifar;
mod contain;
pub(super) mod decode;
pub(crate) mod folder;
pub(crate) mod idx;
pub(crate) mod parquet;
pub(crate) mod stl10;

use std::fs;
use std::path::{Path, PathBuf};

use super::DataError;

/// Images of one split take at most this many bytes; more would not fit into memory.
const MAX_SPLIT_BYTES: usize = 32 << 30;

/// The size of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
}

impl Size {
    /// Values of one image; sizes come from decoded images or checked headers.
    pub(crate) fn len(self) -> usize {
        self.height * self.width * self.channels
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}x{}", self.height, self.width, self.channels)
    }
}

/// The whole content of a file.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, DataError> {
    fs::read(path).map_err(|error| DataError::io(path, "read", error))
}

/// The entries of a folder, sorted by name with numbers compared as numbers.
pub(crate) fn entries(dir: &Path) -> Result<Vec<PathBuf>, DataError> {
    let refused = |error| DataError::io(dir, "read the folder", error);
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(refused)? {
        paths.push(entry.map_err(refused)?.path());
    }
    paths.sort_by_cached_key(|path| natural_key(&file_name(path)));
    Ok(paths)
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

/// Room for `images` images of `size`, or an error if that cannot fit into memory.
pub(crate) fn reserve(
    place: impl std::fmt::Display,
    images: usize,
    size: Size,
) -> Result<Vec<u8>, DataError> {
    let bytes = images
        .checked_mul(size.len())
        .filter(|&bytes| bytes <= MAX_SPLIT_BYTES);
    let mut pixels = Vec::new();
    match bytes {
        Some(bytes) if pixels.try_reserve_exact(bytes).is_ok() => Ok(pixels),
        _ => Err(DataError::content(
            place,
            format!("at most {} GiB of pixels", MAX_SPLIT_BYTES >> 30),
            format!("{images} images of {size}"),
            "use a smaller subset or smaller images",
        )),
    }
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
    fn errors() {
        let size = Size {
            height: 1 << 20,
            width: 1 << 20,
            channels: 3,
        };
        let message = reserve("big.bin", usize::MAX, size)
            .unwrap_err()
            .to_string();
        assert!(message.starts_with("big.bin: expected at most 32 GiB of pixels, found"));
        let message = read_file(Path::new("/no/such/file"))
            .unwrap_err()
            .to_string();
        assert!(
            message.starts_with("/no/such/file: cannot read: "),
            "{message}"
        );
        assert!(message.ends_with("; check the path"), "{message}");
    }
}
