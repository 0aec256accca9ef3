//! The IDX format of MNIST, plain or gzipped.
//!
//! A file is: two zero bytes, the type (8 = unsigned byte), the number of dimensions, each
//! dimension as a big-endian `u32`, then the values.
//! Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits".

use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::Request;
use super::files::file_name;
use super::memory::{SLACK, Size};
use crate::data::registry::numbered;
use crate::data::{DataError, ImageSet};

/// A gzipped file holds at most this many bytes for each of its own, and `SLACK` more: images compress far less.
const GZIP_FACTOR: usize = 64;
const AGAIN: &str = "fetch the file again";

/// The pair of files that makes one split.
#[derive(Clone, Debug)]
pub(crate) struct IdxFiles {
    pub(crate) images: PathBuf,
    pub(crate) labels: PathBuf,
}

/// Finds the two files of a split in `dir`; `train` chooses between training and test names.
pub(crate) fn find(entries: &[PathBuf], train: bool) -> Option<IdxFiles> {
    let prefixes: &[&str] = if train { &["train"] } else { &["t10k", "test"] };
    let pick = |kind: &str, rank: &str| {
        entries.iter().find(|path| {
            let name = file_name(path).replace('.', "-");
            let name = name.strip_suffix("-gz").unwrap_or(&name);
            prefixes
                .iter()
                .any(|prefix| name == format!("{prefix}-{kind}-{rank}-ubyte"))
                && path.is_file()
        })
    };
    let images = pick("images", "idx3")?.clone();
    let labels = pick("labels", "idx1")?.clone();
    Some(IdxFiles { images, labels })
}

/// Reads one split. Classes are named by their numbers where the registry names none.
pub(crate) fn read(
    request: &Request,
    split: &str,
    files: &IdxFiles,
) -> Result<ImageSet, DataError> {
    let show = |path: &Path| path.display().to_string();
    parse(
        &request.title(split),
        (&show(&files.images), &request.root.read(&files.images)?),
        (&show(&files.labels), &request.root.read(&files.labels)?),
        request.class_names(),
        |size| request.check_size(size),
    )
}

/// Makes a set of the content of two files, each given with the place it came from.
///
/// `check` may refuse the images' size before they are unpacked.
pub(crate) fn parse(
    name: &str,
    (images_place, images): (&str, &[u8]),
    (labels_place, labels): (&str, &[u8]),
    class_names: Vec<String>,
    check: impl Fn(Size) -> Result<(), DataError>,
) -> Result<ImageSet, DataError> {
    let images = array::<3>(images_place, images, |&[_, height, width]| {
        check(Size {
            height,
            width,
            channels: 1,
        })
    })?;
    let labels = array::<1>(labels_place, labels, |_| Ok(()))?;
    if images.dims[0] != labels.dims[0] {
        return Err(DataError::content(
            labels_place,
            format!(
                "{} labels as there are images in {images_place}",
                images.dims[0]
            ),
            format!("{}", labels.dims[0]),
            "take both files from the same split",
        ));
    }
    let found = labels
        .values
        .iter()
        .copied()
        .max()
        .map_or(0, |top| usize::from(top) + 1);
    let class_names = match class_names.len() {
        0 => numbered(found),
        _ => class_names,
    };
    let set = ImageSet {
        name: name.to_owned(),
        class_names,
        height: images.dims[1],
        width: images.dims[2],
        channels: 1,
        pixels: images.values,
        labels: labels.values.into_iter().map(u32::from).collect(),
        left_out: 0,
        streamed: None,
    };
    if found > set.classes() {
        return Err(DataError::content(
            labels_place,
            format!("labels below {}", set.classes()),
            format!("label {}", found - 1),
            "check that the files belong to this data set",
        ));
    }
    Ok(set)
}

struct Array<const RANK: usize> {
    dims: [usize; RANK],
    values: Vec<u8>,
}

/// Unpacks an array; `check` may refuse its dimensions before that.
fn array<const RANK: usize>(
    place: &str,
    file: &[u8],
    check: impl Fn(&[usize; RANK]) -> Result<(), DataError>,
) -> Result<Array<RANK>, DataError> {
    let gzipped = file.starts_with(&[0x1f, 0x8b]);
    let mut reader: Box<dyn Read> = if gzipped {
        Box::new(MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let magic = read_u32(place, &mut reader)?;
    let wanted = 0x0800 | RANK as u32;
    if magic != wanted {
        return Err(DataError::content(
            place,
            format!("IDX magic number {wanted:#010x} ({RANK} dimensions of bytes)"),
            format!("{magic:#010x}"),
            "check that images and labels are not exchanged, or fetch the file again",
        ));
    }
    let mut dims = [0; RANK];
    for dim in &mut dims {
        *dim = read_u32(place, &mut reader)? as usize;
    }
    check(&dims)?;
    let text = dims.map(|dim| dim.to_string()).join("x");
    let room = if gzipped {
        file.len().saturating_mul(GZIP_FACTOR).saturating_add(SLACK)
    } else {
        file.len()
    };
    let count = dims
        .iter()
        .try_fold(1usize, |product, &dim| product.checked_mul(dim));
    let Some(count) = count.filter(|&count| count <= room) else {
        return Err(DataError::content(
            place,
            format!("{text} values as its header says"),
            format!("a file of {} bytes", file.len()),
            AGAIN,
        ));
    };
    let mut values = Vec::new();
    if values.try_reserve_exact(count).is_err() {
        let cure = "use a smaller subset";
        let found = format!("{text} values");
        return Err(DataError::content(
            place,
            "values that fit into memory",
            found,
            cure,
        ));
    }
    let end = reader.take(count as u64 + 1).read_to_end(&mut values);
    if let Err(error) = end {
        let found = format!("{} and then a gzip error ({error})", values.len());
        return Err(DataError::content(
            place,
            format!("{text} values"),
            found,
            AGAIN,
        ));
    }
    if values.len() != count {
        let found = match values.len() > count {
            true => "more".to_owned(),
            false => values.len().to_string(),
        };
        return Err(DataError::content(
            place,
            format!("{text} values"),
            found,
            AGAIN,
        ));
    }
    Ok(Array { dims, values })
}

fn read_u32(place: &str, reader: &mut dyn Read) -> Result<u32, DataError> {
    let mut bytes = [0; 4];
    match reader.read_exact(&mut bytes) {
        Ok(()) => Ok(u32::from_be_bytes(bytes)),
        Err(error) => Err(DataError::content(
            place,
            "an IDX header",
            format!("its end ({error})"),
            AGAIN,
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn images(n: u32, h: u32, w: u32, values: &[u8]) -> Vec<u8> {
        let mut file = vec![0, 0, 8, 3];
        for dim in [n, h, w] {
            file.extend(dim.to_be_bytes());
        }
        file.extend(values);
        file
    }

    fn labels(n: u32, values: &[u8]) -> Vec<u8> {
        let mut file = vec![0, 0, 8, 1];
        file.extend(n.to_be_bytes());
        file.extend(values);
        file
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn message(images: &[u8], labels: &[u8]) -> String {
        parse(
            "x",
            ("I", images),
            ("L", labels),
            vec!["a".into(), "b".into()],
            |_| Ok(()),
        )
        .unwrap_err()
        .to_string()
    }

    #[test]
    fn plain_and_gzipped_are_the_same() {
        let (i, l) = (images(2, 1, 3, &[1, 2, 3, 4, 5, 6]), labels(2, &[1, 0]));
        let plain = parse("x", ("I", &i), ("L", &l), vec![], |_| Ok(())).unwrap();
        let packed = parse("x", ("I", &gzip(&i)), ("L", &gzip(&l)), vec![], |_| Ok(())).unwrap();
        assert_eq!(plain, packed);
        assert_eq!((plain.height, plain.width, plain.channels), (1, 3, 1));
        assert_eq!(plain.image(1), Some(&[4, 5, 6][..]));
        assert_eq!(plain.labels, [1, 0]);
        assert_eq!(plain.class_names, ["0", "1"]);
    }

    #[test]
    fn errors() {
        let (i, l) = (images(2, 1, 3, &[0; 6]), labels(2, &[1, 0]));
        for (text, images, labels) in [
            (
                "L: expected 2 labels as there are images in I, found 1;",
                &i,
                &labels(1, &[0]),
            ),
            (
                "L: expected labels below 2, found label 7;",
                &i,
                &labels(2, &[0, 7]),
            ),
            ("I: expected IDX magic number 0x00000803", &l, &l),
            (
                "I: expected an IDX header, found its end",
                &i[..9].to_vec(),
                &l,
            ),
            ("I: expected 2x1x3 values, found 3;", &i[..19].to_vec(), &l),
            (
                "I: expected 2x1x3 values, found more;",
                &images(2, 1, 3, &[0; 7]),
                &l,
            ),
            (
                "I: expected 4294967295x4294967295x4294967295 values as its header says, \
                 found a file of 16 bytes;",
                &images(u32::MAX, u32::MAX, u32::MAX, &[]),
                &l,
            ),
            (
                "I: expected 4294967295x1x1 values as its header says",
                &gzip(&images(u32::MAX, 1, 1, &[])),
                &l,
            ),
        ] {
            let message = message(images, labels);
            assert!(message.starts_with(text), "{message}");
            assert!(!message.contains('\n'));
        }
        let noise: Vec<u8> = (0u32..4000)
            .map(|v| (v.wrapping_mul(2654435761) >> 13) as u8)
            .collect();
        let mut cut = gzip(&images(1, 40, 100, &noise));
        cut.truncate(cut.len() / 2);
        let message = message(&cut, &l);
        assert!(message.contains("and then a gzip error"), "{message}");
    }
}
