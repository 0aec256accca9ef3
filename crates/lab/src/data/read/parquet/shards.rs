//! The parquet files of a set: shards of its splits, of images without labels and of folds.

use std::path::PathBuf;

use crate::data::DataError;
use crate::data::read::files::{Root, file_name};

const TRAIN: &[&str] = &["train"];
/// A test split comes first; sets whose test labels are secret have only a validation split.
const TEST: &[&str] = &["test", "validation", "valid", "val"];
/// Images to learn from without labels.
const UNLABELLED_NAMES: &[&str] = &["unlabeled", "unlabelled", "extra"];

/// The shards of the two splits, in order, and of what there is beside them.
#[derive(Clone, Debug)]
pub(crate) struct ParquetFiles {
    pub(crate) train: Vec<PathBuf>,
    pub(crate) test: Vec<PathBuf>,
    pub(crate) unlabelled: Vec<PathBuf>,
    /// `train_0`, `train_1`, ..: training images again, by fold.
    pub(crate) folds: Vec<Vec<PathBuf>>,
}

/// Recognizes `train*.parquet` and `test*.parquet`, or folders `train` and `test` of shards.
///
/// # Errors
/// When a shard is missing in the numbering `-00000-of-00005`.
pub(crate) fn find(
    root: &Root,
    dir_entries: &[PathBuf],
) -> Result<Option<ParquetFiles>, DataError> {
    let first = |names: &[&str]| {
        let lists = names.iter().map(|name| shards(root, dir_entries, name));
        lists.into_iter().find(|list| !list.is_empty())
    };
    let (Some(train), Some(test)) = (first(TRAIN), first(TEST)) else {
        return Ok(None);
    };
    let fold = |number: usize| shards(root, dir_entries, &format!("train_{number}"));
    let files = ParquetFiles {
        train,
        test,
        unlabelled: first(UNLABELLED_NAMES).unwrap_or_default(),
        folds: (0..)
            .map(fold)
            .take_while(|list| !list.is_empty())
            .collect(),
    };
    check_numbering(&files.train)?;
    check_numbering(&files.test)?;
    check_numbering(&files.unlabelled)?;
    Ok(Some(files))
}

/// Whether a name goes on as that of a fold does: `_3-00000-of-00001.parquet`.
fn is_fold(rest: &str) -> bool {
    let number = rest.strip_prefix('_').map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit());
        rest.split_at(end.unwrap_or(rest.len()))
    });
    number.is_some_and(|(digits, tail)| !digits.is_empty() && tail.starts_with(['-', '.']))
}

fn shards(root: &Root, dir_entries: &[PathBuf], split: &str) -> Vec<PathBuf> {
    let is_parquet = |path: &PathBuf| file_name(path).ends_with(".parquet") && path.is_file();
    let of_split = |path: &&PathBuf| {
        file_name(path)
            .strip_prefix(split)
            .is_some_and(|rest| rest.starts_with(['-', '.', '_']) && !is_fold(rest))
            && is_parquet(path)
    };
    let beside: Vec<PathBuf> = dir_entries.iter().filter(of_split).cloned().collect();
    if !beside.is_empty() {
        return beside;
    }
    let folder = dir_entries
        .iter()
        .find(|path| file_name(path) == split && path.is_dir());
    let inside = folder
        .map(|dir| root.entries(dir).unwrap_or_default())
        .unwrap_or_default();
    inside.into_iter().filter(is_parquet).collect()
}

/// Every `NAME-I-of-N.parquet` needs all of its N shards.
fn check_numbering(shards: &[PathBuf]) -> Result<(), DataError> {
    let number = |path: &PathBuf| {
        let name = file_name(path);
        let (head, total) = name.strip_suffix(".parquet")?.rsplit_once("-of-")?;
        let (_, index) = head.rsplit_once('-')?;
        Some((index.parse::<usize>().ok()?, total.parse::<usize>().ok()?))
    };
    for (expected, path) in shards.iter().enumerate() {
        let Some((index, total)) = number(path) else {
            continue;
        };
        if index != expected || total != shards.len() {
            return Err(DataError::content(
                path.display(),
                format!(
                    "shard {expected} of {} in this place",
                    total.max(shards.len())
                ),
                format!("shard {index} of {total} among {} shards", shards.len()),
                "fetch the missing shards, or remove those of another version",
            ));
        }
    }
    Ok(())
}
