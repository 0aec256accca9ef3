//! CUB-200-2011, photographs of birds, in its official layout.
//!
//! `images.txt`, `image_class_labels.txt` and `train_test_split.txt` have a line for each picture: its number, and its path
//! below `images`, its class from 1 on, or 1 for a training picture and 0 for a test picture.
//! `classes.txt` names the classes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use image::RgbImage;
use image::imageops::{FilterType, crop_imm, resize};
use rayon::prelude::*;

use super::names::known;
use super::read::{Size, decode, read_file, reserve};
use super::{DataError, Dataset, ImageSet, Source};

/// The set's name without the size of its pictures.
pub(super) const NAME: &str = "cub200";
const FOLDER: &str = "CUB_200_2011";
const LISTS: [&str; 4] = [
    "images.txt",
    "image_class_labels.txt",
    "train_test_split.txt",
    "classes.txt",
];
const AGAIN: &str = "unpack CUB_200_2011.tgz again";

/// The side of the pictures that a set's name asks for; `None` for names of other sets.
///
/// 224 unless the name ends in 448.
pub(super) fn side(name: &str) -> Option<usize> {
    let ours = known(name).is_some_and(|set| set.name == NAME);
    ours.then_some(match name.ends_with("448") {
        true => 448,
        false => 224,
    })
}

/// A picture: its file and its class from 0 on.
type Entry = (PathBuf, u32);

/// Reads the pictures: the shorter side becomes `side` pixels, of the longer one the middle is kept.
///
/// STN, section 4.3, uses pictures of 224 and 448 pixels; how it fits them, it does not say.
pub(super) fn load(side: usize, source: &Source) -> Result<Dataset, DataError> {
    let name = format!("{NAME}-{side}");
    let Source::Dir(dir) = source else {
        return Err(DataError::UnknownName {
            name,
            known: format!(
                "it is neither embedded nor fetched; give the folder {FOLDER} of CUB_200_2011.tgz with --data DIR"
            ),
        });
    };
    let dir = find(&name, dir)?;
    let [images, labels, split, classes] = LISTS.map(|list| dir.join(list));
    let (images, labels, split) = (lines(&images)?, numbers(&labels)?, numbers(&split)?);
    let class_names: Vec<String> = lines(&classes)?.into_values().collect();
    let (mut train, mut test): (Vec<Entry>, Vec<Entry>) = (Vec::new(), Vec::new());
    for (id, path) in &images {
        let refused = |list: usize, expected: String, found: String| {
            let place = format!("{}, picture {id}", dir.join(LISTS[list]).display());
            DataError::content(place, expected, found, AGAIN)
        };
        let none = || "none".to_owned();
        let class = labels.get(id).copied();
        let label = class.filter(|&class| class >= 1 && class <= class_names.len() as u64);
        let Some(label) = label else {
            let expected = format!("a class from 1 to {}", class_names.len());
            let found = class.map_or_else(none, |class| class.to_string());
            return Err(refused(1, expected, found));
        };
        let entry = (dir.join("images").join(path), label as u32 - 1);
        match split.get(id) {
            Some(1) => train.push(entry),
            Some(0) => test.push(entry),
            other => {
                let found = other.map_or_else(none, u64::to_string);
                return Err(refused(2, "1 or 0".to_owned(), found));
            }
        }
    }
    let read = |split: &str, entries: &[Entry]| {
        let pixels = pictures(&dir, entries, side)?;
        Ok::<_, DataError>(ImageSet {
            name: format!("{name}/{split}"),
            class_names: class_names.clone(),
            height: side,
            width: side,
            channels: 3,
            pixels,
            labels: entries.iter().map(|entry| entry.1).collect(),
            left_out: 0,
        })
    };
    let data = Dataset {
        train: read("train", &train)?,
        test: read("test", &test)?,
        name,
    };
    data.check()?;
    Ok(data)
}

/// The folder with the lists: the given one, or one of the official name in it.
fn find(name: &str, dir: &Path) -> Result<PathBuf, DataError> {
    let holds = |dir: &PathBuf| dir.join(LISTS[0]).is_file();
    let places = [dir.to_owned(), dir.join(FOLDER)];
    places.into_iter().find(holds).ok_or_else(|| DataError::NoLayout {
        path: dir.to_owned(),
        name: name.to_owned(),
        looked_for: format!("{} and the folder images, here and in {FOLDER}", LISTS.join(", ")),
        cure: "fetch CUB_200_2011.tgz from the page of Caltech-UCSD Birds-200-2011, unpack it, and give its folder"
            .to_owned(),
    })
}

/// The lines of a list by the numbers that they begin with.
fn lines(path: &Path) -> Result<BTreeMap<u64, String>, DataError> {
    let text = read_file(path)?;
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
fn numbers(path: &Path) -> Result<BTreeMap<u64, u64>, DataError> {
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
    lines(path)?.into_iter().map(number).collect()
}

/// The H, W, C bytes of pictures, in their order.
fn pictures(dir: &Path, entries: &[Entry], side: usize) -> Result<Vec<u8>, DataError> {
    let size = Size {
        height: side,
        width: side,
        channels: 3,
    };
    let mut pixels = reserve(dir.display(), entries.len(), size)?;
    pixels.resize(entries.len() * size.len(), 0);
    let results: Vec<Result<(), DataError>> = pixels
        .par_chunks_mut(size.len())
        .zip(entries)
        .map(|(out, (path, _))| {
            out.copy_from_slice(&picture(path, side)?);
            Ok(())
        })
        .collect();
    results.into_iter().collect::<Result<(), _>>()?;
    Ok(pixels)
}

/// One picture as a square in color.
fn picture(path: &Path, side: usize) -> Result<Vec<u8>, DataError> {
    let (place, file) = (path.display(), read_file(path)?);
    let size = decode::probe(&place, &file)?;
    let mut pixels = vec![0; size.len()];
    decode::decode(&place, &file, size, &mut pixels)?;
    if size.channels == 1 {
        // A few of the photographs are gray.
        pixels = pixels.into_iter().flat_map(|value| [value; 3]).collect();
    }
    let (height, width) = (size.height as u32, size.width as u32);
    let Some(picture) = RgbImage::from_raw(width, height, pixels) else {
        return Err(DataError::content(
            place,
            "a picture",
            size.to_string(),
            AGAIN,
        ));
    };
    let shorter = height.min(width);
    let (top, left) = ((height - shorter) / 2, (width - shorter) / 2);
    let square = crop_imm(&picture, left, top, shorter, shorter).to_image();
    let side = side as u32;
    Ok(resize(&square, side, side, FilterType::Triangle).into_raw())
}
