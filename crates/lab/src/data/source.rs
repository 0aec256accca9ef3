//! Where data sets come from, and [`load`], which reads them.

use std::path::{Path, PathBuf};

use super::house_numbers::{self, NumberCrop};
use super::layout::{self, Found, Layout};
use super::names::{self, Known};
use super::read::{folder, idx, parquet};
use super::{DataError, Dataset, ImageSet, birds, embedded, hub};

/// Where to take a data set from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Images that are part of the program: `fashion-mnist` and `mnist`, cut down in number.
    Embedded,
    /// A folder on this machine, in any of the layouts that [`load`] knows.
    Dir(PathBuf),
    /// The hub's files in the cache folder ([`cache_dir`](super::cache_dir)); what is missing there
    /// is downloaded if the cargo feature `hub` is on.
    Hub,
}

/// Loads the data set `name` from `source`.
///
/// `mnist`, `fashion-mnist`, `cifar10`, `cifar100`, `svhn` and `stl10` are known: their image size and number of
/// classes are checked, and class names are filled in where the files have none.
/// `svhn-numbers-64` and `svhn-numbers-128` are SVHN's whole house numbers on crops of that size, whose labels
/// [`number_digits`](super::number_digits) takes apart.
/// `cub200-224` and `cub200-448` are CUB-200-2011 in its official layout, on squares of that size.
/// Any other name is accepted with [`Source::Dir`] and only labels the set.
///
/// A folder, or a folder up to two levels below it, may hold
/// IDX or IDX.gz files (`train-images-idx3-ubyte`, `t10k-..`),
/// CIFAR binary files (`data_batch_1.bin` .. or `train.bin`, `test.bin`),
/// STL-10 binary files (`train_X.bin`, `train_y.bin`, `test_X.bin`, `test_y.bin`),
/// parquet shards of the hub (`train-00000-of-00001.parquet`, `test-..`), or
/// a folder of images for each class (`train/cat/1.png`, `test/..`).
///
/// # Errors
/// One line that names the file or folder, what was expected, what came, and the cure.
///
/// ```
/// use lab::data::{Source, load};
///
/// let data = load("mnist", &Source::Embedded)?;
/// assert_eq!((data.train.len(), data.test.len()), (4_000, 1_000));
/// assert_eq!((data.train.height, data.train.width, data.train.channels), (28, 28, 1));
/// # Ok::<(), lab::data::DataError>(())
/// ```
pub fn load(name: &str, source: &Source) -> Result<Dataset, DataError> {
    let known = names::known(name);
    if let Some(side) = birds::side(name) {
        return birds::load(side, source);
    }
    if let Some(crop) = NumberCrop::of(name) {
        return house_numbers::load(&crop, source);
    }
    match source {
        Source::Embedded => embedded::load(name, known),
        Source::Dir(dir) => from_dir(name, known, dir),
        Source::Hub => {
            let known = known.ok_or_else(|| DataError::UnknownName {
                name: name.to_owned(),
                known: format!("known on the hub are {}", hub::names()),
            })?;
            let folder = hub::fetch(known.name, false)?;
            let data = from_dir(known.name, Some(known), &folder)?;
            hub::check_counts(known.name, (data.train.len(), data.test.len()), &folder)?;
            Ok(data)
        }
    }
}

fn from_dir(name: &str, known: Option<&Known>, dir: &Path) -> Result<Dataset, DataError> {
    let found = layout::find(name, known, dir)?;
    let (train, test) = read(name, known, &found)?;
    let mut data = Dataset {
        name: known.map_or(name, |set| set.name).to_owned(),
        train,
        test,
    };
    agree_on_numbers(&mut data.train, &mut data.test);
    data.check()?;
    if let Some(known) = known {
        check_known(&data, known, &found)?;
    }
    Ok(data)
}

/// Reads both splits with the reader of the layout.
fn read(
    name: &str,
    known: Option<&Known>,
    found: &Found,
) -> Result<(ImageSet, ImageSet), DataError> {
    let name = known.map_or(name, |set| set.name);
    let (train_name, test_name) = (format!("{name}/train"), format!("{name}/test"));
    let names: Vec<String> = known
        .map_or(&[][..], |set| set.classes)
        .iter()
        .map(|&class| class.to_owned())
        .collect();
    Ok(match &found.layout {
        Layout::Parquet(files) => {
            let train = parquet::read(&train_name, &files.train, &names)?;
            let test = parquet::read(&test_name, &files.test, &names)?;
            (train, test)
        }
        Layout::Idx { train, test } => {
            let train = idx::read(&train_name, train, names.clone())?;
            (train, idx::read(&test_name, test, names)?)
        }
        Layout::Cifar(files) => (files.train(&train_name)?, files.test(&test_name)?),
        Layout::Stl10(files) => {
            let classes = match names.is_empty() {
                true => names::numbered(10),
                false => names,
            };
            let train = files.split(&train_name, "train", &classes)?;
            (train, files.split(&test_name, "test", &classes)?)
        }
        Layout::Folder(folders) => {
            let mut classes = folder::class_names(&folders.train)?;
            let mut sorted = names.clone();
            sorted.sort();
            let mut folders_sorted = classes.clone();
            folders_sorted.sort();
            if sorted == folders_sorted {
                classes = names.clone();
            }
            let mut train = folder::read(&train_name, &folders.train, classes.clone())?;
            let mut test = folder::read(&test_name, &folders.test, classes.clone())?;
            if classes == names::numbered(names.len()) {
                // Folders 0, 1, .. of a known set: give the classes their names.
                train.class_names.clone_from(&names);
                test.class_names = names;
            }
            (train, test)
        }
    })
}

/// Classes that were only counted: the split with fewer of them takes the names of the other.
fn agree_on_numbers(train: &mut ImageSet, test: &mut ImageSet) {
    let numbered = |set: &ImageSet| set.class_names == names::numbered(set.classes());
    if numbered(train) && numbered(test) {
        let classes = names::numbered(train.classes().max(test.classes()));
        train.class_names.clone_from(&classes);
        test.class_names = classes;
    }
}

/// A known name promises an image size and a number of classes.
fn check_known(data: &Dataset, known: &Known, found: &Found) -> Result<(), DataError> {
    let set = &data.train;
    let size = (set.height, set.width, set.channels);
    if size == known.size && set.classes() == known.classes.len() {
        return Ok(());
    }
    let text = |(h, w, c): (usize, usize, usize), classes: usize| {
        format!("{h}x{w}x{c} images of {classes} classes")
    };
    Err(DataError::content(
        found.dir.display(),
        format!("{} ({})", known.name, text(known.size, known.classes.len())),
        text(size, set.classes()),
        format!(
            "give the folder of {}, or the name of the set that is there",
            known.name
        ),
    ))
}
