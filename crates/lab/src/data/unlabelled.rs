//! What some sets hold beside their two splits: images without labels, and predefined folds.

use std::collections::HashMap;
use std::path::PathBuf;

use super::layout::{self, Found, Layout};
use super::names::{self, Known};
use super::read::parquet;
use super::{DataError, ImageSet, Source, hub};

/// The first images, at most so many, that the set `name` has for learning without labels.
///
/// These are `unlabeled_X.bin` of STL-10's binary files, and shards called `unlabeled*.parquet` or `extra*.parquet`
/// (folders `unlabeled` and `extra` of shards as well), such as the extra images of SVHN.
/// Labels in such shards are not read: every image is [`UNLABELLED`](super::UNLABELLED).
/// `None` if the set has no such images in this place.
///
/// # Errors
/// Those of [`load`](super::load).
///
/// ```
/// use lab::data::{Source, load_unlabelled};
/// assert!(load_unlabelled("mnist", &Source::Embedded, 100)?.is_none());
/// # Ok::<(), lab::data::DataError>(())
/// ```
pub fn load_unlabelled(
    name: &str,
    source: &Source,
    at_most: usize,
) -> Result<Option<ImageSet>, DataError> {
    let Some((found, known)) = place(name, source, true)? else {
        return Ok(None);
    };
    let name = known.map_or(name, |set| set.name);
    let title = format!("{name}/unlabelled");
    let classes = class_names(known);
    match &found.layout {
        Layout::Stl10(files) => files.unlabelled(&title, at_most, &classes),
        Layout::Parquet(files) if !files.unlabelled.is_empty() => {
            parquet::read_images(&title, &files.unlabelled, &classes, at_most).map(Some)
        }
        _ => Ok(None),
    }
}

/// The predefined folds of the training images of the set `name`, each a list of indices.
///
/// These are `fold_indices.txt` of STL-10's binary files, and shards called `train_0*.parquet` to `train_9*.parquet`
/// (folders as well), which hold the images of the folds again.
/// `None` if there are none in this place.
///
/// # Errors
/// Those of [`load`](super::load); a fold with an index past the end, or with an image that is not in `train`.
pub fn load_folds(
    name: &str,
    source: &Source,
    train: &ImageSet,
) -> Result<Option<Vec<Vec<u32>>>, DataError> {
    let Some((found, known)) = place(name, source, false)? else {
        return Ok(None);
    };
    let folds = match &found.layout {
        Layout::Stl10(files) => files.folds()?,
        Layout::Parquet(files) if !files.folds.is_empty() => {
            Some(by_content(&files.folds, train, &class_names(known))?)
        }
        _ => None,
    };
    let past = |&&index: &&u32| index as usize >= train.len();
    match folds.iter().flatten().flatten().find(past) {
        None => Ok(folds),
        Some(index) => Err(DataError::content(
            found.dir.display(),
            format!("folds of the {} training images", train.len()),
            format!("image {index}"),
            "fetch the files again",
        )),
    }
}

/// Where the files of a set are; `None` for embedded ones.
fn place<'a>(
    name: &str,
    source: &Source,
    with_extra: bool,
) -> Result<Option<(Found, Option<&'a Known>)>, DataError> {
    let known = names::known(name);
    let dir = match source {
        Source::Embedded => return Ok(None),
        Source::Dir(dir) => dir.clone(),
        Source::Hub => hub::fetch(known.map_or(name, |set| set.name), with_extra)?,
    };
    Ok(Some((layout::find(name, known, &dir)?, known)))
}

fn class_names(known: Option<&Known>) -> Vec<String> {
    match known {
        Some(set) => set.classes.iter().map(|&class| class.to_owned()).collect(),
        None => names::numbered(10),
    }
}

/// Folds that are stored as images: where each stands among the training images.
fn by_content(
    folds: &[Vec<PathBuf>],
    train: &ImageSet,
    classes: &[String],
) -> Result<Vec<Vec<u32>>, DataError> {
    let mut indices: HashMap<&[u8], u32> = HashMap::new();
    for (index, image) in (0..).zip(train.pixels.chunks_exact(train.image_len().max(1))) {
        indices.entry(image).or_insert(index);
    }
    let fold = |(number, shards): (usize, &Vec<PathBuf>)| {
        let name = format!("{}, fold {number}", train.name);
        let set = parquet::read_images(&name, shards, classes, usize::MAX)?;
        let images = set.pixels.chunks_exact(set.image_len().max(1)).enumerate();
        let index = |(row, image): (usize, &[u8])| {
            indices.get(image).copied().ok_or_else(|| {
                DataError::content(
                    format!("{name}, row {row}"),
                    format!("an image of {}", train.name),
                    "another one",
                    "fetch the files again, all from one repository",
                )
            })
        };
        images.map(index).collect::<Result<Vec<u32>, _>>()
    };
    folds.iter().enumerate().map(fold).collect()
}
