//! What the fuzz targets share: a folder whose files are good but for the one that the fuzzer writes.

use std::fs;
use std::path::Path;

use lab::data::{Source, load};

/// The files of a good set of the layout: path and content.
pub type Files<'a> = &'a [(&'a str, &'a [u8])];

/// Loads the set `name` from a folder of `files`. An error must be one line; other images are no fault.
///
/// # Panics
/// When the error has more than a line, or the folder cannot be written.
pub fn check(name: &str, files: Files<'_>) {
    let dir = tempfile::tempdir().expect("a folder");
    for (path, content) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("a folder");
        fs::write(path, content).expect("a file");
    }
    if let Err(error) = load(name, &Source::Subset(dir.path().to_owned())) {
        let error = error.to_string();
        assert!(!error.contains('\n'), "{error}");
    }
}
