//! The binary files of CIFAR-10 and CIFAR-100.
//!
//! A record is one label byte (CIFAR-100: the coarse label, then the fine one, which we take)
//! and 3,072 pixel bytes: the 32 rows of red, then of green, then of blue.
//! Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.

use std::path::{Path, PathBuf};

use super::Request;
use super::files::file_name;
use super::memory::{Size, grow};
use crate::data::{DataError, DataSet, ImageSet};

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
const SIZE: Size = Size {
    height: SIDE,
    width: SIDE,
    channels: 3,
};
const AGAIN: &str = "fetch the file again";

/// The files of one of the two data sets, in reading order.
#[derive(Clone, Debug)]
pub(crate) struct CifarFiles {
    train: Vec<PathBuf>,
    test: PathBuf,
    names: PathBuf,
    label_bytes: usize,
    classes: usize,
    /// The set of these files, which names the classes where the files do not.
    set: Option<&'static DataSet>,
}

/// Recognizes the files of CIFAR-10 or CIFAR-100 among the entries of `dir`.
///
/// # Errors
/// When some but not all of the five training batches of CIFAR-10 are there.
pub(crate) fn find(dir: &Path, entries: &[PathBuf]) -> Result<Option<CifarFiles>, DataError> {
    let has = |name: &str| {
        entries
            .iter()
            .any(|path| file_name(path) == name && path.is_file())
    };
    let batches: Vec<String> = (1..=5)
        .map(|batch| format!("data_batch_{batch}.bin"))
        .collect();
    if batches.iter().any(|name| has(name)) {
        if let Some(missing) = batches
            .iter()
            .map(String::as_str)
            .chain(["test_batch.bin"])
            .find(|name| !has(name))
        {
            return Err(DataError::content(
                dir.display(),
                "data_batch_1.bin to data_batch_5.bin and test_batch.bin",
                format!("no {missing}"),
                "unpack the whole archive cifar-10-binary.tar.gz",
            ));
        }
        return Ok(Some(CifarFiles {
            train: batches.iter().map(|name| dir.join(name)).collect(),
            test: dir.join("test_batch.bin"),
            names: dir.join("batches.meta.txt"),
            label_bytes: 1,
            classes: 10,
            set: DataSet::find("cifar10"),
        }));
    }
    if has("train.bin") && has("test.bin") {
        return Ok(Some(CifarFiles {
            train: vec![dir.join("train.bin")],
            test: dir.join("test.bin"),
            names: dir.join("fine_label_names.txt"),
            label_bytes: 2,
            classes: 100,
            set: DataSet::find("cifar100"),
        }));
    }
    Ok(None)
}

impl CifarFiles {
    /// The class names in the text file beside the images, or else those of the registry.
    fn class_names(&self, request: &Request) -> Result<Vec<String>, DataError> {
        if !self.names.is_file() {
            return Ok(self.set.map(DataSet::class_names).unwrap_or_default());
        }
        let text = String::from_utf8_lossy(&request.root.read(&self.names)?).into_owned();
        let names: Vec<String> = text
            .lines()
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect();
        if names.len() != self.classes {
            return Err(DataError::content(
                self.names.display(),
                format!("{} lines with a class name each", self.classes),
                names.len().to_string(),
                "fetch the file again, or remove it to use the well-known names",
            ));
        }
        Ok(names)
    }

    /// Reads the training images.
    pub(crate) fn train(&self, request: &Request) -> Result<ImageSet, DataError> {
        self.split(request, "train", &self.train)
    }

    /// Reads the test images.
    pub(crate) fn test(&self, request: &Request) -> Result<ImageSet, DataError> {
        self.split(request, "test", std::slice::from_ref(&self.test))
    }

    fn split(
        &self,
        request: &Request,
        split: &str,
        files: &[PathBuf],
    ) -> Result<ImageSet, DataError> {
        request.check_size(SIZE)?;
        let mut set = ImageSet {
            name: request.title(split),
            class_names: self.class_names(request)?,
            height: SIDE,
            width: SIDE,
            channels: 3,
            pixels: Vec::new(),
            labels: Vec::new(),
            left_out: 0,
            streamed: None,
        };
        for path in files {
            let place = path.display().to_string();
            append(
                &mut set,
                &place,
                &request.root.read(path)?,
                self.label_bytes,
            )?;
        }
        Ok(set)
    }
}

/// Appends the records of one file to `set`.
fn append(
    set: &mut ImageSet,
    place: &str,
    file: &[u8],
    label_bytes: usize,
) -> Result<(), DataError> {
    let record = label_bytes + 3 * PLANE;
    if file.is_empty() || !file.len().is_multiple_of(record) {
        return Err(DataError::content(
            place,
            format!("records of {record} bytes"),
            format!("{} bytes, {} too many", file.len(), file.len() % record),
            AGAIN,
        ));
    }
    let (first, classes) = (set.pixels.len(), set.classes());
    grow(
        &mut set.pixels,
        place,
        file.len() / record,
        SIZE,
        file.len() as u64,
    )?;
    let records = file.chunks_exact(record).enumerate();
    let images = set.pixels[first..].chunks_exact_mut(SIZE.len());
    for ((row, record), image) in records.zip(images) {
        let (label, planes) = record.split_at(label_bytes);
        let label = label[label_bytes - 1];
        if usize::from(label) >= classes {
            return Err(DataError::content(
                format!("{place}, record {row}"),
                format!("a label below {classes}"),
                format!("label {label}"),
                AGAIN,
            ));
        }
        set.labels.push(u32::from(label));
        let (red, rest) = planes.split_at(PLANE);
        let (green, blue) = rest.split_at(PLANE);
        let colors = red.iter().zip(green).zip(blue);
        for (pixel, ((&r, &g), &b)) in image.chunks_exact_mut(3).zip(colors) {
            pixel.copy_from_slice(&[r, g, b]);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty(classes: usize) -> ImageSet {
        ImageSet {
            name: "x".into(),
            class_names: crate::data::registry::numbered(classes),
            height: SIDE,
            width: SIDE,
            channels: 3,
            pixels: vec![],
            labels: vec![],
            left_out: 0,
            streamed: None,
        }
    }

    #[test]
    fn planes_become_pixels_and_rows_stay_rows() {
        let mut file = vec![3];
        for channel in 0..3u32 {
            file.extend((0..PLANE as u32).map(|at| (channel * 80 + at / 32 * 2 + at % 2) as u8));
        }
        let mut set = empty(10);
        append(&mut set, "F", &file, 1).unwrap();
        assert_eq!(set.labels, [3]);
        for (y, x, c) in [(0, 1, 0), (31, 0, 1), (5, 7, 2)] {
            let value = set.pixels[(y * 32 + x) * 3 + c];
            assert_eq!(usize::from(value), c * 80 + y * 2 + x % 2);
        }
    }

    #[test]
    fn the_fine_label_is_taken() {
        let mut file = vec![19, 87];
        file.extend([0; 3 * PLANE]);
        let mut set = empty(100);
        append(&mut set, "F", &file, 2).unwrap();
        assert_eq!(set.labels, [87]);
    }

    #[test]
    fn errors() {
        let message = |file: &[u8]| {
            append(&mut empty(10), "F", file, 1)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            message(&[0; 3074]),
            "F: expected records of 3073 bytes, found 3074 bytes, 1 too many; fetch the file again"
        );
        assert!(message(&[]).starts_with("F: expected records of 3073 bytes, found 0 bytes"));
        assert!(
            message(&[10; 3073])
                .starts_with("F, record 0: expected a label below 10, found label 10")
        );
    }
}
