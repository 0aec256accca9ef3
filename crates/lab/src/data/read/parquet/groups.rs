//! The row groups of a shard, and the values of a column in one of them.

use ::parquet::column::reader::ColumnReader;
use ::parquet::data_type::ByteArray;
use ::parquet::errors::{ParquetError, Result as ParquetResult};
use ::parquet::file::metadata::RowGroupMetaData;
use ::parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use ::parquet::schema::types::SchemaDescriptor;
use bytes::Bytes;

use super::AGAIN;
use crate::data::DataError;

/// Rows of a shard that are stored together.
pub(super) struct Group<'a> {
    reader: Box<dyn RowGroupReader + 'a>,
    /// How many.
    pub(super) rows: usize,
    /// The number of the first in the shard.
    pub(super) first_row: usize,
}

/// Finds the columns of a shard and gives its row groups that have rows to `take`, one after the other.
///
/// `leaves` names the columns that will be read.
pub(super) fn each<C>(
    place: &str,
    file: Bytes,
    find: impl FnOnce(&SchemaDescriptor, Option<&serde_json::Value>) -> Result<C, DataError>,
    leaves: impl Fn(&C) -> Vec<usize>,
    mut take: impl FnMut(&C, &Group<'_>) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let file_len = file.len();
    let bad = |error: ParquetError| damaged(place, &error.to_string());
    let reader = SerializedFileReader::new(file).map_err(bad)?;
    let metadata = reader.metadata().file_metadata();
    let description = metadata
        .key_value_metadata()
        .and_then(|pairs| pairs.iter().find(|pair| pair.key == "huggingface"))
        .and_then(|pair| serde_json::from_str(pair.value.as_deref()?).ok());
    let columns = find(metadata.schema_descr(), description.as_ref())?;
    let mut first_row = 0;
    for index in 0..reader.num_row_groups() {
        let group = reader.get_row_group(index).map_err(bad)?;
        // A row takes at least a byte, so a larger count is a lie; it would cost memory below.
        let rows = usize::try_from(group.metadata().num_rows())
            .ok()
            .filter(|&n| n <= file_len);
        let Some(rows) = rows else {
            let found = format!("{} rows in {file_len} bytes", group.metadata().num_rows());
            return Err(DataError::content(
                place,
                "a sensible row count",
                found,
                AGAIN,
            ));
        };
        let outside = |&column: &usize| !inside(group.metadata(), column, file_len);
        if leaves(&columns).iter().any(outside) {
            let found = "one that lies outside of the file";
            return Err(DataError::content(place, "a column", found, AGAIN));
        }
        if rows > 0 {
            let group = Group {
                reader: group,
                rows,
                first_row,
            };
            take(&columns, &group)?;
        }
        first_row += rows;
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

/// Whether the pages of a column lie in the file; the parquet crate panics where they do not.
fn inside(group: &RowGroupMetaData, column: usize, file_len: usize) -> bool {
    let Some(column) = group.columns().get(column) else {
        return false;
    };
    let start = column
        .dictionary_page_offset()
        .unwrap_or(column.data_page_offset());
    let end = start.checked_add(column.compressed_size());
    start >= 0
        && column.compressed_size() >= 0
        && end.is_some_and(|end| usize::try_from(end).is_ok_and(|end| end <= file_len))
}

impl Group<'_> {
    /// The values of a byte column that are present; fewer than rows if some are null.
    pub(super) fn byte_arrays(&self, column: usize) -> ParquetResult<Vec<ByteArray>> {
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
