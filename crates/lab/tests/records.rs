//! The committed records: they load, and nothing of them changes when they are written back.

use std::fs;
use std::path::Path;

use lab::report::{read_records, write_records};

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
