//! The row groups of a shard, and the values of a column in one of them.

use ::parquet::column::reader::ColumnReader;
use ::parquet::data_type::ByteArray;
use ::parquet::errors::{ParquetError, Result as ParquetResult};
use ::parquet::file::metadata::{FileMetaData, ParquetMetaData};
use ::parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use ::parquet::schema::types::SchemaDescriptor;
use bytes::Bytes;

use super::thrift;
use super::{pages, schema};
use crate::data::DataError;

pub(super) const AGAIN: &str = "fetch the file again";
pub(super) const OUTSIDE: &str = "a column lies outside of it";

/// Where the bytes of a column are: in the file, or in what is held of it.
pub(super) trait Chunks: Sync {
    /// The bytes from `start` on; what is read afterwards is these.
    fn chunk(&self, start: u64, len: u64) -> thrift::Result<Bytes>;

    /// Bytes of the whole file.
    fn file_len(&self) -> usize;
}

impl Chunks for Bytes {
    fn chunk(&self, start: u64, len: u64) -> thrift::Result<Bytes> {
        let end = start.checked_add(len).ok_or(OUTSIDE)?;
        match (usize::try_from(start), usize::try_from(end)) {
            (Ok(start), Ok(end)) if end <= self.len() => Ok(self.slice(start..end)),
            _ => Err(OUTSIDE),
        }
    }

    fn file_len(&self) -> usize {
        self.len()
    }
}

/// Rows of a shard that are stored together.
pub(super) struct Group<'a> {
    reader: Box<dyn RowGroupReader + 'a>,
    file: &'a dyn Chunks,
    /// How many.
    pub(super) rows: usize,
    /// The number of the first in the shard.
    pub(super) first_row: usize,
}

/// Finds the columns of a shard and gives its row groups, one after the other, while `take` wants more.
///
/// `leaves` names the columns that will be read.
pub(super) fn each<C>(
    place: &str,
    file: Bytes,
    find: impl FnOnce(&SchemaDescriptor, Option<&serde_json::Value>) -> Result<C, DataError>,
    leaves: impl Fn(&C) -> Vec<usize>,
    mut take: impl FnMut(&C, &Group<'_>) -> Result<bool, DataError>,
) -> Result<(), DataError> {
    schema::check(&file).map_err(|reason| damaged(place, reason))?;
    let bad = |error: ParquetError| damaged(place, &error.to_string());
    let reader = SerializedFileReader::new(file.clone()).map_err(bad)?;
    let metadata = reader.metadata().file_metadata();
    let columns = find(metadata.schema_descr(), description(metadata).as_ref())?;
    let leaves = leaves(&columns);
    check_counts(place, reader.metadata(), &leaves, file.len())?;
    let mut first_row = 0;
    for index in 0..reader.num_row_groups() {
        let group = reader.get_row_group(index).map_err(bad)?;
        let group = Group::new(group, &file, first_row);
        if group.rows == 0 {
            continue;
        }
        if !take(&columns, &group)? {
            break;
        }
        first_row += group.rows;
    }
    Ok(())
}

/// The description of the columns that the hub stores in a shard, if it is there.
pub(super) fn description(metadata: &FileMetaData) -> Option<serde_json::Value> {
    let mut pairs = metadata.key_value_metadata()?.iter();
    let pair = pairs.find(|pair| pair.key == "huggingface")?;
    serde_json::from_str(pair.value.as_deref()?).ok()
}

/// The rows of all groups are those of the file, and no column is larger than the file.
///
/// A row takes at least a byte of the file, and groups share no bytes; otherwise a small file could ask for much.
pub(super) fn check_counts(
    place: &str,
    metadata: &ParquetMetaData,
    leaves: &[usize],
    file_len: usize,
) -> Result<(), DataError> {
    let (mut rows, mut bytes) = (0i64, 0i64);
    for group in metadata.row_groups() {
        let columns = leaves.iter().map(|&leaf| match group.columns().get(leaf) {
            Some(column) if column.compressed_size() >= 0 => column.compressed_size(),
            _ => i64::MAX,
        });
        bytes = columns.fold(bytes, i64::saturating_add);
        rows = match group.num_rows() {
            count if count >= 0 => rows.saturating_add(count),
            _ => i64::MAX,
        };
    }
    let fits = |count: i64| usize::try_from(count).is_ok_and(|count| count <= file_len);
    let promised = metadata.file_metadata().num_rows();
    if !fits(rows) || rows != promised {
        let found = format!("{rows} rows in groups, {promised} in all, and {file_len} bytes");
        return Err(DataError::content(
            place,
            "a sensible row count",
            found,
            AGAIN,
        ));
    }
    if !fits(bytes) {
        let found = "columns that lie outside of it or on one another";
        return Err(DataError::content(
            place,
            "columns in the file",
            found,
            AGAIN,
        ));
    }
    Ok(())
}

/// The complaint about a file that cannot be read.
pub(super) fn damaged(place: &str, reason: &str) -> DataError {
    let reason = reason.replace('\n', " ");
    DataError::content(
        place,
        "a parquet file",
        format!("a damaged one ({reason})"),
        AGAIN,
    )
}

impl<'a> Group<'a> {
    pub(super) fn new(
        reader: Box<dyn RowGroupReader + 'a>,
        file: &'a dyn Chunks,
        first_row: usize,
    ) -> Self {
        Self {
            rows: usize::try_from(reader.metadata().num_rows()).unwrap_or(0),
            reader,
            file,
            first_row,
        }
    }

    /// Checks the pages of a column: its number of values, which is that of the rows but for lists.
    fn check(&self, column: usize) -> ParquetResult<usize> {
        let bad = |reason: &str| ParquetError::General(reason.to_owned());
        let chunk = self.reader.metadata().columns().get(column);
        let chunk = chunk.ok_or_else(|| bad("a column is missing"))?;
        let (start, len) = chunk.byte_range();
        let bytes = self.file.chunk(start, len).map_err(bad)?;
        let values = pages::check(&bytes, chunk).map_err(bad)?;
        let is_list = chunk.column_descr().max_rep_level() > 0;
        let possible = match is_list {
            // A value takes at least a byte of the file, and a list at least a place for its levels.
            true => (self.rows..=self.file.file_len()).contains(&values),
            false => values == self.rows,
        };
        match possible {
            true => Ok(values),
            false => Err(bad(&format!(
                "{values} values of a column in {} rows",
                self.rows
            ))),
        }
    }

    /// The values of a byte column that are present; fewer than rows if some are null.
    pub(super) fn byte_arrays(&self, column: usize) -> ParquetResult<Vec<ByteArray>> {
        self.check(column)?;
        let mut values = Vec::new();
        match self.reader.get_column_reader(column)? {
            ColumnReader::ByteArrayColumnReader(mut reader) => {
                reader.read_records(self.rows, Some(&mut Vec::new()), None, &mut values)?;
                Ok(values)
            }
            _ => Err(ParquetError::General(
                "the image column holds no bytes".into(),
            )),
        }
    }

    /// The values of an integer column that are present; fewer than rows if some are null.
    pub(super) fn integers(&self, column: usize) -> ParquetResult<Vec<i64>> {
        self.leveled(column, &mut Vec::new(), &mut Vec::new())
    }

    /// The integers of a column of lists, for each row those of all its lists in a row; nulls are left out.
    pub(super) fn lists(&self, column: usize) -> ParquetResult<Vec<Vec<i64>>> {
        let (mut definitions, mut repetitions) = (Vec::new(), Vec::new());
        let values = self.leveled(column, &mut definitions, &mut repetitions)?;
        if repetitions.len() != self.check(column)? {
            return Err(ParquetError::General("more lists than rows".into()));
        }
        let metadata = self.reader.metadata().columns().get(column);
        let present = metadata.map_or(0, |column| column.column_descr().max_def_level());
        let mut values = values.into_iter();
        let mut rows: Vec<Vec<i64>> = Vec::new();
        for (definition, repetition) in definitions.into_iter().zip(repetitions) {
            if repetition == 0 {
                rows.push(Vec::new());
            }
            if definition != present {
                continue;
            }
            match (rows.last_mut(), values.next()) {
                (Some(row), Some(value)) => row.push(value),
                _ => {
                    return Err(ParquetError::General(
                        "a list without a beginning or a value".into(),
                    ));
                }
            }
        }
        Ok(rows)
    }

    /// The values of an integer column with the levels that say where they stand.
    fn leveled(
        &self,
        column: usize,
        definitions: &mut Vec<i16>,
        repetitions: &mut Vec<i16>,
    ) -> ParquetResult<Vec<i64>> {
        self.check(column)?;
        let (definitions, repetitions) = (Some(definitions), Some(repetitions));
        match self.reader.get_column_reader(column)? {
            ColumnReader::Int64ColumnReader(mut reader) => {
                let mut values = Vec::new();
                reader.read_records(self.rows, definitions, repetitions, &mut values)?;
                Ok(values)
            }
            ColumnReader::Int32ColumnReader(mut reader) => {
                let mut values = Vec::new();
                reader.read_records(self.rows, definitions, repetitions, &mut values)?;
                Ok(values.into_iter().map(i64::from).collect())
            }
            _ => Err(ParquetError::General(
                "the label column holds no integers".into(),
            )),
        }
    }
}
