//! Rows of shards that stay on disk: their labels, and the pictures of one row group at a time.

use std::path::{Path, PathBuf};

use ::parquet::data_type::ByteArray;
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use sha2::{Digest, Sha256};

use super::columns::{Columns, Wanted};
use super::groups::{Chunks, Group, check_counts, damaged, description};
use super::held::HeldShard;
use super::labels::{MAX_CLASSES, check_label};
use super::schema;
use crate::data::DataError;
use crate::data::hex::hex;
use crate::data::read::files::Root;
use crate::data::read::{Request, contain};
use crate::data::registry::numbered;

/// Pictures of one row group take at most this many bytes in the file: all of them are in memory at once.
const MAX_GROUP: i64 = 1 << 30;

/// Where a row group is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowGroup {
    /// The shard, as an index into the list of them.
    pub(crate) shard: usize,
    /// Its number in the shard.
    pub(crate) number: usize,
    /// Its rows, and the first of them in the shard.
    pub(crate) rows: usize,
    pub(crate) first_row: usize,
    /// Bytes of its pictures in the file.
    pub(crate) bytes: u64,
}

/// The rows of the shards of one split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShardRows {
    pub(crate) class_names: Vec<String>,
    pub(crate) labels: Vec<u32>,
    pub(crate) groups: Vec<RowGroup>,
    /// SHA-256 of the footer of each shard.
    pub(crate) footers: Vec<String>,
}

/// A shard whose footer has been read.
struct Open {
    shard: HeldShard,
    reader: SerializedFileReader<HeldShard>,
    columns: Columns,
    footer: String,
}

/// Lists the rows of shards: labels and row groups are read, pictures are not.
///
/// # Errors
/// A damaged shard, a label that is no class, a row group that is too large to be read at once.
pub(crate) fn list_rows(request: &Request, shards: &[PathBuf]) -> Result<ShardRows, DataError> {
    let mut all = ShardRows {
        class_names: Vec::new(),
        labels: Vec::new(),
        groups: Vec::new(),
        footers: Vec::new(),
    };
    for (shard, path) in shards.iter().enumerate() {
        let place = path.display().to_string();
        contain(|| add(&mut all, request, shard, path))
            .unwrap_or_else(|reason| Err(damaged(&place, &reason)))?;
    }
    if all.class_names.is_empty() {
        let top = all.labels.iter().copied().max();
        all.class_names = numbered(top.map_or(0, |label| label as usize + 1));
    }
    Ok(all)
}

/// The picture files of a row group.
///
/// # Errors
/// A damaged shard, or rows without a picture.
pub(crate) fn read_rows(
    root: &Root,
    path: &Path,
    group: &RowGroup,
) -> Result<Vec<ByteArray>, DataError> {
    let place = path.display().to_string();
    let read = || {
        let open = open(root, path)?;
        let bad = |error: ParquetError| damaged(&place, &error.to_string());
        let reader = open.reader.get_row_group(group.number).map_err(bad)?;
        let stored = Group::new(reader, &open.shard, group.first_row);
        let pictures = stored.byte_arrays(open.columns.image).map_err(bad)?;
        match (stored.rows == group.rows, pictures.len() == group.rows) {
            (true, true) => Ok(pictures),
            (false, _) => Err(damaged(&place, "it is not as it was when it was listed")),
            (true, false) => Err(incomplete(&place, &stored, pictures.len())),
        }
    };
    contain(read).unwrap_or_else(|reason| Err(damaged(&place, &reason)))
}

fn open(root: &Root, path: &Path) -> Result<Open, DataError> {
    let place = path.display().to_string();
    let bad = |error: ParquetError| damaged(&place, &error.to_string());
    let (shard, footer) = HeldShard::open(root, path)?;
    schema::check(&footer).map_err(|reason| damaged(&place, reason))?;
    let reader = SerializedFileReader::new(shard.clone()).map_err(bad)?;
    let metadata = reader.metadata().file_metadata();
    let description = description(metadata);
    let columns = Columns::find(
        &place,
        metadata.schema_descr(),
        description.as_ref(),
        Wanted::Labelled,
    )?;
    let leaves = [Some(columns.image), columns.label];
    let leaves: Vec<usize> = leaves.into_iter().flatten().collect();
    let len = shard.file_len();
    check_counts(&place, reader.metadata(), &leaves, len)?;
    Ok(Open {
        footer: hex(&Sha256::digest(&footer)),
        shard,
        reader,
        columns,
    })
}

/// Adds the rows of one shard.
fn add(all: &mut ShardRows, request: &Request, shard: usize, path: &Path) -> Result<(), DataError> {
    let place = path.display().to_string();
    let bad = |error: ParquetError| damaged(&place, &error.to_string());
    let open = open(&request.root, path)?;
    if shard == 0 {
        all.class_names = match open.columns.class_names.len() {
            0 => request.class_names(),
            _ => open.columns.class_names.clone(),
        };
    }
    open.columns.check_names(&place, &all.class_names)?;
    let classes = match all.class_names.len() {
        0 => MAX_CLASSES,
        classes => classes,
    };
    let mut first_row = 0;
    for number in 0..open.reader.num_row_groups() {
        let reader = open.reader.get_row_group(number).map_err(bad)?;
        let column = reader.metadata().columns().get(open.columns.image);
        let bytes = column.map_or(0, |column| column.compressed_size());
        let group = Group::new(reader, &open.shard, first_row);
        if group.rows == 0 {
            continue;
        }
        if bytes > MAX_GROUP {
            return Err(DataError::content(
                format!("{place}, row group {number}"),
                format!("at most {} MiB of pictures", MAX_GROUP >> 20),
                format!("{} MiB", bytes >> 20),
                "write the shard anew with fewer rows in a group",
            ));
        }
        let labels = match open.columns.label {
            Some(label) => group.integers(label).map_err(bad)?,
            None => Vec::new(),
        };
        if labels.len() != group.rows {
            return Err(incomplete(&place, &group, labels.len()));
        }
        for (row, label) in labels.into_iter().enumerate() {
            let place = || format!("{place}, row {}", first_row + row);
            all.labels.push(check_label(label, classes, place)?);
        }
        all.groups.push(RowGroup {
            shard,
            number,
            rows: group.rows,
            first_row,
            bytes: u64::try_from(bytes).unwrap_or(0),
        });
        first_row += group.rows;
    }
    all.footers.push(open.footer);
    Ok(())
}

fn incomplete(place: &str, group: &Group<'_>, found: usize) -> DataError {
    let last = group.first_row + group.rows - 1;
    DataError::content(
        place,
        format!(
            "a picture and a label in each of rows {} to {last}",
            group.first_row
        ),
        format!("{found} of them"),
        "remove the rows without picture or label",
    )
}
