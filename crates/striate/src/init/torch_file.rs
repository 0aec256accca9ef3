//! `.pt` and `.pth` files as `torch.save(net.state_dict(), path)` writes them since PyTorch 1.6.
//!
//! Such a file is a zip archive, not compressed: `NAME/data.pkl` is a pickle that names the tensors and gives their
//! shapes, `NAME/data/0`, `NAME/data/1`, .. are their numbers.
//! The pickle is read by a machine of our own that builds nothing but numbers, texts, tuples and dictionaries,
//! so no file can run code.
//!
//! # Limits
//! Sizes that a file names are compared with the file before memory is set aside for them.
//! All tensors together may be [`MAX_GROWTH`] times as large as the file (weights that several layers share count each time),
//! a state dict may have 65,536 tensors, and reading takes [`MAX_MEMORY`] times the size of the file and 64 MiB at most.

mod pickle;
mod view;
mod write;

pub(crate) use write::write;

use std::collections::HashSet;
use std::io::{Read, Seek, SeekFrom};

use candle_core::{Device, Error, Result, Tensor, bail};
use zip::{CompressionMethod, ZipArchive};

use pickle::{Id, Value, Values, View};
use view::{check, gather};

/// How many times larger than their file the tensors of a file may be, taken together.
pub const MAX_GROWTH: u64 = 2;

/// Tensors that a state dict may have: views of one storage cost a file little, and us much more.
const MAX_TENSORS: usize = 1 << 16;

/// How many times its size a file may take while it is read, beside 64 MiB.
pub const MAX_MEMORY: u64 = 16;

/// The tensors of a state dict with their names, in the order of the file, which is that of the modules' definition.
///
/// A checkpoint, a dictionary with one state dict among other things, is read as that state dict.
///
/// # Errors
/// A file of another format, one that is damaged or larger inside than outside, and one without a state dict.
///
/// ```
/// use striate::init::torch_file;
/// let error = torch_file::read(std::io::Cursor::new(b"no archive")).unwrap_err();
/// assert!(error.to_string().contains("zip archive"));
/// ```
pub fn read(file: impl Read + Seek) -> Result<Vec<(String, Tensor)>> {
    let mut archive = Archive::open(file)?;
    if archive
        .zip
        .by_name(&format!("{}byteorder", archive.folder))
        .is_ok()
        && archive.entry("byteorder")? != b"little"
    {
        bail!("its numbers have the highest byte first; only the other order is read");
    }
    let values = pickle::run(&archive.entry("data.pkl")?)?;
    let named = state_dict(&values)?;
    let mut seen = HashSet::new();
    let mut left = archive.size.saturating_mul(MAX_GROWTH);
    archive.left = left;
    if named.len() > MAX_TENSORS {
        bail!(
            "its state dict has {} tensors; at most {MAX_TENSORS} are read",
            named.len()
        );
    }
    let mut tensors = Vec::with_capacity(named.len());
    for (key, view) in named {
        let Some(name) = values.text(key) else {
            bail!("its state dict has a tensor whose name is no text");
        };
        if !seen.insert(name) {
            bail!("its state dict has two tensors called {name}");
        }
        let tensor = archive
            .tensor(&values, view, &mut left)
            .map_err(|error| Error::Msg(format!("{name}: {error}")))?;
        tensors.push((name.to_string(), tensor));
    }
    Ok(tensors)
}

/// Names and tensors of the pickle's dictionary, or of the only dictionary with tensors in it.
///
/// Tensors beside that dictionary are other things of a checkpoint, unless one has the name of a module's tensor, with a dot.
fn state_dict(values: &Values) -> Result<Vec<(Id, &View)>> {
    let tensors = |id: Id| -> Vec<(Id, &View)> {
        let Value::Dict(entries) = values.get(id) else {
            return Vec::new();
        };
        let tensor = |&(key, value): &(Id, Id)| match values.get(value) {
            Value::Tensor(view) => Some((key, &**view)),
            _ => None,
        };
        entries.iter().filter_map(tensor).collect()
    };
    let own = tensors(values.result);
    let Value::Dict(entries) = values.get(values.result) else {
        bail!("it holds no state dict; write it with torch.save(net.state_dict(), path)");
    };
    let of_module = |&(key, _): &(Id, &View)| values.text(key).is_some_and(|key| key.contains('.'));
    if own.iter().any(of_module) {
        return Ok(own);
    }
    // One that has many names is looked through once.
    let mut seen = HashSet::new();
    let mut inner = entries
        .iter()
        .filter(|&&(_, value)| seen.insert(value) && !tensors(value).is_empty());
    match (inner.next(), inner.next()) {
        (Some(&(_, only)), None) => Ok(tensors(only)),
        (None, _) if !own.is_empty() => Ok(own),
        (None, _) => {
            bail!("its dictionary has no tensors; write it with torch.save(net.state_dict(), path)")
        }
        (Some(_), Some(_)) => bail!(
            "it holds several state dicts; write one of them with torch.save(net.state_dict(), path)"
        ),
    }
}

/// An archive and the folder in it that holds everything.
struct Archive<R> {
    zip: ZipArchive<R>,
    folder: String,
    /// Bytes of the whole file.
    size: u64,
    /// Bytes of storages that may still be read, so that no file is read for ever.
    left: u64,
    /// The storage read last, with the number of its name: tensors that share one follow each other.
    last: Option<(Id, Vec<u8>)>,
}

impl<R: Read + Seek> Archive<R> {
    fn open(mut file: R) -> Result<Self> {
        let size = file.seek(SeekFrom::End(0))?;
        // Where the archive begins is known: `zip` would else list every place that looks like its end.
        let config = zip::read::Config {
            archive_offset: zip::read::ArchiveOffset::Known(0),
        };
        let zip = ZipArchive::with_config(config, file).map_err(|error| {
            Error::Msg(format!(
                "it is no zip archive ({error}); files older than PyTorch 1.6 must be saved again by a newer one"
            ))
        })?;
        let mut folders = zip
            .file_names()
            .filter_map(|name| Some(name.ok()?.strip_suffix("data.pkl")?.to_string()));
        let (Some(folder), None) = (folders.next(), folders.next()) else {
            bail!("it is no file of torch.save: such an archive has one entry data.pkl");
        };
        drop(folders);
        Ok(Self {
            zip,
            folder,
            size,
            left: 0,
            last: None,
        })
    }

    /// The bytes of one entry, whose checksum is checked.
    fn entry(&mut self, name: &str) -> Result<Vec<u8>> {
        let shown =
            |error: &dyn std::fmt::Display| Error::Msg(format!("its entry {name}: {error}"));
        let mut entry = self
            .zip
            .by_name(&format!("{}{name}", self.folder))
            .map_err(|error| shown(&error))?;
        let len = entry.size();
        let stored = entry.compression() == CompressionMethod::Stored;
        if !stored || entry.compressed_size() != len || len > self.size {
            return Err(shown(
                &"it is compressed or larger than the file, which torch.save never writes",
            ));
        }
        let mut bytes = Vec::with_capacity(len as usize);
        // To the end, where the archive's reader compares the checksum.
        entry
            .read_to_end(&mut bytes)
            .map_err(|error| shown(&error))?;
        Ok(bytes)
    }

    /// The numbers of a storage.
    fn storage(&mut self, key: &str) -> Result<Vec<u8>> {
        let bytes = self.entry(&format!("data/{key}"))?;
        match self.left.checked_sub(bytes.len() as u64) {
            Some(rest) => self.left = rest,
            None => bail!(
                "with it the storages are more than {MAX_GROWTH} times as large as the file, which names too much"
            ),
        }
        Ok(bytes)
    }

    /// The tensor of `view`, which may take what is `left` of the limit.
    fn tensor(&mut self, values: &Values, view: &View, left: &mut u64) -> Result<Tensor> {
        let Value::Storage(storage) = values.get(view.storage) else {
            bail!("it has no storage");
        };
        let Some(key) = values.text(storage.key) else {
            bail!("its storage has no name");
        };
        let width = storage.dtype.size_in_bytes();
        let count = check(view, storage)?;
        let size = count.checked_mul(width);
        match size.and_then(|size| left.checked_sub(size as u64)) {
            Some(rest) => *left = rest,
            None => bail!(
                "with it the tensors are more than {MAX_GROWTH} times as large as the file, which names too much"
            ),
        }
        let bytes = match self.last.take() {
            Some((last, bytes)) if last == storage.key => bytes,
            _ => self.storage(key)?,
        };
        if storage.len.checked_mul(width) != Some(bytes.len()) {
            bail!(
                "its storage has {} bytes, {} numbers of {width} bytes are expected",
                bytes.len(),
                storage.len
            );
        }
        let numbers = gather(&bytes, view, width, count);
        self.last = Some((storage.key, bytes));
        Tensor::from_raw_buffer(&numbers, storage.dtype, &view.shape, &Device::Cpu)
    }
}

#[cfg(test)]
pub(super) mod tests;
