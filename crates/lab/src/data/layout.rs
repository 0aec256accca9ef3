//! Finds out what kind of files a folder holds.

use std::path::{Path, PathBuf};

use super::read::files::{Root, file_name};
use super::read::{birds, cifar, folder, idx, parquet, stl10};
use super::registry::Form;
use super::{DataError, DataSet};

/// Folders below the given one are searched to this depth.
const MAX_DEPTH: usize = 2;
/// A folder with more entries than this is no data folder; its folders are not entered.
const MAX_ENTRIES: usize = 256;

/// The files of a data set.
#[derive(Clone, Debug)]
pub(crate) enum Layout {
    Parquet(parquet::ParquetFiles),
    Idx {
        train: idx::IdxFiles,
        test: idx::IdxFiles,
    },
    Cifar(cifar::CifarFiles),
    Stl10(stl10::Stl10Files),
    Birds(birds::BirdFiles),
    Folder(folder::ClassFolders),
}

impl Layout {
    /// What the layout is called in messages.
    pub(crate) fn title(&self) -> &'static str {
        match self {
            Self::Parquet(_) => "parquet",
            Self::Idx { .. } => "IDX",
            Self::Cifar(_) => "CIFAR binary",
            Self::Stl10(_) => "STL-10 binary",
            Self::Birds(_) => "CUB-200-2011",
            Self::Folder(_) => "image folders",
        }
    }
}

/// A layout and the folder it was found in.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) layout: Layout,
    pub(crate) dir: PathBuf,
}

/// Describes what [`load`](super::load) would read from `dir`: the layout and its folder.
///
/// # Errors
/// As [`load`](super::load), without reading the images.
pub fn describe(name: &str, dir: &Path) -> Result<String, DataError> {
    let found = find(name, DataSet::find(name), &Root::new(dir)?, dir)?;
    Ok(format!(
        "{} in {}",
        found.layout.title(),
        found.dir.display()
    ))
}

/// Searches `dir` and the folders below it.
///
/// The folder itself wins, then folders named after the set, then nearer ones; among equals the
/// order is parquet, IDX, CIFAR binary, STL-10 binary, image folders, then the name. A folder named after another
/// known set is not entered.
pub(crate) fn find(
    name: &str,
    set: Option<&'static DataSet>,
    root: &Root,
    dir: &Path,
) -> Result<Found, DataError> {
    let mut level = vec![dir.to_owned()];
    let mut hints = Vec::new();
    let mut unnamed: Option<Found> = None;
    for depth in 0..=MAX_DEPTH {
        let mut found: Vec<Found> = Vec::new();
        let mut below = Vec::new();
        for folder in level {
            let content = match root.entries(&folder) {
                Ok(content) => content,
                // Only the folder that the user named must be readable.
                Err(error) if depth == 0 => return Err(error),
                Err(_) => continue,
            };
            hints.extend(content.iter().filter_map(|path| hint(&file_name(path))));
            let layout = match look(set, root, &folder, &content) {
                // What lies deeper than a usable folder may be incomplete.
                Err(_) if unnamed.is_some() => None,
                other => other?,
            };
            let dir = folder;
            found.extend(layout.map(|layout| Found { layout, dir }));
            if content.len() <= MAX_ENTRIES {
                below.extend(content.into_iter().filter(|path| {
                    let other = DataSet::find(&file_name(path));
                    path.is_dir()
                        && (set.is_none() || other.is_none_or(|other| may_hold(other, set)))
                }));
            }
        }
        let best = found.into_iter().min_by_key(|found| rank(set, found));
        match best {
            Some(best) if depth == 0 || set.is_none() || is_named(set, &best) => return Ok(best),
            best => unnamed = unnamed.or(best),
        }
        level = below;
    }
    unnamed.ok_or_else(|| no_layout(name, set, dir, hints))
}

/// Whether a folder named after one set may hold the other: the set itself, or one of a family, as `svhn` with `svhn-numbers`.
fn may_hold(folder: &DataSet, set: Option<&DataSet>) -> bool {
    set.is_some_and(|set| {
        let rest = set.name.strip_prefix(folder.name);
        let is_family = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
        is_family || set.shares_files_with(folder)
    })
}

/// Whether a part of the path is a name of the set.
fn is_named(set: Option<&DataSet>, found: &Found) -> bool {
    let mut parts = found.dir.components();
    set.is_some_and(|set| {
        parts.any(|part| {
            let named = DataSet::find(&part.as_os_str().to_string_lossy());
            named.is_some_and(|named| named.shares_files_with(set))
        })
    })
}

/// What makes one of several folders at the same depth the best: the smallest rank.
fn rank(set: Option<&DataSet>, found: &Found) -> (bool, u8, PathBuf) {
    let layout = match found.layout {
        Layout::Parquet(_) => 0,
        Layout::Idx { .. } => 1,
        Layout::Cifar(_) => 2,
        Layout::Stl10(_) => 3,
        Layout::Birds(_) => 4,
        Layout::Folder(_) => 5,
    };
    (!is_named(set, found), layout, found.dir.clone())
}

fn no_layout(name: &str, set: Option<&DataSet>, dir: &Path, hints: Vec<String>) -> DataError {
    if let Some(set) = set.filter(|set| set.form == Form::Birds) {
        return DataError::NoLayout {
            path: dir.to_owned(),
            name: set.name.to_owned(),
            looked_for: format!(
                "{} and the folder images, here and up to two folders below",
                birds::LISTS.join(", ")
            ),
            cure: format!(
                "fetch {} from {}, unpack it, and give its folder",
                set.official_files.join(", "),
                set.page
            ),
        };
    }
    DataError::NoLayout {
        path: dir.to_owned(),
        name: set.map_or(name, |set| set.name).to_owned(),
        looked_for: "train-*.parquet + test-*.parquet, train-images-idx3-ubyte[.gz] + labels + \
                     t10k-*, data_batch_1.bin + test_batch.bin, train.bin + test.bin, \
                     train_X.bin + train_y.bin + test_*, train/CLASS/*.png + test/CLASS/*.png, here and up to two folders below"
            .to_owned(),
        cure: hints.into_iter().next().unwrap_or_else(|| {
            format!(
                "see docs/data.md for where to get {} and how to lay them out",
                DataSet::names_of(|_| true)
            )
        }),
    }
}

/// The layout of the files in one folder.
fn look(
    set: Option<&DataSet>,
    root: &Root,
    dir: &Path,
    content: &[PathBuf],
) -> Result<Option<Layout>, DataError> {
    if set.is_some_and(|set| set.form == Form::Birds) {
        return Ok(birds::find(dir, content).map(Layout::Birds));
    }
    if let Some(files) = parquet::find(root, content)? {
        return Ok(Some(Layout::Parquet(files)));
    }
    if let (Some(train), Some(test)) = (idx::find(content, true), idx::find(content, false)) {
        return Ok(Some(Layout::Idx { train, test }));
    }
    if let Some(files) = cifar::find(dir, content)? {
        return Ok(Some(Layout::Cifar(files)));
    }
    if let Some(files) = stl10::find(dir, content)? {
        return Ok(Some(Layout::Stl10(files)));
    }
    Ok(folder::find(root, content).map(Layout::Folder))
}

/// What to do about a file that comes close.
fn hint(file: &str) -> Option<String> {
    if file == "cifar-10-batches-py" || file == "cifar-100-python" {
        return Some(format!(
            "{file} holds Python pickles: fetch the binary version instead"
        ));
    }
    if file == "digitStruct.mat" {
        return Some(
            "digitStruct.mat is an HDF5 file, which is not read: fetch the hub's parquet files of full_numbers instead"
                .to_owned(),
        );
    }
    let archive = [".tar.gz", ".tgz", ".zip", ".tar"]
        .iter()
        .any(|end| file.ends_with(end));
    archive.then(|| format!("unpack {file} first"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn touch(dir: &Path, files: &[&str]) {
        for file in files {
            let path = dir.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
    }

    const IDX: [&str; 4] = [
        "train-images-idx3-ubyte",
        "train-labels.idx1-ubyte.gz",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ];

    fn describe_in(name: &str, dir: &Path) -> String {
        let text = match describe(name, dir) {
            Ok(text) => text,
            Err(error) => error.to_string(),
        };
        text.replace(&dir.display().to_string(), "D")
    }

    #[test]
    fn layouts_are_recognized() {
        for (files, expected) in [
            (&IDX[..], "IDX in D"),
            (
                &["a/b/train-0.parquet", "a/b/test-0.parquet"],
                "parquet in D/a/b",
            ),
            (
                &["train/0000.parquet", "validation/0000.parquet"],
                "parquet in D",
            ),
            (&["x/train.bin", "x/test.bin"], "CIFAR binary in D/x"),
            (
                &["train_X.bin", "train_y.bin", "test_X.bin", "test_y.bin"],
                "STL-10 binary in D",
            ),
            (
                &["train/cat/1.png", "valid/cat/1.JPG"],
                "image folders in D",
            ),
            (
                &["training/0/1.png", "testing/0/1.png", "notes.txt"],
                "image folders in D",
            ),
        ] {
            let dir = tempfile::tempdir().unwrap();
            touch(dir.path(), files);
            assert_eq!(describe_in("set", dir.path()), expected);
        }
    }

    #[test]
    fn a_folder_named_after_the_set_is_chosen() {
        let dir = tempfile::tempdir().unwrap();
        for set in ["cifar-10", "mnist", "FashionMNIST"] {
            touch(&dir.path().join(set), &["train.parquet", "test.parquet"]);
        }
        assert_eq!(describe_in("mnist", dir.path()), "parquet in D/mnist");
        assert_eq!(describe_in("cifar10", dir.path()), "parquet in D/cifar-10");
        assert_eq!(
            describe_in("fashion-mnist", dir.path()),
            "parquet in D/FashionMNIST"
        );
        assert!(describe_in("cifar100", dir.path()).starts_with("D: found no cifar100 data"));
    }

    #[test]
    fn a_folder_without_the_name_will_do() {
        let dir = tempfile::tempdir().unwrap();
        touch(dir.path(), &["a/train.bin", "a/test.bin"]);
        assert_eq!(describe_in("cifar100", dir.path()), "CIFAR binary in D/a");
        // One deeper down that bears the name is better.
        touch(
            &dir.path().join("b/CIFAR-100"),
            &["train.parquet", "test.parquet"],
        );
        assert_eq!(
            describe_in("cifar100", dir.path()),
            "parquet in D/b/CIFAR-100"
        );
        assert_eq!(describe_in("other", dir.path()), "CIFAR binary in D/a");
    }

    #[test]
    fn errors() {
        let case = |files: &[&str]| {
            let dir = tempfile::tempdir().unwrap();
            touch(dir.path(), files);
            describe_in("cifar10", dir.path())
        };
        let text = case(&["readme.txt"]);
        assert!(
            text.starts_with("D: found no cifar10 data, looked for train-*.parquet"),
            "{text}"
        );
        assert!(text.contains("see docs/data.md"), "{text}");
        let text = case(&["cifar-10-binary.tar.gz"]);
        assert!(
            text.ends_with("; unpack cifar-10-binary.tar.gz first"),
            "{text}"
        );
        let text = case(&["cifar-10-batches-py/data_batch_1"]);
        assert!(text.contains("fetch the binary version"), "{text}");
        let text = case(&["data_batch_1.bin", "data_batch_2.bin", "test_batch.bin"]);
        assert!(
            text.contains("found no data_batch_3.bin; unpack the whole archive"),
            "{text}"
        );
        let text = case(&[
            "train-00000-of-00002.parquet",
            "test-00000-of-00001.parquet",
        ]);
        assert!(
            text.contains("found shard 0 of 2 among 1 shards; fetch the missing"),
            "{text}"
        );
        let text = case(&[
            "train-00001-of-00002.parquet",
            "test-00000-of-00001.parquet",
        ]);
        assert!(
            text.contains("expected shard 0 of 2 in this place, found shard 1 of 2"),
            "{text}"
        );
        let missing = describe("mnist", Path::new("/no/such/folder"))
            .unwrap_err()
            .to_string();
        assert!(
            missing.starts_with("/no/such/folder: cannot read the folder"),
            "{missing}"
        );
        let dir = tempfile::tempdir().unwrap();
        touch(dir.path(), &["file"]);
        let text = describe("mnist", &dir.path().join("file"))
            .unwrap_err()
            .to_string();
        assert!(text.contains("expected a folder, found a file"), "{text}");
    }
}
