//! A folder of PNG or JPEG images for each class: `train/CLASS/NAME.png`, `test/CLASS/NAME.png`.
//!
//! Images come in the order of their file names, numbers compared as numbers, and then of their
//! classes, so names that count through the whole split keep their order and mix the classes.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::files::{Root, file_name, natural_key};
use super::listed::by_turns;
use super::memory::{check_picture, grow};
use super::{Listed, Request, decode};
use crate::data::registry::numbered;
use crate::data::{DataError, ImageSet};

const TRAIN: &[&str] = &["train", "training"];
const TEST: &[&str] = &["test", "testing", "val", "valid", "validation"];
const ACCEPTED: &[&str] = &["png", "jpg", "jpeg"];
const REFUSED: &[&str] = &["bmp", "gif", "webp", "tif", "tiff", "ppm", "pgm"];

/// The folders of the two splits.
#[derive(Clone, Debug)]
pub(crate) struct ClassFolders {
    pub(crate) train: PathBuf,
    pub(crate) test: PathBuf,
}

/// Recognizes a training and a test folder that hold folders of images.
pub(crate) fn find(root: &Root, dir_entries: &[PathBuf]) -> Option<ClassFolders> {
    let pick = |names: &[&str]| {
        names.iter().find_map(|name| {
            let wanted = |path: &&PathBuf| file_name(path).eq_ignore_ascii_case(name);
            dir_entries
                .iter()
                .filter(wanted)
                .find(|path| has_class_folders(root, path))
                .cloned()
        })
    };
    Some(ClassFolders {
        train: pick(TRAIN)?,
        test: pick(TEST)?,
    })
}

/// Whether `dir` holds a folder with a picture in it.
fn has_class_folders(root: &Root, dir: &Path) -> bool {
    let Ok(classes) = root.entries(dir) else {
        return false;
    };
    classes.iter().filter(|path| path.is_dir()).any(|class| {
        root.entries(class).is_ok_and(|files| {
            files
                .iter()
                .any(|file| ACCEPTED.contains(&extension(file).as_str()))
        })
    })
}

/// The names of the folders in `dir`, each a class, in natural order.
fn class_folders(root: &Root, dir: &Path) -> Result<Vec<String>, DataError> {
    Ok(root
        .entries(dir)?
        .iter()
        .filter(|path| path.is_dir())
        .map(|path| file_name(path))
        .filter(|name| !name.starts_with('.'))
        .collect())
}

impl ClassFolders {
    /// Reads both splits.
    ///
    /// Folders with the names of the registry's classes, or with their numbers, are those classes.
    pub(crate) fn read(&self, request: &Request) -> Result<(ImageSet, ImageSet), DataError> {
        let (folders, names) = self.classes(request)?;
        let mut train = split(request, "train", &self.train, &folders)?;
        let mut test = split(request, "test", &self.test, &folders)?;
        train.class_names.clone_from(&names);
        test.class_names = names;
        Ok((train, test))
    }

    /// Lists both splits: the first picture of each class, then the second, and so on.
    pub(crate) fn list(&self, request: &Request) -> Result<(Listed, Listed), DataError> {
        let (folders, class_names) = self.classes(request)?;
        let split = |dir: &Path| {
            let files = class_files(&request.root, dir, &folders)?;
            let (files, labels) = by_turns(files).into_iter().unzip();
            Ok::<_, DataError>(Listed {
                class_names: class_names.clone(),
                files,
                labels,
            })
        };
        Ok((split(&self.train)?, split(&self.test)?))
    }

    /// The folders of the classes in the order of their labels, and what the classes are called.
    fn classes(&self, request: &Request) -> Result<(Vec<String>, Vec<String>), DataError> {
        let known = request.class_names();
        let sorted = |mut names: Vec<String>| {
            names.sort();
            names
        };
        let folders = class_folders(&request.root, &self.train)?;
        if sorted(known.clone()) == sorted(folders.clone()) {
            return Ok((known.clone(), known));
        }
        match folders == numbered(known.len()) {
            true => Ok((folders, known)),
            false => Ok((folders.clone(), folders)),
        }
    }
}

/// Reads all images of one split; folders outside `class_names` are an error.
fn split(
    request: &Request,
    split: &str,
    dir: &Path,
    class_names: &[String],
) -> Result<ImageSet, DataError> {
    let root = &request.root;
    let files = list(root, dir, class_names)?;
    let Some((first, _)) = files.first() else {
        return Err(DataError::content(
            dir.display(),
            "PNG or JPEG files in the class folders",
            "none",
            "put the images of each class into a folder with the class's name",
        ));
    };
    let size = decode::probe(&first.display(), &root.read(first)?)?;
    request.check_size(size)?;
    // Each file must be able to hold its picture before there is room for all.
    for (path, _) in &files {
        let len = root.file_len(path)?;
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        check_picture(path.display(), size, len)?;
    }
    let bytes = root.total_len(files.iter().map(|(path, _)| path))?;
    let mut pixels = Vec::new();
    grow(&mut pixels, dir.display(), files.len(), size, bytes)?;
    let results: Vec<Result<(), DataError>> = pixels
        .par_chunks_mut(size.len())
        .zip(&files)
        .map(|(out, (path, _))| decode::decode(&path.display(), &root.read(path)?, size, out))
        .collect();
    results.into_iter().collect::<Result<(), _>>()?;
    Ok(ImageSet {
        name: request.title(split),
        class_names: class_names.to_vec(),
        height: size.height,
        width: size.width,
        channels: size.channels,
        pixels,
        labels: files.into_iter().map(|(_, label)| label).collect(),
        left_out: 0,
        streamed: None,
    })
}

/// All images with their labels, in reading order.
fn list(root: &Root, dir: &Path, known: &[String]) -> Result<Vec<(PathBuf, u32)>, DataError> {
    let mut files = class_files(root, dir, known)?;
    files.sort_by_cached_key(|(path, label)| (natural_key(&file_name(path)), *label));
    Ok(files)
}

/// All images with their labels, class by class.
fn class_files(
    root: &Root,
    dir: &Path,
    known: &[String],
) -> Result<Vec<(PathBuf, u32)>, DataError> {
    let mut files = Vec::new();
    for class in class_folders(root, dir)? {
        let folder = dir.join(&class);
        let Some(label) = known.iter().position(|name| *name == class) else {
            return Err(DataError::content(
                folder.display(),
                format!(
                    "one of the {} class folders of the training split",
                    known.len()
                ),
                format!("class {class:?}"),
                "remove the folder or add the class to the training split",
            ));
        };
        let before = files.len();
        for file in root.entries(&folder)? {
            let extension = extension(&file);
            if file_name(&file).starts_with('.') {
                continue;
            } else if ACCEPTED.contains(&extension.as_str()) {
                files.push((file, label as u32));
            } else if REFUSED.contains(&extension.as_str()) {
                return Err(DataError::content(
                    file.display(),
                    "a PNG or JPEG file",
                    format!("a .{extension} file"),
                    "convert it to PNG",
                ));
            }
        }
        if files.len() == before {
            return Err(DataError::content(
                folder.display(),
                "PNG or JPEG files",
                "none",
                "remove the empty class folder or fill it",
            ));
        }
    }
    Ok(files)
}

fn extension(path: &Path) -> String {
    path.extension()
        .map(|text| text.to_string_lossy().to_lowercase())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn put(dir: &Path, file: &str, width: u32, value: u8) {
        let path = dir.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let picture = image::GrayImage::from_pixel(width, 2, image::Luma([value]));
        picture
            .save_with_format(path, image::ImageFormat::Png)
            .unwrap();
    }

    fn request(dir: &Path) -> Request {
        Request::new("x", None, &Root::new(dir).unwrap(), dir)
    }

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn images_come_in_the_order_of_their_names() {
        let dir = tempfile::tempdir().unwrap();
        for (file, value) in [
            ("train/b/2.png", 2),
            ("train/a/10.png", 10),
            ("train/a/1.png", 1),
        ] {
            put(dir.path(), file, 3, value);
        }
        put(dir.path(), "test/b/1.png", 3, 9);
        fs::write(dir.path().join("train/a/.hidden"), "x").unwrap();
        fs::write(dir.path().join("train/a/readme.txt"), "x").unwrap();
        let request = request(dir.path());
        let entries = request.root.entries(dir.path()).unwrap();
        let found = find(&request.root, &entries).unwrap();
        let (train, test) = found.read(&request).unwrap();
        assert_eq!(train.class_names, ["a", "b"]);
        assert_eq!(train.labels, [0, 1, 0]);
        assert_eq!((train.height, train.width, train.channels), (2, 3, 1));
        assert_eq!(
            [train.pixels[0], train.pixels[6], train.pixels[12]],
            [1, 2, 10]
        );
        assert_eq!(test.labels, [1]);
    }

    #[test]
    fn errors() {
        let dir = tempfile::tempdir().unwrap();
        let message = |name: &str, classes: &[&str]| {
            let path = dir.path().join(name);
            split(&request(dir.path()), name, &path, &names(classes))
                .unwrap_err()
                .to_string()
                .replace(&dir.path().display().to_string(), "D")
        };
        assert!(message("none", &["a"]).starts_with("D/none: cannot read the folder: "));
        fs::create_dir_all(dir.path().join("empty")).unwrap();
        assert!(message("empty", &[]).starts_with("D/empty: expected PNG or JPEG files in the"));
        put(dir.path(), "mixed/a/1.png", 3, 0);
        put(dir.path(), "mixed/a/2.png", 4, 0);
        let text = message("mixed", &["a"]);
        assert!(
            text.starts_with("D/mixed/a/2.png: expected 2x3x1 "),
            "{text}"
        );
        let text = message("mixed", &["b"]);
        assert!(
            text.starts_with("D/mixed/a: expected one of the 1 class folders"),
            "{text}"
        );
        put(dir.path(), "foreign/a/1.bmp", 3, 0);
        let text = message("foreign", &["a"]);
        assert!(
            text.starts_with("D/foreign/a/1.bmp: expected a PNG or JPEG file"),
            "{text}"
        );
        fs::create_dir_all(dir.path().join("hollow/a")).unwrap();
        let text = message("hollow", &["a"]);
        assert!(
            text.starts_with("D/hollow/a: expected PNG or JPEG files, found none"),
            "{text}"
        );
        put(dir.path(), "text/a/1.png", 3, 0);
        fs::write(dir.path().join("text/a/0.png"), "no picture").unwrap();
        let text = message("text", &["a"]);
        assert!(
            text.starts_with("D/text/a/0.png: expected a PNG or JPEG picture"),
            "{text}"
        );
    }
}
