//! Sets of pictures on disk, listed but not read.

use super::{Framing, PictureFiles, Streamed};
use crate::data::layout::Layout;
use crate::data::read::{Listed, Request};
use crate::data::source::Location;
use crate::data::{DataError, Dataset, ImageSet, Source};

/// Lists the pictures of the data set `name` in `source`, which stay on disk until a batch needs them.
///
/// For sets that are larger than memory, and for pictures of any size: `framing` says how they become images.
/// Pictures are PNG or JPEG files, in a folder for each class (`train/cat/1.jpg`, `test/..` or `val/..`) or listed as CUB-200-2011 is.
/// The order is that of the lists, or the first picture of each class, then the second, and so on, so that the first images
/// of a set are of all classes.
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
    let (train, test) = match &place.layout {
        Layout::Folder(folders) => folders.list(request)?,
        Layout::Birds(birds) => birds.list(request)?,
        other => {
            return Err(DataError::content(
                request.dir.display(),
                "image folders or the lists of CUB-200-2011",
                format!("{} files", other.title()),
                "read such files with `load`, which keeps them in memory",
            ));
        }
    };
    let data = Dataset {
        name: request.name().to_owned(),
        train: split(request, "train", train, framing)?,
        test: split(request, "test", test, framing)?,
    };
    data.check()?;
    place.check(&data)?;
    Ok(data)
}

fn split(
    request: &Request,
    split: &str,
    listed: Listed,
    framing: Framing,
) -> Result<ImageSet, DataError> {
    let files = PictureFiles::new(&request.root, &request.dir, &listed.files)?;
    Ok(ImageSet {
        name: request.title(split),
        class_names: listed.class_names,
        height: framing.side,
        width: framing.side,
        channels: 3,
        pixels: Vec::new(),
        labels: listed.labels,
        left_out: 0,
        streamed: Some(Streamed::new(files, framing)?),
    })
}
