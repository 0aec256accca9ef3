//! Preprocessed images in a file, for sets whose numbers would fill the memory.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use super::DataError;
use super::rows::Rows;

const BYTES: usize = size_of::<f32>();

/// The numbers of images in a file without a name, which is gone when the last set that reads it is.
///
/// Cheap to clone and to split: the file is shared.
/// The system keeps of the file in memory what there is room for.
#[derive(Clone, Debug)]
pub struct ValueFile {
    file: Arc<File>,
    /// Values of one image.
    image_len: usize,
    /// Where each image is in the file, counted in images.
    rows: Rows,
}

impl ValueFile {
    /// Writes `images` images of `image_len` values, which `fill(first, block)` makes `block_images` at a time,
    /// to a new file in `folder`.
    ///
    /// # Errors
    /// What `fill` returns; a folder that cannot be written to, a full disk.
    pub(super) fn write(
        folder: &Path,
        (images, image_len): (u32, usize),
        block_images: u32,
        mut fill: impl FnMut(usize, &mut [f32]) -> Result<(), DataError>,
    ) -> Result<Self, DataError> {
        let refused =
            |error| DataError::io(folder, "write a file of preprocessed images in", error);
        let file = tempfile::tempfile_in(folder).map_err(refused)?;
        let mut to = BufWriter::new(&file);
        let mut values = vec![0.0; block_images.min(images) as usize * image_len];
        for first in (0..images).step_by(block_images.max(1) as usize) {
            let block = &mut values[..block_images.min(images - first) as usize * image_len];
            fill(first as usize, block)?;
            for value in block {
                to.write_all(&value.to_ne_bytes()).map_err(refused)?;
            }
        }
        to.flush().map_err(refused)?;
        drop(to);
        Ok(Self {
            file: Arc::new(file),
            image_len,
            rows: Rows::first(images),
        })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Appends the values of image `index` to `to`.
    ///
    /// # Errors
    /// An index past the end; what the system says of the file.
    pub(super) fn read(&self, index: usize, to: &mut Vec<f32>) -> Result<(), DataError> {
        let refused =
            |error| DataError::io(Path::new("the file of preprocessed images"), "read", error);
        let row = self.rows.get(index).ok_or_else(|| {
            refused(io::Error::other(format!(
                "image {index} of {}",
                self.rows.len()
            )))
        })?;
        let mut bytes = vec![0; self.image_len * BYTES];
        // The file was written whole, so the product does not overflow.
        let at = u64::from(*row) * bytes.len() as u64;
        read_exact_at(&self.file, &mut bytes, at).map_err(refused)?;
        let (values, _) = bytes.as_chunks::<BYTES>();
        to.extend(values.iter().map(|value| f32::from_ne_bytes(*value)));
        Ok(())
    }

    /// The images at these indices of the set; those past the end are left out.
    pub(super) fn select(&self, indices: impl Iterator<Item = usize>) -> Self {
        self.with(self.rows.select(indices))
    }

    /// The first `n` images and the rest.
    pub(super) fn split_at(&self, n: usize) -> (Self, Self) {
        let (first, rest) = self.rows.split_at(n);
        (self.with(first), self.with(rest))
    }

    fn with(&self, rows: Rows) -> Self {
        Self {
            rows,
            ..self.clone()
        }
    }
}

/// Fills `bytes` from position `at` of a file; several threads may do so at once.
#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

/// Fills `bytes` from position `at` of a file; several threads may do so at once.
#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut at: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    while !bytes.is_empty() {
        match file.seek_read(bytes, at)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                bytes = &mut bytes[n..];
                at += n as u64;
            }
        }
    }
    Ok(())
}
