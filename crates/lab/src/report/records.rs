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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn committed_records_come_back_unchanged() {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/results"));
        let copy = tempfile::tempdir().unwrap();
        let copy = copy.path().join("records.json");
        let mut files = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let records = read_records(&path).unwrap();
            assert!(!records.is_empty(), "{}", path.display());
            write_records(&copy, &records).unwrap();
            let (old, new) = (fs::read(&path).unwrap(), fs::read(&copy).unwrap());
            assert!(old == new, "{} changes", path.display());
            files += 1;
        }
        assert!(files > 0, "{} has no records", folder.display());
    }
}
