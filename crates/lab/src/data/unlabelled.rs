//! What some sets hold beside their two splits: images without labels, and predefined folds.

use std::collections::HashMap;
use std::path::PathBuf;

use super::layout::Layout;
use super::read::stl10::FOLD;
use super::read::{Request, parquet};
use super::source::Location;
use super::{DataError, DataSet, ImageSet, Source};

/// The first `limit` images that the set `name` has for learning without labels, or all if there are fewer.
///
/// These are `unlabeled_X.bin` of STL-10's binary files, and shards called `unlabeled*.parquet` or `extra*.parquet`
/// (folders `unlabeled` and `extra` of shards as well), such as the extra images of SVHN.
/// Labels in such shards are not read: every image is [`UNLABELLED`](super::UNLABELLED).
/// `None` if the set has no such images in this place.
///
/// # Errors
/// Those of [`load`](super::load), fewer images than the registry has for the set among them.
///
/// ```
/// use lab::data::{Source, load_unlabelled};
/// assert!(load_unlabelled("mnist", &Source::Embedded, 100)?.is_none());
/// # Ok::<(), lab::data::DataError>(())
/// ```
pub fn load_unlabelled(
    name: &str,
    source: &Source,
    limit: usize,
) -> Result<Option<ImageSet>, DataError> {
    if *source == Source::Embedded {
        return Ok(None);
    }
    let place = Location::find(name, source, true)?;
    let request = &place.request;
    let found = match &place.layout {
        Layout::Stl10(files) => files.unlabelled(request, limit)?,
        Layout::Parquet(files) if !files.unlabelled.is_empty() => {
            let title = request.title("unlabelled");
            Some(parquet::read_images(
                request,
                &title,
                &files.unlabelled,
                limit,
            )?)
        }
        _ => None,
    };
    let have = found.as_ref().map(ImageSet::len);
    let (Some(have), Some(set)) = (have, request.set.filter(|set| set.extra > 0)) else {
        return Ok(found);
    };
    let wanted = limit.min(set.extra);
    match have == wanted || (!place.whole && have < wanted) {
        true => Ok(found),
        false => Err(DataError::content(
            request.dir.display(),
            format!("{wanted} images without labels of {}", set.name),
            have.to_string(),
            place.cure,
        )),
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
    if *source == Source::Embedded {
        return Ok(None);
    }
    let place = Location::find(name, source, false)?;
    let request = &place.request;
    let folds = match &place.layout {
        Layout::Stl10(files) => files.folds(request)?,
        Layout::Parquet(files) if !files.folds.is_empty() => {
            Some(by_content(request, &files.folds, train)?)
        }
        _ => None,
    };
    if let (Some(folds), Some(set)) = (&folds, request.set.filter(|_| place.whole)) {
        let unlike = |(expected, found): (String, String)| {
            DataError::content(request.dir.display(), expected, found, place.cure)
        };
        check_sizes(folds, set).map_err(unlike)?;
    }
    let past = |&&index: &&u32| index as usize >= train.len();
    match folds.iter().flatten().flatten().find(past) {
        None => Ok(folds),
        Some(index) => Err(DataError::content(
            request.dir.display(),
            format!("folds of the {} training images", train.len()),
            format!("image {index}"),
            "fetch the files again",
        )),
    }
}

/// What the folds of a whole set should be, and what they are, unless they are so.
fn check_sizes(folds: &[Vec<u32>], set: &DataSet) -> Result<(), (String, String)> {
    let wanted = format!("the {} folds of {}", set.folds, set.name);
    if folds.len() != set.folds {
        return Err((wanted, folds.len().to_string()));
    }
    match folds.iter().find(|fold| fold.len() != FOLD) {
        None => Ok(()),
        Some(fold) => Err((
            format!("{wanted}, of {FOLD} images each"),
            format!("one of {}", fold.len()),
        )),
    }
}

/// Folds that are stored as images: where each stands among the training images.
fn by_content(
    request: &Request,
    folds: &[Vec<PathBuf>],
    train: &ImageSet,
) -> Result<Vec<Vec<u32>>, DataError> {
    let mut indices: HashMap<&[u8], u32> = HashMap::new();
    for (index, image) in (0..).zip(train.pixels.chunks_exact(train.image_len().max(1))) {
        indices.entry(image).or_insert(index);
    }
    let fold = |(number, shards): (usize, &Vec<PathBuf>)| {
        let name = format!("{}, fold {number}", train.name);
        let set = parquet::read_images(request, &name, shards, usize::MAX)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_set_has_all_folds_in_full() {
        let set = DataSet::find("stl10").expect("a known set");
        let error = |folds: usize, images: usize| {
            let folds = vec![vec![0; images]; folds];
            check_sizes(&folds, set).err()
        };
        assert_eq!(error(10, 1_000), None);
        let found = |error: Option<(String, String)>| error.expect("accepted").1;
        assert_eq!(found(error(9, 1_000)), "9");
        assert_eq!(found(error(10, 999)), "one of 999");
    }
}
