//! The binary files of STL-10.
//!
//! An image is 3 x 96 x 96 bytes: red, green, blue, and in each the columns from left to right, not the rows.
//! Labels are bytes from 1 to 10.
//! `fold_indices.txt` has a line for each of the ten predefined folds: the numbers of its 1,000 training images.
//! Source: Coates, Lee and Ng, "An Analysis of Single Layer Networks in Unsupervised Feature Learning", 2011.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::Request;
use super::files::file_name;
use super::memory::{Size, grow};
use crate::data::registry::numbered;
use crate::data::{DataError, ImageSet, UNLABELLED};

const SIDE: usize = 96;
const PLANE: usize = SIDE * SIDE;
const CLASSES: usize = 10;
/// Images of a fold.
pub(crate) const FOLD: usize = 1_000;
const AGAIN: &str = "unpack stl10_binary.tar.gz again";
const SIZE: Size = Size {
    height: SIDE,
    width: SIDE,
    channels: 3,
};

/// The files in one folder.
#[derive(Clone, Debug)]
pub(crate) struct Stl10Files {
    dir: PathBuf,
}

/// Recognizes the files among the entries of `dir`.
///
/// # Errors
/// When some but not all of the labelled files are there.
pub(crate) fn find(dir: &Path, entries: &[PathBuf]) -> Result<Option<Stl10Files>, DataError> {
    let has = |name: &str| {
        let fits = |path: &PathBuf| file_name(path) == name && path.is_file();
        entries.iter().any(fits)
    };
    let names = ["train_X.bin", "train_y.bin", "test_X.bin", "test_y.bin"];
    if !names.into_iter().any(has) {
        return Ok(None);
    }
    match names.into_iter().find(|name| !has(name)) {
        None => Ok(Some(Stl10Files {
            dir: dir.to_owned(),
        })),
        Some(missing) => Err(DataError::content(
            dir.display(),
            names.join(", "),
            format!("no {missing}"),
            "unpack the whole archive stl10_binary.tar.gz",
        )),
    }
}

impl Stl10Files {
    /// Reads the labelled images of one split.
    pub(crate) fn split(&self, request: &Request, split: &str) -> Result<ImageSet, DataError> {
        request.check_size(SIZE)?;
        let path = self.dir.join(format!("{split}_y.bin"));
        let mut labels = Vec::new();
        for (row, byte) in request.root.read(&path)?.into_iter().enumerate() {
            let label = byte.checked_sub(1).map(u32::from);
            match label.filter(|&label| (label as usize) < CLASSES) {
                Some(label) => labels.push(label),
                None => {
                    return Err(DataError::content(
                        format!("{}, byte {row}", path.display()),
                        format!("a label from 1 to {CLASSES}"),
                        format!("label {byte}"),
                        AGAIN,
                    ));
                }
            }
        }
        let images = self.dir.join(format!("{split}_X.bin"));
        let pixels = read(request, &images, labels.len() + 1)?;
        let set = image_set(request, split, pixels);
        if set.len() != labels.len() {
            return Err(DataError::content(
                images.display(),
                format!("{} images, one for each label", labels.len()),
                match set.len() > labels.len() {
                    true => "more".to_owned(),
                    false => set.len().to_string(),
                },
                AGAIN,
            ));
        }
        Ok(ImageSet { labels, ..set })
    }

    /// Reads the first `limit` images without labels, `None` if their file is not there.
    pub(crate) fn unlabelled(
        &self,
        request: &Request,
        limit: usize,
    ) -> Result<Option<ImageSet>, DataError> {
        request.check_size(SIZE)?;
        let path = self.dir.join("unlabeled_X.bin");
        if !path.is_file() {
            return Ok(None);
        }
        let pixels = read(request, &path, limit)?;
        Ok(Some(image_set(request, "unlabelled", pixels)))
    }

    /// Reads the predefined folds, which are of one length, `None` if their file is not there.
    pub(crate) fn folds(&self, request: &Request) -> Result<Option<Vec<Vec<u32>>>, DataError> {
        let path = self.dir.join("fold_indices.txt");
        if !path.is_file() {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&request.root.read(&path)?).into_owned();
        let fold = |(line, text): (usize, &str)| {
            let number = |word: &str| {
                word.parse().map_err(|_| {
                    DataError::content(
                        format!("{}, line {}", path.display(), line + 1),
                        "numbers of training images",
                        format!("{word:?}"),
                        AGAIN,
                    )
                })
            };
            text.split_whitespace().map(number).collect()
        };
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let folds: Vec<Vec<u32>> = lines.enumerate().map(fold).collect::<Result<_, _>>()?;
        let wanted = folds.first().map_or(0, Vec::len);
        match folds.iter().position(|fold| fold.len() != wanted) {
            None => Ok(Some(folds)),
            Some(line) => Err(DataError::content(
                format!("{}, line {}", path.display(), line + 1),
                format!("{wanted} numbers, as in the first line"),
                folds[line].len().to_string(),
                AGAIN,
            )),
        }
    }
}

/// Images without labels.
fn image_set(request: &Request, split: &str, pixels: Vec<u8>) -> ImageSet {
    let class_names = match request.set {
        Some(_) => request.class_names(),
        None => numbered(CLASSES),
    };
    ImageSet {
        name: request.title(split),
        class_names,
        height: SIDE,
        width: SIDE,
        channels: 3,
        labels: vec![UNLABELLED; pixels.len() / SIZE.len()],
        pixels,
        left_out: 0,
        streamed: None,
    }
}

/// The first `limit` images of a file, as H, W, C bytes.
fn read(request: &Request, path: &Path, limit: usize) -> Result<Vec<u8>, DataError> {
    let failed = |error| DataError::io(path, "read", error);
    let (mut file, bytes) = request.root.open(path)?;
    let all = bytes;
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    if bytes == 0 || !bytes.is_multiple_of(SIZE.len()) {
        return Err(DataError::content(
            path.display(),
            format!("images of {} bytes", SIZE.len()),
            format!("{bytes} bytes, {} too many", bytes % SIZE.len()),
            AGAIN,
        ));
    }
    let images = limit.min(bytes / SIZE.len());
    let mut pixels = Vec::new();
    grow(&mut pixels, path.display(), images, SIZE, all)?;
    let mut planes = vec![0; SIZE.len()];
    for image in pixels.chunks_exact_mut(SIZE.len()) {
        file.read_exact(&mut planes).map_err(failed)?;
        for (at, pixel) in image.chunks_exact_mut(3).enumerate() {
            let at = at % SIDE * SIDE + at / SIDE;
            pixel.copy_from_slice(&[planes[at], planes[PLANE + at], planes[2 * PLANE + at]]);
        }
    }
    Ok(pixels)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::files::Root;
    use super::*;

    /// A folder with two training images, one test image and one unlabelled image.
    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a folder");
        let image = |number: usize| -> Vec<u8> {
            let byte =
                |at: usize| ((at / PLANE) * 60 + (at % PLANE) / SIDE + at % 7 + number) as u8;
            (0..SIZE.len()).map(byte).collect()
        };
        let write = |name: &str, bytes: &[u8]| {
            fs::write(dir.path().join(name), bytes).expect("written");
        };
        write("train_X.bin", &[image(0), image(1)].concat());
        write("train_y.bin", &[10, 1]);
        write("test_X.bin", &image(2));
        write("test_y.bin", &[3]);
        write("unlabeled_X.bin", &[image(3), image(4)].concat());
        write("fold_indices.txt", b"0 1\n1 0 \n");
        dir
    }

    fn request(dir: &Path) -> Request {
        Request::new("made", None, &Root::new(dir).expect("a root"), dir)
    }

    fn files(dir: &Path) -> Stl10Files {
        let entries = request(dir).root.entries(dir).expect("entries");
        find(dir, &entries).expect("whole").expect("found")
    }

    #[test]
    fn columns_become_rows() -> Result<(), DataError> {
        let dir = folder();
        let train = files(dir.path()).split(&request(dir.path()), "train")?;
        assert_eq!(train.labels, [9, 0]);
        train.check()?;
        // Byte (channel, x, y) of the file is pixel (y, x, channel).
        for (y, x, c) in [(0, 1, 0), (95, 0, 1), (5, 90, 2)] {
            let at = c * PLANE + x * SIDE + y;
            let value = train.pixels[(y * SIDE + x) * 3 + c];
            assert_eq!(value, (c * 60 + x + at % 7) as u8);
        }
        Ok(())
    }

    #[test]
    fn unlabelled_images_and_folds() -> Result<(), DataError> {
        let dir = folder();
        let (files, request) = (files(dir.path()), request(dir.path()));
        let all = files.unlabelled(&request, usize::MAX)?.expect("there");
        assert_eq!(all.labels, [UNLABELLED; 2]);
        let one = files.unlabelled(&request, 1)?.expect("there");
        assert_eq!(one.pixels[..], all.pixels[..SIZE.len()]);
        assert_eq!(files.folds(&request)?, Some(vec![vec![0, 1], vec![1, 0]]));
        fs::remove_file(dir.path().join("unlabeled_X.bin")).expect("removed");
        fs::remove_file(dir.path().join("fold_indices.txt")).expect("removed");
        assert!(files.unlabelled(&request, 1)?.is_none() && files.folds(&request)?.is_none());
        Ok(())
    }

    #[test]
    fn errors() {
        let dir = folder();
        let (files, request) = (files(dir.path()), request(dir.path()));
        let split = |name: &str| {
            let error = files.split(&request, name).expect_err("accepted");
            error.to_string()
        };
        fs::write(dir.path().join("test_y.bin"), [11]).expect("written");
        assert!(split("test").contains("byte 0: expected a label from 1 to 10, found label 11"));
        fs::write(dir.path().join("test_y.bin"), [1, 2]).expect("written");
        assert!(split("test").contains("expected 2 images, one for each label, found 1"));
        fs::write(dir.path().join("train_y.bin"), [1]).expect("written");
        assert!(split("train").contains("one for each label, found more"));
        fs::write(dir.path().join("train_X.bin"), [1; 27_649]).expect("written");
        assert!(split("train").contains("27649 bytes, 1 too many"));
        fs::write(dir.path().join("fold_indices.txt"), "1 x").expect("written");
        let text = files.folds(&request).expect_err("accepted").to_string();
        assert!(
            text.contains("line 1: expected numbers of training images, found \"x\""),
            "{text}"
        );
        fs::write(dir.path().join("fold_indices.txt"), "0 1\n1").expect("written");
        let text = files.folds(&request).expect_err("accepted").to_string();
        assert!(
            text.contains("line 2: expected 2 numbers, as in the first line, found 1"),
            "{text}"
        );
        fs::remove_file(dir.path().join("test_X.bin")).expect("removed");
        let found = request.root.entries(dir.path()).expect("entries");
        let text = find(dir.path(), &found).expect_err("accepted").to_string();
        assert!(
            text.contains("found no test_X.bin; unpack the whole archive"),
            "{text}"
        );
    }
}
