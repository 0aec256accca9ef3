//! The file that keeps a fitted whitening: two tensors, `mean` and `matrix`, as safetensors.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use sha2::{Digest, Sha256};

use super::{Gcn, Zca, ZcaTransform};
use crate::data::{DataError, ImageSet};

/// Changes when the computation does, so that old files are not used.
const VERSION: &str = "striate zca 1";

/// One file of the cache.
pub(super) struct Entry {
    path: PathBuf,
    key: String,
}

impl Entry {
    pub(super) fn new(folder: &Path, train: &ImageSet, gcn: &Gcn, zca: &Zca) -> Self {
        let mut hash = Sha256::new();
        hash.update(VERSION);
        for size in [train.len(), train.height, train.width, train.channels] {
            hash.update((size as u64).to_le_bytes());
        }
        for value in [
            gcn.scale,
            gcn.sqrt_bias,
            gcn.min_divisor,
            zca.regularization,
        ] {
            hash.update(value.to_le_bytes());
        }
        hash.update(&train.pixels);
        let key: String = hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            path: folder.join(format!("zca-{}.safetensors", &key[..16])),
            key,
        }
    }

    /// The kept whitening, or `None` if there is none that fits.
    pub(super) fn read(&self, image_len: usize) -> Option<ZcaTransform> {
        let file = std::fs::read(&self.path).ok()?;
        let (_, metadata) = SafeTensors::read_metadata(&file).ok()?;
        if metadata.metadata().as_ref()?.get("key") != Some(&self.key) {
            return None;
        }
        let tensors = SafeTensors::deserialize(&file).ok()?;
        let values = |name: &str, shape: &[usize]| {
            let tensor = tensors.tensor(name).ok()?;
            if tensor.dtype() != Dtype::F64 || tensor.shape() != shape {
                return None;
            }
            let (bytes, []) = tensor.data().as_chunks::<8>() else {
                return None;
            };
            Some(
                bytes
                    .iter()
                    .map(|&bytes| f64::from_le_bytes(bytes))
                    .collect::<Vec<_>>(),
            )
        };
        Some(ZcaTransform {
            mean: values("mean", &[image_len])?,
            matrix: values("matrix", &[image_len, image_len])?,
        })
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
        let view = |shape: Vec<usize>, bytes| TensorView::new(Dtype::F64, shape, bytes);
        let file = view(vec![len], &mean)
            .and_then(|mean| Ok([("mean", mean), ("matrix", view(vec![len, len], &matrix)?)]))
            .and_then(|tensors| {
                let metadata = HashMap::from([("key".to_owned(), self.key.clone())]);
                safetensors::serialize(tensors, Some(metadata))
            })
            .map_err(|error| refused(std::io::Error::other(error)))?;
        std::fs::create_dir_all(folder).map_err(refused)?;
        let mut temporary = tempfile::NamedTempFile::new_in(folder).map_err(refused)?;
        temporary.write_all(&file).map_err(refused)?;
        temporary
            .persist(&self.path)
            .map_err(|error| refused(error.error))?;
        Ok(())
    }
}
