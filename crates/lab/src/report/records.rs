//! Files of records.

use std::path::Path;

use super::{Record, ReportError, files};

/// A longer file is not read: 64 MiB.
const LONGEST: u64 = 64 << 20;

/// Writes a file of records in one step, and makes its folder.
///
/// # Errors
/// A folder that cannot be made or written to.
pub fn write_records(path: &Path, records: &[Record]) -> Result<(), ReportError> {
    let text = serde_json::to_string_pretty(records).map_err(|error| ReportError::Records {
        path: path.to_owned(),
        reason: format!("cannot be written as JSON: {error}"),
    })?;
    let text = format!("{text}\n");
    files::write(path, text.as_bytes())
}

/// Reads a file of records.
///
/// # Errors
/// A link or anything else that is no regular file, a file above 64 MiB, one that cannot be read or holds something else.
pub fn read_records(path: &Path) -> Result<Vec<Record>, ReportError> {
    serde_json::from_slice(&files::read(path, LONGEST)?).map_err(|error| ReportError::Records {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}
