//! Sets of pictures on disk, listed but not read.

use std::path::PathBuf;

use crate::data::layout::Layout;
use crate::data::read::parquet::list_rows;
use crate::data::read::{Listed, Request};
use crate::data::source::Location;
use crate::data::streamed::{PictureFiles, Pictures, Shards};
use crate::data::{DataError, Dataset, Framing, ImageSet, Source, Streamed};

/// Lists the pictures of the data set `name` in `source`, which stay on disk until a batch needs them.
///
/// For sets that are larger than memory, and for pictures of any size: `framing` says how they become images.
/// Pictures are PNG or JPEG files, in a folder for each class (`train/cat/1.jpg`, `test/..` or `val/..`), listed as CUB-200-2011 is,
/// or in parquet shards of the hub, which are read a row group at a time.
/// The order is that of the shards, or the first picture of each class, then the second, and so on, so that the
/// first images of a set are of all classes.
/// Of the sets in the registry the numbers of classes and of images are checked.
///
/// What needs all pixels in memory (whitening, scenes, [`ImageSet::image`]) does not work on such a set;
/// [`Preprocess::fit`](crate::data::Preprocess::fit) learns from [`Framing::fitted_on`] training pictures.
///
/// # Errors
/// Those of [`load`](crate::data::load) but for what is inside the pictures, which a batch reports; files of another layout;
/// a framing that means nothing or does not give images of the set's size.
///
/// ```
/// use lab::data::{Framing, Source, load_streamed};
/// # let dir = tempfile::tempdir()?;
/// # for file in ["train/cat/1.png", "train/dog/1.png", "val/cat/1.png"] {
/// #     let path = dir.path().join(file);
/// #     std::fs::create_dir_all(path.parent().ok_or("no folder")?)?;
/// #     image::RgbImage::new(40, 30).save(path)?;
/// # }
/// # let folder = dir.path().to_owned();
/// let pets = load_streamed("pets", &Source::Dir(folder), Framing::of_side(24))?;
/// assert_eq!((pets.train.len(), pets.test.len()), (2, 1));
/// assert!(pets.train.pixels.is_empty() && pets.train.streamed.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn load_streamed(name: &str, source: &Source, framing: Framing) -> Result<Dataset, DataError> {
    framing.check()?;
    let place = Location::find(name, source, false)?;
    let request = &place.request;
    let shape = (3, framing.side, framing.side);
    if let Some(set) = request.set
        && set.shape != shape
    {
        let (c, h, w) = set.shape;
        return Err(DataError::Argument {
            op: "load_streamed",
            argument: "framing",
            found: format!("{0}x{0}x3 images", framing.side),
            expected: format!("{h}x{w}x{c} images of {}", set.name),
        });
    }
    let files = |(train, test): (Listed, Listed)| {
        let train = of_files(request, "train", train, framing)?;
        Ok::<_, DataError>((train, of_files(request, "test", test, framing)?))
    };
    let (train, test) = match &place.layout {
        Layout::Folder(folders) => files(folders.list(request)?)?,
        Layout::Birds(birds) => files(birds.list(request)?)?,
        Layout::Parquet(shards) => (
            of_shards(request, "train", &shards.train, framing)?,
            of_shards(request, "test", &shards.test, framing)?,
        ),
        other => {
            return Err(DataError::content(
                request.dir.display(),
                "image folders, the lists of CUB-200-2011 or parquet shards",
                format!("{} files", other.title()),
                "read such files with `load`, which keeps them in memory",
            ));
        }
    };
    place.dataset((train, test))
}

/// One split whose pictures are files.
fn of_files(
    request: &Request,
    split: &str,
    listed: Listed,
    framing: Framing,
) -> Result<ImageSet, DataError> {
    let files = PictureFiles::new(&request.root, &request.dir, &listed.files)?;
    let pictures = Streamed::new(Pictures::Files(files), framing)?;
    Ok(set(
        request.title(split),
        listed.class_names,
        listed.labels,
        pictures,
    ))
}

/// One split whose pictures are in shards.
fn of_shards(
    request: &Request,
    split: &str,
    files: &[PathBuf],
    framing: Framing,
) -> Result<ImageSet, DataError> {
    let rows = list_rows(request, files)?;
    let files = files.iter().cloned().zip(rows.footers).collect();
    let shards = Shards::new(&request.root, &request.dir, files, rows.groups);
    let pictures = Streamed::new(Pictures::Shards(shards), framing)?;
    Ok(set(
        request.title(split),
        rows.class_names,
        rows.labels,
        pictures,
    ))
}

fn set(name: String, class_names: Vec<String>, labels: Vec<u32>, pictures: Streamed) -> ImageSet {
    let side = pictures.framing().side;
    ImageSet {
        name,
        class_names,
        height: side,
        width: side,
        channels: 3,
        pixels: Vec::new(),
        labels,
        left_out: 0,
        streamed: Some(pictures),
    }
}
