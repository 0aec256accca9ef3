//! Data sets: the embedded ones, and folders named by the caller.

use std::fs;
use std::path::{Path, PathBuf};

use super::line::Line;

/// Folders below the given one are searched to this depth.
const MAX_DEPTH: usize = 2;

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
            "{}: no data set found (looked for parquet, IDX, CIFAR binary, train/CLASS/*.png)",
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
fn layout(folder: &Path) -> Option<&'static str> {
    let entries = entries(folder);
    let name = |path: &Path| {
        path.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let has = |holds: &dyn Fn(&str) -> bool| entries.iter().any(|path| holds(&name(path)));
    let starts = |start: &'static str, end: &'static str| {
        has(&|name| name.starts_with(start) && name.ends_with(end))
    };
    if starts("train", ".parquet") && starts("test", ".parquet") {
        Some("parquet")
    } else if starts("train-images", "") && starts("t10k-images", "") {
        Some("IDX")
    } else if starts("data_batch_1", ".bin") || (starts("train", ".bin") && starts("test", ".bin"))
    {
        Some("CIFAR binary")
    } else if class_folders(&folder.join("train")) && class_folders(&folder.join("test")) {
        Some("image folders")
    } else {
        None
    }
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
    fn a_missing_folder_is_wrong() {
        assert!(!folder(Path::new("no/such/folder"))[0].fine);
    }
}
