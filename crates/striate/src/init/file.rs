//! Parameters to and from a safetensors file.

use std::collections::HashMap;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use candle_core::{DType, Device, Error, Result, Tensor, Var, bail, safetensors};

use super::Parameters;

/// How strictly the names in a file must match those of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// Both must hold exactly the same names.
    Strict,
    /// The names that both have are loaded, the rest is reported.
    Partial,
}

/// What [`Parameters::load`] or [`Parameters::start_from`] did; every list is sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Names whose values were taken.
    pub loaded: Vec<String>,
    /// Names of the model that were not found, so that they keep their draw.
    pub missing: Vec<String>,
    /// Names that were found and that the model does not have.
    pub unexpected: Vec<String>,
}

impl Parameters {
    /// Writes all parameters to a safetensors file.
    ///
    /// The file appears under its name only when it is complete, so an interrupted run never leaves half a file.
    ///
    /// # Errors
    /// The folder does not exist or cannot be written to.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let named = self.named().into_iter();
        let tensors = named.map(|(name, var)| (name, var.as_detached_tensor()));
        write_whole(path.as_ref(), tensors, None)
    }

    /// Reads parameters from a safetensors file into the variables that exist.
    ///
    /// Build the model first: only then are names and shapes known.
    /// Values are converted to the dtype and device of the variables.
    /// Nothing is changed unless everything fits.
    ///
    /// # Errors
    /// A file that cannot be read, a shape that differs, a number that is not finite, or under [`Match::Strict`] a name that only one side has.
    pub fn load(&self, path: impl AsRef<Path>, strictness: Match) -> Result<LoadReport> {
        let path = path.as_ref();
        let shown = path.display();
        let mut found = safetensors::load(path, &Device::Cpu)
            .map_err(|error| Error::Msg(format!("cannot load parameters from {shown}: {error}")))?;
        let mut report = LoadReport::default();
        let mut updates = Vec::new();
        for (name, var) in self.named() {
            let Some(tensor) = found.remove(&name) else {
                report.missing.push(name);
                continue;
            };
            if tensor.shape() != var.shape() {
                bail!(
                    "{shown}: {name} has shape {:?}, the model wants {:?}; the file belongs to another configuration",
                    tensor.shape(),
                    var.shape()
                );
            }
            updates.push((var.clone(), fitting(&tensor, &var, &name, path)?));
            report.loaded.push(name);
        }
        report.unexpected = found.into_keys().collect();
        report.unexpected.sort_unstable();
        if strictness == Match::Strict
            && !(report.missing.is_empty() && report.unexpected.is_empty())
        {
            bail!(
                "{shown} does not match the model: missing [{}], unexpected [{}]; use Match::Partial to load what fits",
                report.missing.join(", "),
                report.unexpected.join(", ")
            );
        }
        for (var, tensor) in updates {
            var.set(&tensor)?;
        }
        Ok(report)
    }
}

/// Writes a safetensors file that appears under its name only when it is complete.
///
/// # Errors
/// A folder that does not exist or cannot be written to.
pub(crate) fn write_whole(
    path: &Path,
    tensors: impl IntoIterator<Item = (String, Tensor)>,
    metadata: Option<HashMap<String, String>>,
) -> Result<()> {
    write_bytes(path, &::safetensors::serialize(tensors, metadata)?)
}

/// Writes a file that appears under its name only when it is complete.
///
/// A failure leaves an older file of that name as it was, and nothing beside it.
/// Of several writers of one path, each writes a whole file, and the last one's stays.
///
/// # Errors
/// A folder that does not exist or cannot be written to; a path that is a folder.
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed =
        |error: std::io::Error| Error::Msg(format!("cannot write {}: {error}", path.display()));
    let (partial, mut file) = partial(path).map_err(failed)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&partial, path));
    written.map_err(|error| {
        // What is left of it only takes up room; the first error is the one worth reporting.
        let _ = std::fs::remove_file(&partial);
        failed(error)
    })
}

/// A new file beside `path` that no other writer has, with its path.
fn partial(path: &Path) -> std::io::Result<(PathBuf, File)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let nth = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut partial = path.as_os_str().to_owned();
        // With the number of the process alone at the end, nobody expects a lock on it.
        partial.push(format!(".{nth}.{}.partial", std::process::id()));
        let partial = PathBuf::from(partial);
        // Made here, so that it has the permissions of any other file.
        match File::create_new(&partial) {
            // Of an earlier process of this number, or of one on another machine.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            created => return Ok((partial, created?)),
        }
    }
}

/// `tensor` in the dtype and on the device of `var`.
///
/// # Errors
/// A number that is not finite in that dtype.
pub(super) fn fitting(tensor: &Tensor, var: &Var, name: &str, path: &Path) -> Result<Tensor> {
    let source = path.display().to_string();
    finite(tensor, var.dtype(), name, &source)?.to_device(var.device())
}

/// `tensor` in `dtype`; `name` and `source` are for the error.
///
/// # Errors
/// A number that is not finite in that dtype.
pub(crate) fn finite(tensor: &Tensor, dtype: DType, name: &str, source: &str) -> Result<Tensor> {
    let tensor = tensor.to_dtype(dtype)?;
    let flat = tensor.flatten_all()?;
    let bad = match dtype {
        DType::F64 => first_bad(flat.to_vec1::<f64>()?),
        DType::F32 | DType::F16 | DType::BF16 => {
            let values = flat.to_dtype(DType::F32)?.to_vec1::<f32>()?;
            first_bad(values.into_iter().map(f64::from))
        }
        _ => None,
    };
    if let Some((index, value)) = bad {
        bail!(
            "{source}: {name} holds {value} at index {index} of shape {:?}; weights must be finite as {dtype:?}, \
             so the training that wrote them diverged or the file is damaged",
            tensor.dims()
        );
    }
    Ok(tensor)
}

/// The first value that is not finite, with its index.
fn first_bad(values: impl IntoIterator<Item = f64>) -> Option<(usize, f64)> {
    let mut values = values.into_iter().enumerate();
    values.find(|(_, value)| !value.is_finite())
}
