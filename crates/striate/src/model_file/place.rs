//! Files beside a model file.

use std::path::{Component, Path, PathBuf};

use candle_core::{Result, bail};

/// The file `name` in the folder of the file at `path`.
///
/// # Errors
/// A name that is not one of a file: it comes from a file too.
pub(super) fn beside(path: &Path, name: &str) -> Result<PathBuf> {
    let mut parts = Path::new(name).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(only)), None) if only == name => Ok(path.with_file_name(name)),
        _ => bail!(
            "{}: {name:?} is no file name; give one without folders",
            path.display()
        ),
    }
}
