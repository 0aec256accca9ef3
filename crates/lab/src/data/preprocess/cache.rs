//! The file that keeps a fitted whitening: two tensors, `mean` and `matrix`, as safetensors.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use sha2::{Digest, Sha256};

use super::{Gcn, Zca, ZcaTransform};
use crate::atomic;
use crate::data::hex::hex;
use crate::data::{DataError, ImageSet};

/// Changes when the computation or the file does, so that old files are not used.
const VERSION: &str = "striate zca 2";
/// What the file holds beside its values, at most.
const HEADER_BYTES: u64 = 1 << 16;

/// What the cache holds.
pub(super) enum Kept {
    /// A whitening that is as it was written.
    Good(ZcaTransform),
    /// Nothing that fits.
    Nothing,
    /// A file that cannot be used, for this reason.
    Damaged(String),
}

/// One file of the cache.
pub(super) struct Entry {
    path: PathBuf,
    key: String,
}

impl Entry {
    pub(super) fn new(folder: &Path, train: &ImageSet, gcn: &Gcn, zca: &Zca) -> Self {
        let mut hash = train.pixel_hash();
        hash.update(VERSION);
        for value in [
            gcn.scale,
            gcn.sqrt_bias,
            gcn.min_divisor,
            zca.regularization,
        ] {
            hash.update(value.to_le_bytes());
        }
        let key = hex(&hash.finalize());
        Self {
            path: folder.join(format!("zca-{}.safetensors", &key[..16])),
            key,
        }
    }

    /// The kept whitening, if its digest is that which was written and all its values are finite.
    pub(super) fn read(&self, image_len: usize) -> Kept {
        match self.content(image_len) {
            Ok(None) => Kept::Nothing,
            Ok(Some(file)) => self
                .parse(&file, image_len)
                .unwrap_or_else(|reason| Kept::Damaged(self.named(reason))),
            Err(error) => Kept::Damaged(self.named(&error.to_string())),
        }
    }

    fn named(&self, reason: &str) -> String {
        format!("{}: {reason}", self.path.display())
    }

    /// The file's content, if there is a file; of another size than a whitening's it is not read.
    fn content(&self, image_len: usize) -> std::io::Result<Option<Vec<u8>>> {
        let metadata = match std::fs::metadata(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let values = image_len as u64 * (image_len as u64 + 1) * 8;
        let sizes = values..=values + HEADER_BYTES;
        if !metadata.is_file() || !sizes.contains(&metadata.len()) {
            return Err(std::io::Error::other(
                "it has another size than a whitening",
            ));
        }
        let mut content = Vec::new();
        let file = std::fs::File::open(&self.path)?;
        file.take(metadata.len()).read_to_end(&mut content)?;
        Ok(Some(content))
    }

    fn parse(&self, file: &[u8], image_len: usize) -> Result<Kept, &'static str> {
        const OTHER: &str = "it is no whitening of this project";
        let (_, metadata) = SafeTensors::read_metadata(file).map_err(|_| OTHER)?;
        let metadata = metadata.metadata().as_ref().ok_or(OTHER)?;
        let tensors = SafeTensors::deserialize(file).map_err(|_| OTHER)?;
        let bytes = |name: &str, shape: &[usize]| {
            let tensor = tensors.tensor(name).map_err(|_| OTHER)?;
            match tensor.dtype() == Dtype::F64 && tensor.shape() == shape {
                true => Ok(tensor.data()),
                false => Err(OTHER),
            }
        };
        let mean = bytes("mean", &[image_len])?;
        let matrix = bytes("matrix", &[image_len, image_len])?;
        if metadata.get("digest") != Some(&self.digest(mean, matrix)) {
            return Err(
                "its values are not those that were written for these images and constants",
            );
        }
        let zca = ZcaTransform {
            mean: values(mean),
            matrix: values(matrix),
        };
        match zca.mean.iter().chain(&zca.matrix).all(|x| x.is_finite()) {
            true => Ok(Kept::Good(zca)),
            false => Err("its values are not finite"),
        }
    }

    /// SHA-256 of the key and of all values.
    fn digest(&self, mean: &[u8], matrix: &[u8]) -> String {
        let mut hash = Sha256::new();
        hash.update(&self.key);
        hash.update(mean);
        hash.update(matrix);
        hex(&hash.finalize())
    }

    /// Keeps a whitening; the file appears only once it is complete.
    pub(super) fn write(&self, zca: &ZcaTransform) -> Result<(), DataError> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let refused = |error| DataError::io(&self.path, "write", error);
        let len = zca.image_len();
        let bytes = |values: &[f64]| {
            values
                .iter()
                .flat_map(|x| x.to_le_bytes())
                .collect::<Vec<_>>()
        };
        let (mean, matrix) = (bytes(&zca.mean), bytes(&zca.matrix));
        let digest = self.digest(&mean, &matrix);
        let view = |shape: Vec<usize>, bytes| TensorView::new(Dtype::F64, shape, bytes);
        let file = view(vec![len], &mean)
            .and_then(|mean| Ok([("mean", mean), ("matrix", view(vec![len, len], &matrix)?)]))
            .and_then(|tensors| {
                // One entry: the order of several would change from file to file.
                let metadata = HashMap::from([("digest".to_owned(), digest.clone())]);
                safetensors::serialize(tensors, Some(metadata))
            })
            .map_err(|error| refused(std::io::Error::other(error)))?;
        std::fs::create_dir_all(folder).map_err(refused)?;
        atomic::write(&self.path, &file).map_err(refused)
    }
}

fn values(bytes: &[u8]) -> Vec<f64> {
    let (values, _) = bytes.as_chunks::<8>();
    values
        .iter()
        .map(|&bytes| f64::from_le_bytes(bytes))
        .collect()
}
