//! A shard on disk of which a part is in memory: its footer, or a column of a row group.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::parquet::errors::{ParquetError, Result as ParquetResult};
use ::parquet::file::reader::{ChunkReader, Length};
use bytes::buf::Reader;
use bytes::{Buf, Bytes};

use super::groups::{Chunks, OUTSIDE};
use super::thrift;
use crate::data::DataError;
use crate::data::read::files::Root;

/// No image set has a larger footer.
const MAX_FOOTER: u64 = 16 << 20;
/// The footer's length and the magic number at the end.
const TAIL: u64 = 8;

/// A shard; the `parquet` crate reads only from the part that is held, which has been checked.
#[derive(Clone)]
pub(super) struct HeldShard(Arc<Inner>);

struct Inner {
    len: u64,
    held: Mutex<Held>,
}

struct Held {
    file: File,
    start: u64,
    bytes: Bytes,
}

impl HeldShard {
    /// Opens a shard and holds its footer, which comes back too, with the bytes after it.
    ///
    /// # Errors
    /// A file that cannot be read, or has no footer or one of more than 16 MiB.
    pub(super) fn open(root: &Root, path: &Path) -> Result<(Self, Bytes), DataError> {
        let (file, len) = root.open(path)?;
        let (start, bytes) = (0, Bytes::new());
        let shard = Self(Arc::new(Inner {
            len,
            held: Mutex::new(Held { file, start, bytes }),
        }));
        let bad = |reason: &str| super::groups::damaged(&path.display().to_string(), reason);
        let none = "it has no footer";
        let start = len.checked_sub(TAIL).ok_or_else(|| bad(none))?;
        let tail = shard.chunk(start, TAIL).map_err(bad)?;
        let footer = match tail.first_chunk::<4>() {
            Some(&size) if tail.ends_with(b"PAR1") => u64::from(u32::from_le_bytes(size)),
            _ => return Err(bad(none)),
        };
        if footer > MAX_FOOTER {
            return Err(bad("its footer has more than 16 MiB"));
        }
        let start = start.checked_sub(footer).ok_or_else(|| bad(none))?;
        let bytes = shard.chunk(start, footer + TAIL).map_err(bad)?;
        Ok((shard, bytes))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Chunks for HeldShard {
    /// Reads the bytes and holds them in the place of what was held before.
    fn chunk(&self, start: u64, len: u64) -> thrift::Result<Bytes> {
        let inside = start.checked_add(len).is_some_and(|end| end <= self.0.len);
        let room = usize::try_from(len).ok().filter(|_| inside);
        let room = room.ok_or(OUTSIDE)?;
        let mut held = self.held();
        held.bytes = Bytes::new();
        let mut bytes = Vec::new();
        if bytes.try_reserve_exact(room).is_err() {
            return Err("a column of a row group is larger than memory");
        }
        let moved = held.file.seek(SeekFrom::Start(start));
        let read = moved.and_then(|_| (&held.file).take(len).read_to_end(&mut bytes));
        if !read.is_ok_and(|read| read == room) {
            return Err("it cannot be read to its end");
        }
        held.start = start;
        held.bytes = bytes.into();
        Ok(held.bytes.clone())
    }

    fn file_len(&self) -> usize {
        usize::try_from(self.0.len).unwrap_or(usize::MAX)
    }
}

impl Length for HeldShard {
    fn len(&self) -> u64 {
        self.0.len
    }
}

impl ChunkReader for HeldShard {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        let held = self.held();
        let at = start
            .checked_sub(held.start)
            .and_then(|at| usize::try_from(at).ok());
        match at.filter(|&at| at <= held.bytes.len()) {
            Some(at) => Ok(held.bytes.slice(at..).reader()),
            None => Err(ParquetError::General(OUTSIDE.to_owned())),
        }
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let held = self.held();
        let at = start
            .checked_sub(held.start)
            .and_then(|at| usize::try_from(at).ok());
        let range = at.and_then(|at| Some(at..at.checked_add(length)?));
        match range.filter(|range| range.end <= held.bytes.len()) {
            Some(range) => Ok(held.bytes.slice(range)),
            None => Err(ParquetError::General(OUTSIDE.to_owned())),
        }
    }
}
