//! CUB-200-2011, photographs of birds, in its official layout.
//!
//! `images.txt`, `image_class_labels.txt` and `train_test_split.txt` have a line for each picture: its number, and its path
//! below `images`, its class from 1 on, or 1 for a training picture and 0 for a test picture.
//! `classes.txt` names the classes.
//! The lists go from class to class; a set has the first picture of each class, then the second, and so on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::files::{Root, file_name};
use super::listed::by_turns;
use super::memory::{Size, grow};
use super::photograph::photograph;
use super::{Listed, Request};
use crate::data::{DataError, Framing, ImageSet};

/// The lists, which make a folder one of this set.
pub(crate) const LISTS: [&str; 4] = [
    "images.txt",
    "image_class_labels.txt",
    "train_test_split.txt",
    "classes.txt",
];
const AGAIN: &str = "unpack CUB_200_2011.tgz again";

/// The folder that holds the lists and the folder `images`.
#[derive(Clone, Debug)]
pub(crate) struct BirdFiles {
    dir: PathBuf,
}

/// A picture: its file and its class from 0 on.
type Entry = (PathBuf, u32);

/// Recognizes the lists among the entries of `dir`.
pub(crate) fn find(dir: &Path, entries: &[PathBuf]) -> Option<BirdFiles> {
    let is_list = |path: &PathBuf| file_name(path) == LISTS[0] && path.is_file();
    entries.iter().any(is_list).then(|| BirdFiles {
        dir: dir.to_owned(),
    })
}

impl BirdFiles {
    /// Reads both splits: the shorter side becomes `side` pixels, of the longer one the middle is kept.
    ///
    /// STN, section 4.3, uses pictures of 224 and 448 pixels; how it fits them, it does not say.
    pub(crate) fn read(
        &self,
        request: &Request,
        side: usize,
    ) -> Result<(ImageSet, ImageSet), DataError> {
        let class_names = self.class_names(&request.root)?;
        let (train, test) = self.entries(&request.root, class_names.len())?;
        let read = |split: &str, entries: &[Entry]| {
            let pixels = pictures(&request.root, &self.dir, entries, side)?;
            Ok::<_, DataError>(ImageSet {
                name: request.title(split),
                class_names: class_names.clone(),
                height: side,
                width: side,
                channels: 3,
                pixels,
                labels: entries.iter().map(|entry| entry.1).collect(),
                left_out: 0,
                streamed: None,
            })
        };
        Ok((read("train", &train)?, read("test", &test)?))
    }

    /// Lists both splits.
    pub(crate) fn list(&self, request: &Request) -> Result<(Listed, Listed), DataError> {
        let class_names = self.class_names(&request.root)?;
        let (train, test) = self.entries(&request.root, class_names.len())?;
        let listed = |entries: Vec<Entry>| {
            let (files, labels) = entries.into_iter().unzip();
            Listed {
                class_names: class_names.clone(),
                files,
                labels,
            }
        };
        Ok((listed(train), listed(test)))
    }

    fn class_names(&self, root: &Root) -> Result<Vec<String>, DataError> {
        let classes = lines(root, &self.dir.join(LISTS[3]))?;
        Ok(classes.into_values().collect())
    }

    /// The pictures of both splits, the classes by turns.
    fn entries(&self, root: &Root, classes: usize) -> Result<(Vec<Entry>, Vec<Entry>), DataError> {
        let [images, labels, split, _] = LISTS.map(|list| self.dir.join(list));
        let images = lines(root, &images)?;
        let (labels, split) = (numbers(root, &labels)?, numbers(root, &split)?);
        let (mut train, mut test) = (Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        for (id, path) in &images {
            let refused = |list: usize, expected: String, found: String| {
                let place = format!("{}, picture {id}", self.dir.join(LISTS[list]).display());
                Err(DataError::content(place, expected, found, AGAIN))
            };
            let none = || "none".to_owned();
            let class = labels.get(id).copied();
            let label = class.filter(|&class| class >= 1 && class <= classes as u64);
            let Some(label) = label else {
                let found = class.map_or_else(none, |class| class.to_string());
                return refused(1, format!("a class from 1 to {classes}"), found);
            };
            if !seen.insert(path) {
                let found = "one that an earlier picture has".to_owned();
                return refused(0, "a file of its own".to_owned(), found);
            }
            let entry = (self.dir.join("images").join(path), label as u32 - 1);
            match split.get(id) {
                Some(1) => train.push(entry),
                Some(0) => test.push(entry),
                other => {
                    let found = other.map_or_else(none, u64::to_string);
                    return refused(2, "1 or 0".to_owned(), found);
                }
            }
        }
        Ok((by_turns(train), by_turns(test)))
    }
}

/// The lines of a list by the numbers that they begin with.
fn lines(root: &Root, path: &Path) -> Result<BTreeMap<u64, String>, DataError> {
    let text = root.read(path)?;
    let text = String::from_utf8_lossy(&text);
    let entry = |(at, line): (usize, &str)| {
        let parts = line.trim().split_once(' ');
        let entry = parts.and_then(|(id, rest)| Some((id.parse().ok()?, rest.trim().to_owned())));
        entry.ok_or_else(|| {
            let place = format!("{}, line {}", path.display(), at + 1);
            let start: String = line.chars().take(40).collect();
            DataError::content(place, "a number and a value", format!("{start:?}"), AGAIN)
        })
    };
    let filled = text.lines().enumerate();
    let filled = filled.filter(|(_, line)| !line.trim().is_empty());
    filled.map(entry).collect()
}

/// The same with whole numbers as values.
fn numbers(root: &Root, path: &Path) -> Result<BTreeMap<u64, u64>, DataError> {
    let number = |(id, value): (u64, String)| match value.parse() {
        Ok(value) => Ok((id, value)),
        Err(_) => {
            let place = format!("{}, picture {id}", path.display());
            Err(DataError::content(
                place,
                "a whole number",
                format!("{value:?}"),
                AGAIN,
            ))
        }
    };
    lines(root, path)?.into_iter().map(number).collect()
}

/// The H, W, C bytes of pictures, in their order.
fn pictures(root: &Root, dir: &Path, entries: &[Entry], side: usize) -> Result<Vec<u8>, DataError> {
    let size = Size {
        height: side,
        width: side,
        channels: 3,
    };
    let bytes = root.total_len(entries.iter().map(|(path, _)| path))?;
    let mut pixels = Vec::new();
    grow(&mut pixels, dir.display(), entries.len(), size, bytes)?;
    let results: Vec<Result<(), DataError>> = pixels
        .par_chunks_mut(size.len())
        .zip(entries)
        .map(|(out, (path, _))| {
            let (place, file) = (path.display(), root.read(path)?);
            let middle = |size| Framing::of_side(side).frame(size, None);
            out.copy_from_slice(&photograph(&place, &file, side, middle)?);
            Ok(())
        })
        .collect();
    results.into_iter().collect::<Result<(), _>>()?;
    Ok(pixels)
}
