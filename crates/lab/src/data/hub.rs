//! Data sets of the hub.

use std::path::PathBuf;

use super::DataError;

/// The folder that holds the files of `name`, after downloading what is missing.
pub(crate) fn fetch(name: &str) -> Result<PathBuf, DataError> {
    Err(DataError::Download {
        what: name.to_owned(),
        reason: "this program was built without downloads".to_owned(),
        cure: "fetch the files by hand and give their folder (docs/data.md)".to_owned(),
    })
}
