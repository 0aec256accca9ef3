//! Where data sets come from, and [`load`], which reads them.

use std::path::PathBuf;

use super::layout::{self, Found, Layout};
use super::read::files::Root;
use super::read::memory::Size;
use super::read::{Request, idx, parquet};
use super::registry::{ClassNames, Form, numbered};
use super::{DataError, DataSet, Dataset, ImageSet, embedded, hub};

/// Where to take a data set from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Images that are part of the program: `fashion-mnist` and `mnist`, cut down in number.
    Embedded,
    /// A folder on this machine, in any of the layouts that [`load`] knows, with all images of the set.
    Dir(PathBuf),
    /// The same, with a part of the set's images: fewer than the official number are no error.
    Subset(PathBuf),
    /// The hub's files in the cache folder ([`cache_dir`](super::cache_dir)); what is missing there
    /// is downloaded if the cargo feature `hub` is on.
    Hub,
}

/// Loads the data set `name` from `source`.
///
/// Of the sets in the registry ([`DataSet`]) the image size, the number of classes and the numbers of images are checked,
/// and class names are filled in where the files have none.
/// The labels of `svhn-numbers-64` and `svhn-numbers-128`, crops of SVHN's whole house numbers, are taken apart by
/// [`number_digits`](super::number_digits).
/// Any other name is accepted with a folder and only labels the set.
///
/// A folder, or a folder up to two levels below it, may hold
/// IDX or IDX.gz files (`train-images-idx3-ubyte`, `t10k-..`),
/// CIFAR binary files (`data_batch_1.bin` .. or `train.bin`, `test.bin`),
/// STL-10 binary files (`train_X.bin`, `train_y.bin`, `test_X.bin`, `test_y.bin`),
/// parquet shards of the hub (`train-00000-of-00001.parquet`, `test-..`),
/// the lists and photographs of CUB-200-2011, or
/// a folder of images for each class (`train/cat/1.png`, `test/..`).
/// Only regular files below the folder are read, and no file makes the readers allocate more than a multiple of its size,
/// which docs/data.md states.
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
    if *source == Source::Embedded {
        return embedded::load(name);
    }
    let place = Location::find(name, source, false)?;
    place.dataset(place.read()?)
}

/// Where the files of a set are, and in which layout.
pub(super) struct Location {
    pub(super) request: Request,
    pub(super) layout: Layout,
    /// Whether all images of the set must be there.
    pub(super) whole: bool,
    /// What to do where some are missing.
    pub(super) cure: &'static str,
}

impl Location {
    /// Finds the files, after a download if `source` is the hub; of the images without labels too if wanted.
    pub(super) fn find(name: &str, source: &Source, with_extra: bool) -> Result<Self, DataError> {
        let set = DataSet::find(name);
        let (dir, whole, cure) = match source {
            Source::Embedded => {
                return Err(DataError::Argument {
                    op: "load",
                    argument: "source",
                    found: "embedded".to_owned(),
                    expected: "a folder or the hub".to_owned(),
                });
            }
            Source::Dir(dir) => (
                dir.clone(),
                true,
                "fetch the files again, or say that it is a part of the set (--data subset:DIR)",
            ),
            Source::Subset(dir) => (dir.clone(), false, "give the folder of one set"),
            Source::Hub => (
                hub::fetch(name, with_extra)?,
                true,
                "remove the folder and fetch it again",
            ),
        };
        let root = Root::new(&dir)?;
        let Found { layout, dir } = layout::find(name, set, &root, &dir)?;
        Ok(Self {
            request: Request::new(name, set, &root, &dir),
            layout,
            whole,
            cure,
        })
    }

    /// Reads both splits with the reader of the layout.
    fn read(&self) -> Result<(ImageSet, ImageSet), DataError> {
        let request = &self.request;
        if let Some((set, Form::Numbers(crop))) = request.set.map(|set| (set, set.form)) {
            let Layout::Parquet(files) = &self.layout else {
                return Err(DataError::NoLayout {
                    path: request.dir.clone(),
                    name: set.folder().to_owned(),
                    looked_for: "parquet shards with pictures, digits and their boxes".to_owned(),
                    cure: format!(
                        "there are {} files; fetch the hub's parquet files of full_numbers",
                        self.layout.title()
                    ),
                });
            };
            return numbers(request, files, &crop);
        }
        Ok(match &self.layout {
            Layout::Parquet(files) => (
                parquet::read(request, "train", &files.train)?,
                parquet::read(request, "test", &files.test)?,
            ),
            Layout::Idx { train, test } => (
                idx::read(request, "train", train)?,
                idx::read(request, "test", test)?,
            ),
            Layout::Cifar(files) => (files.train(request)?, files.test(request)?),
            Layout::Stl10(files) => (
                files.split(request, "train")?,
                files.split(request, "test")?,
            ),
            Layout::Birds(files) => {
                let side = request.set.map_or(0, |set| set.shape.1);
                files.read(request, side)?
            }
            Layout::Folder(folders) => folders.read(request)?,
        })
    }

    /// Both splits as one set, if they fit each other and what the registry says.
    pub(super) fn dataset(
        &self,
        (mut train, mut test): (ImageSet, ImageSet),
    ) -> Result<Dataset, DataError> {
        agree_on_numbers(&mut train, &mut test);
        let data = Dataset {
            name: self.request.name().to_owned(),
            train,
            test,
        };
        data.check()?;
        self.check(&data)?;
        Ok(data)
    }

    /// A set in the registry has a known number of classes and of images.
    fn check(&self, data: &Dataset) -> Result<(), DataError> {
        let Some(set) = self.request.set else {
            return Ok(());
        };
        // The classes of a part are those of its images where only the files name them.
        if self.whole || set.names != ClassNames::InFiles {
            self.request
                .check_classes(Size::of_set(set), data.train.classes())?;
        }
        let all = |images: &ImageSet| images.len() + images.left_out;
        let (train, test) = (all(&data.train), all(&data.test));
        // Further numbers follow the training images where they are in the folder.
        let most = match set.form {
            Form::Numbers(_) => set.train + set.extra,
            _ => set.train,
        };
        let fits = match self.whole {
            true => (train == set.train || train == most) && test == set.test,
            false => train <= most && test <= set.test,
        };
        match fits {
            true => Ok(()),
            false => Err(DataError::content(
                self.request.dir.display(),
                format!(
                    "the {} training and {} test images of {}",
                    set.train, set.test, set.name
                ),
                format!("{train} and {test}"),
                self.cure,
            )),
        }
    }
}

/// Reads house numbers; the extra images follow the training images where they are in the folder.
fn numbers(
    request: &Request,
    files: &parquet::ParquetFiles,
    crop: &super::crop::NumberCrop,
) -> Result<(ImageSet, ImageSet), DataError> {
    let mut train = parquet::read_numbers(request, "train", &files.train, crop)?;
    let test = parquet::read_numbers(request, "test", &files.test, crop)?;
    if !files.unlabelled.is_empty() {
        let extra = parquet::read_numbers(request, "extra", &files.unlabelled, crop)?;
        train.pixels.extend(extra.pixels);
        train.labels.extend(extra.labels);
        train.left_out += extra.left_out;
    }
    Ok((train, test))
}

/// Classes that were only counted: the split with fewer of them takes the names of the other.
fn agree_on_numbers(train: &mut ImageSet, test: &mut ImageSet) {
    let counted = |set: &ImageSet| set.class_names == numbered(set.classes());
    if counted(train) && counted(test) {
        let classes = numbered(train.classes().max(test.classes()));
        train.class_names.clone_from(&classes);
        test.class_names = classes;
    }
}
