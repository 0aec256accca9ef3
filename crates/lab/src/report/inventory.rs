//! The data sets of the registry, and where their files are on this machine.

use std::path::Path;

use super::grouped;
use crate::data::{DataError, DataSet, describe, hub_folder};

/// A few lines on each data set: its size and license, and where it is: in the program, in its cache folder, in `folder`,
/// or how to get it.
///
/// # Errors
/// When there is no cache folder, as [`cache_dir`](crate::data::cache_dir) says.
///
/// ```
/// let text = lab::report::inventory(None)?;
/// assert!(text.contains("mnist (MNIST): 60,000 training and 10,000 test images of 28x28x1 in 10 classes"));
/// assert!(text.contains("in the program: 4,000 training and 1,000 test images"));
/// # Ok::<(), lab::data::DataError>(())
/// ```
pub fn inventory(folder: Option<&Path>) -> Result<String, DataError> {
    let mut text = String::new();
    for set in DataSet::all() {
        let (c, h, w) = set.shape;
        let (train, test) = (grouped(set.train), grouped(set.test));
        text += &format!(
            "{} ({}): {train} training and {test} test images of {h}x{w}x{c} in {} classes; license: {}\n",
            set.name, set.title, set.classes, set.license
        );
        if let Some(part) = set.embedded {
            let (train, test) = (grouped(part.train), grouped(part.test));
            text += &format!("  in the program: {train} training and {test} test images\n");
        }
        text += &format!("  {}\n", place(set, &hub_folder(set.name)?, folder));
    }
    Ok(text)
}

/// Where the files of a set are, or how to get them.
fn place(set: &DataSet, cache: &Path, folder: Option<&Path>) -> String {
    let places = [Some(cache), folder].into_iter().flatten();
    let found: Vec<String> = places
        .filter_map(|dir| describe(set.name, dir).ok())
        .collect();
    match (found.is_empty(), set.by_hand) {
        (false, _) => format!("on this machine: {}", found.join("; ")),
        (true, Some(how)) => format!("not on this machine: {how}"),
        (true, None) => format!("not on this machine: cargo xtask data fetch {}", set.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_somewhere_or_can_be_got() {
        let dir = tempfile::tempdir().expect("a folder");
        let set = |name| DataSet::find(name).expect("known");
        let nowhere = dir.path().join("none");
        let text = |name| place(set(name), &nowhere, Some(dir.path()));
        assert_eq!(
            text("mnist"),
            "not on this machine: cargo xtask data fetch mnist"
        );
        assert!(text("imagenet").starts_with("not on this machine: register at https://image-net"));
        for file in ["train.parquet", "test.parquet"] {
            std::fs::write(dir.path().join(file), "").expect("a file");
        }
        let found = format!("on this machine: parquet in {}", dir.path().display());
        assert_eq!(text("mnist"), found);
    }
}
