//! Data sets: the embedded ones, and folders named by the caller.

use std::fs;
use std::path::{Path, PathBuf};

use super::line::Line;

/// Folders below the given one are searched to this depth.
const MAX_DEPTH: usize = 2;
/// The lists of CUB-200-2011.
const BIRDS: [&str; 4] = [
    "images.txt",
    "image_class_labels.txt",
    "train_test_split.txt",
    "classes.txt",
];
/// What a folder of test pictures may be called.
const TESTS: [&str; 5] = ["test", "testing", "val", "valid", "validation"];

/// The sets that the repository holds.
pub(super) fn embedded(root: &Path) -> Vec<Line> {
    let one = |name: &str| {
        let folder = root.join("crates/lab/data").join(name);
        match layout(&folder) {
            Some(layout) => Line::fine("embedded", format!("{name} ({layout})")),
            None => Line::wrong(
                "embedded",
                format!("{name}: no files in {}", folder.display()),
            ),
        }
    };
    ["fashion-mnist", "mnist"].map(one).into()
}

/// What a folder holds, and the folders below it.
pub(super) fn folder(folder: &Path) -> Vec<Line> {
    if !folder.is_dir() {
        return vec![Line::wrong(
            "data",
            format!("{}: no such folder", folder.display()),
        )];
    }
    let mut found = Vec::new();
    search(folder, 0, &mut found);
    if found.is_empty() {
        let text = format!(
            "{}: no data set found (looked for parquet, IDX, CIFAR binary, STL-10 binary, CUB-200-2011, train/CLASS/*.png)",
            folder.display()
        );
        return vec![Line::wrong("data", text)];
    }
    let line = |(path, layout): (PathBuf, &str)| {
        Line::fine("data", format!("{} ({layout})", path.display()))
    };
    found.into_iter().map(line).collect()
}

fn search(folder: &Path, depth: usize, found: &mut Vec<(PathBuf, &'static str)>) {
    if let Some(layout) = layout(folder) {
        found.push((folder.to_owned(), layout));
    } else if depth < MAX_DEPTH {
        for path in entries(folder).iter().filter(|path| path.is_dir()) {
            search(path, depth + 1, found);
        }
    }
}

/// The layout of the files in `folder`, by their names alone.
///
/// It is that of `crates/lab/src/data/layout.rs`, whose crate needs Candle.
fn layout(folder: &Path) -> Option<&'static str> {
    let paths = entries(folder);
    let has = |wanted: &[&str]| {
        let is_there = |wanted: &&str| paths.iter().any(|path| name(path) == *wanted);
        wanted.iter().all(is_there)
    };
    let starts = |start: &str, end: &str| {
        let fits = |name: String| name.starts_with(start) && name.ends_with(end);
        paths.iter().any(|path| fits(name(path)))
    };
    let shards = |split: &str| {
        let inside = entries(&folder.join(split));
        starts(split, ".parquet") || inside.iter().any(|path| name(path).ends_with(".parquet"))
    };
    let pictures = |splits: &[&str]| {
        let is_split = |name: String| splits.iter().any(|split| name.eq_ignore_ascii_case(split));
        let mut found = paths.iter().filter(|path| is_split(name(path)));
        found.any(|path| class_folders(path))
    };
    if shards("train")
        && ["test", "validation", "valid", "val"]
            .into_iter()
            .any(shards)
    {
        Some("parquet")
    } else if starts("train-images", "") && (starts("t10k-images", "") || starts("test-images", ""))
    {
        Some("IDX")
    } else if has(&["data_batch_1.bin"]) || has(&["train.bin", "test.bin"]) {
        Some("CIFAR binary")
    } else if has(&["train_X.bin", "train_y.bin", "test_X.bin", "test_y.bin"]) {
        Some("STL-10 binary")
    } else if has(&BIRDS) {
        Some("CUB-200-2011")
    } else if pictures(&["train", "training"]) && pictures(&TESTS) {
        Some("image folders")
    } else {
        None
    }
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Whether `folder` holds a folder with a picture.
fn class_folders(folder: &Path) -> bool {
    let is_picture = |path: &PathBuf| {
        let extension = path
            .extension()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        ["png", "jpg", "jpeg"].contains(&extension.as_str())
    };
    entries(folder)
        .iter()
        .any(|class| class.is_dir() && entries(class).iter().any(is_picture))
}

/// The entries of a folder in order; none if it cannot be read.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_sets_are_there() {
        let lines = embedded(&crate::workspace::root());
        assert!(
            lines
                .iter()
                .all(|line| line.fine && line.text.ends_with("(IDX)"))
        );
    }

    #[test]
    fn folders_are_searched() {
        let lines = folder(&crate::workspace::root().join("crates/lab"));
        assert_eq!(
            lines
                .iter()
                .filter(|line| line.text.contains("mnist (IDX)"))
                .count(),
            2
        );
    }

    #[test]
    fn every_layout_that_is_read_is_known() {
        let said = |files: &[&str]| {
            let dir = tempfile::tempdir().unwrap();
            for file in files {
                let path = dir.path().join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, "").unwrap();
            }
            let line = folder(dir.path()).remove(0);
            let text = line.text.rsplit_once(" (").unwrap().1.to_owned();
            (line.fine, text)
        };
        let stl10 = ["train_X.bin", "train_y.bin", "test_X.bin", "test_y.bin"];
        for (files, wanted) in [
            (&["a/train-0.parquet", "a/test-0.parquet"][..], "parquet)"),
            (&["train/0.parquet", "validation/0.parquet"], "parquet)"),
            (&["train.bin", "test.bin"], "CIFAR binary)"),
            (&["b/data_batch_1.bin"], "CIFAR binary)"),
            (&stl10, "STL-10 binary)"),
            (&BIRDS, "CUB-200-2011)"),
            (&["train/cat/1.png", "test/cat/1.png"], "image folders)"),
            (&["train/n01/1.JPEG", "val/n01/1.JPEG"], "image folders)"),
        ] {
            assert_eq!(said(files), (true, wanted.to_owned()), "{files:?}");
        }
        for part in [&stl10[..3], &BIRDS[..3], &["train/cat/1.png"][..]] {
            assert!(!said(part).0, "{part:?}");
        }
    }

    #[test]
    fn a_missing_folder_is_wrong() {
        assert!(!folder(Path::new("no/such/folder"))[0].fine);
    }
}
