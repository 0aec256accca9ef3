//! Damaged data files of every layout that is read.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::damage::{ADDRESS_SPACE, damage_one};
use super::draw::Draw;
use super::program::Call;
use super::stage::Stage;
use crate::workspace;

/// Small sets below crates/lab/tests/fixtures, and the names by which they are read.
///
/// The name of no known set leaves open how many images there are, so that damage is not noticed by that alone.
const SETS: [(&str, &str); 11] = [
    ("cifar10/bin", "own"),
    ("cifar10/parquet", "own"),
    ("cifar10/png", "own"),
    ("cifar100/bin", "own"),
    ("cifar100/parquet", "own"),
    ("jpeg", "own"),
    ("strokes/idx", "own"),
    ("strokes/idx-gz", "own"),
    ("strokes/parquet", "own"),
    ("strokes/parquet-folders", "own"),
    ("svhn-numbers", "svhn-numbers-64"),
];

/// Up to so many files are damaged at once.
const MOST_DAMAGE: usize = 3;
/// The calls of a try, which are short.
const CALLS: usize = 20;
/// Memory that a reader of these small sets may take.
const MOST_MEMORY: u64 = 512 << 20;

/// A copy of a set, some of it damaged: read or refused, in bounded memory.
pub(super) fn read(stage: &Stage, draw: &mut Draw) -> Result<()> {
    for number in 0..CALLS {
        let (set, name) = draw.one(&SETS);
        let folder = stage.path(&format!("data-{number}"));
        let from = workspace::root()
            .join("crates/lab/tests/fixtures")
            .join(set);
        let mut files = Vec::new();
        copy(&from, &folder, &mut files)?;
        let mut done = vec![(*set).to_owned()];
        for _ in 0..=draw.below(MOST_DAMAGE) {
            done.push(damage_one(&files, draw)?);
        }
        let call = Call::new(&format!("data verify {name} --data")).arg(&folder);
        let call = call.address_space(ADDRESS_SPACE);
        let ended = stage.run(&call, &format!("verify-{number}"))?;
        let said = || done.join(", ");
        ended.success_or_refusal().with_context(said)?;
        let peak = ended.peak.unwrap_or_default();
        ensure!(
            peak <= MOST_MEMORY,
            "{}: it took {} MiB",
            said(),
            peak >> 20
        );
        fs::remove_dir_all(&folder).with_context(|| format!("remove {}", folder.display()))?;
    }
    Ok(())
}

/// Copies a folder, and lists the files of the copy in order.
fn copy(from: &Path, to: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("create {}", to.display()))?;
    let entries = fs::read_dir(from).with_context(|| format!("read {}", from.display()))?;
    let mut entries = entries.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &place, files)?;
        } else {
            fs::copy(entry.path(), &place).with_context(|| format!("write {}", place.display()))?;
            files.push(place);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_is_there() {
        let folder = tempfile::tempdir().unwrap();
        for (set, _) in SETS {
            let from = workspace::root()
                .join("crates/lab/tests/fixtures")
                .join(set);
            let mut files = Vec::new();
            copy(&from, &folder.path().join(set), &mut files).unwrap();
            assert!(!files.is_empty(), "{set}");
        }
    }
}
