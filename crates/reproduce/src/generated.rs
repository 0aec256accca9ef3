//! Files of the repository that are made from other files of it.

use std::path::Path;

use anyhow::Result;
use lab::report::write_file;

/// Writes the file `shown` below `root` if it is not `text`, and names it; with `check` it is not written.
pub(crate) fn renew(root: &Path, shown: &str, text: &str, check: bool) -> Result<Option<String>> {
    let path = root.join(shown);
    if std::fs::read_to_string(&path).is_ok_and(|old| old == text) {
        return Ok(None);
    }
    if !check {
        write_file(&path, text.as_bytes())?;
    }
    Ok(Some(shown.to_owned()))
}
