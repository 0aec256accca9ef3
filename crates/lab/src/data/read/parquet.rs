//! Parquet shards as the Hugging Face hub lays out its image-classification sets.
//!
//! A row is an image (a struct with the PNG or JPEG file in `bytes`) and an integer label.
//! Column names come from the schema, class names from the feature description that the hub
//! stores under the schema key `huggingface`.

use std::path::PathBuf;

use ::parquet::basic::Type;
use ::parquet::column::reader::ColumnReader;
use ::parquet::data_type::ByteArray;
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::RowGroupMetaData;
use ::parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use ::parquet::schema::types::SchemaDescriptor;
use bytes::Bytes;

use super::contain::contain;
use super::{decode, entries, file_name, read_file};
use crate::data::{DataError, ImageSet};

const AGAIN: &str = "fetch the file again";
/// Labels that no description names must be below this: they are counted and given a name each.
const MAX_CLASSES: usize = 1 << 16;
const TRAIN: &[&str] = &["train"];
/// A test split comes first; sets whose test labels are secret have only a validation split.
const TEST: &[&str] = &["test", "validation", "valid", "val"];
/// Label columns by preference when there are several; CIFAR-100 has fine and coarse labels.
const LABELS: &[&str] = &["label", "labels", "fine_label", "class", "target"];

/// The shards of the two splits, in order.
#[derive(Clone, Debug)]
pub(crate) struct ParquetFiles {
    pub(crate) train: Vec<PathBuf>,
    pub(crate) test: Vec<PathBuf>,
}

/// Recognises `train*.parquet` and `test*.parquet`, or folders `train` and `test` of shards.
///
/// # Errors
/// When a shard is missing in the numbering `-00000-of-00005`.
pub(crate) fn find(dir_entries: &[PathBuf]) -> Result<Option<ParquetFiles>, DataError> {
    let train = TRAIN
        .iter()
        .map(|name| shards(dir_entries, name))
        .find(|list| !list.is_empty());
    let test = TEST
        .iter()
        .map(|name| shards(dir_entries, name))
        .find(|list| !list.is_empty());
    let (Some(train), Some(test)) = (train, test) else {
        return Ok(None);
    };
    check_numbering(&train)?;
    check_numbering(&test)?;
    Ok(Some(ParquetFiles { train, test }))
}

fn shards(dir_entries: &[PathBuf], split: &str) -> Vec<PathBuf> {
    let is_parquet = |path: &PathBuf| file_name(path).ends_with(".parquet") && path.is_file();
    let of_split = |path: &&PathBuf| {
        file_name(path)
            .strip_prefix(split)
            .is_some_and(|rest| rest.starts_with(['-', '.', '_']))
            && is_parquet(path)
    };
    let beside: Vec<PathBuf> = dir_entries.iter().filter(of_split).cloned().collect();
    if !beside.is_empty() {
        return beside;
    }
    let folder = dir_entries
        .iter()
        .find(|path| file_name(path) == split && path.is_dir());
    let inside = folder
        .map(|dir| entries(dir).unwrap_or_default())
        .unwrap_or_default();
    inside.into_iter().filter(is_parquet).collect()
}

/// Every `NAME-I-of-N.parquet` needs all of its N shards.
fn check_numbering(shards: &[PathBuf]) -> Result<(), DataError> {
    let number = |path: &PathBuf| {
        let name = file_name(path);
        let (head, total) = name.strip_suffix(".parquet")?.rsplit_once("-of-")?;
        let (_, index) = head.rsplit_once('-')?;
        Some((index.parse::<usize>().ok()?, total.parse::<usize>().ok()?))
    };
    for (expected, path) in shards.iter().enumerate() {
        let Some((index, total)) = number(path) else {
            continue;
        };
        if index != expected || total != shards.len() {
            return Err(DataError::content(
                path.display(),
                format!(
                    "shard {expected} of {} in this place",
                    total.max(shards.len())
                ),
                format!("shard {index} of {total} among {} shards", shards.len()),
                "fetch the missing shards, or remove those of another version",
            ));
        }
    }
    Ok(())
}

/// Reads the shards of one split; `known` names the classes if the files do not.
pub(crate) fn read(
    name: &str,
    shards: &[PathBuf],
    known: &[String],
) -> Result<ImageSet, DataError> {
    let mut set: Option<ImageSet> = None;
    for path in shards {
        let place = path.display().to_string();
        let file = Bytes::from(read_file(path)?);
        contain(|| append(&mut set, name, &place, file, known))
            .unwrap_or_else(|reason| Err(damaged(&place, &reason)))?;
    }
    let mut set = set.ok_or_else(|| {
        DataError::content(name, "at least one row in its parquet files", "none", AGAIN)
    })?;
    if set.class_names.is_empty() {
        let top = set
            .labels
            .iter()
            .copied()
            .max()
            .map_or(0, |label| label as usize + 1);
        set.class_names = crate::data::names::numbered(top);
    }
    Ok(set)
}

fn damaged(place: &str, reason: &str) -> DataError {
    let reason = reason.replace('\n', " ");
    DataError::content(
        place,
        "a parquet file",
        format!("a damaged one ({reason})"),
        AGAIN,
    )
}

/// Appends the rows of one shard.
fn append(
    set: &mut Option<ImageSet>,
    name: &str,
    place: &str,
    file: Bytes,
    known: &[String],
) -> Result<(), DataError> {
    let file_len = file.len();
    let bad = |error: ParquetError| damaged(place, &error.to_string());
    let reader = SerializedFileReader::new(file).map_err(bad)?;
    let metadata = reader.metadata().file_metadata();
    let description = metadata
        .key_value_metadata()
        .and_then(|pairs| pairs.iter().find(|pair| pair.key == "huggingface"))
        .and_then(|pair| serde_json::from_str(pair.value.as_deref()?).ok());
    let columns = Columns::find(place, metadata.schema_descr(), description.as_ref())?;
    let mut first_row = 0;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(bad)?;
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
        for column in [columns.image, columns.label] {
            if !inside(group.metadata(), column, file_len) {
                let found = "one that lies outside of the file";
                return Err(DataError::content(place, "a column", found, AGAIN));
            }
        }
        let images = byte_arrays(&*group, columns.image, rows).map_err(bad)?;
        let labels = integers(&*group, columns.label, rows).map_err(bad)?;
        if rows == 0 {
            continue;
        }
        if images.len() != rows || labels.len() != rows {
            return Err(DataError::content(
                place,
                format!(
                    "an image and a label in each of rows {first_row} to {}",
                    first_row + rows - 1
                ),
                format!("{} images and {} labels", images.len(), labels.len()),
                "remove the rows without image bytes or label",
            ));
        }
        if set.is_none() {
            let size = decode::probe(&format!("{place}, row {first_row}"), images[0].data())?;
            let class_names = match columns.class_names.len() {
                0 => known.to_vec(),
                _ => columns.class_names.clone(),
            };
            *set = Some(ImageSet {
                name: name.to_owned(),
                class_names,
                height: size.height,
                width: size.width,
                channels: size.channels,
                pixels: Vec::new(),
                labels: Vec::new(),
            });
        }
        if let Some(set) = set {
            append_rows(set, place, first_row, &images, &labels)?;
        }
        first_row += rows;
    }
    Ok(())
}

fn append_rows(
    set: &mut ImageSet,
    place: &str,
    first_row: usize,
    images: &[ByteArray],
    labels: &[i64],
) -> Result<(), DataError> {
    let classes = match set.classes() {
        0 => MAX_CLASSES,
        classes => classes,
    };
    for (row, &label) in labels.iter().enumerate() {
        match u32::try_from(label) {
            Ok(label) if (label as usize) < classes => set.labels.push(label),
            _ => {
                return Err(DataError::content(
                    format!("{place}, row {}", first_row + row),
                    format!("a label from 0 to {}", classes - 1),
                    format!("label {label}"),
                    "use a split whose labels are public",
                ));
            }
        }
    }
    let size = super::Size {
        height: set.height,
        width: set.width,
        channels: set.channels,
    };
    let files: Vec<&[u8]> = images.iter().map(ByteArray::data).collect();
    let place = |row| format!("{place}, row {}", first_row + row);
    set.pixels
        .append(&mut decode::decode_all(size, &files, place)?);
    Ok(())
}

/// The leaf columns that hold the image file and the label, and the class names if given.
#[derive(Debug, PartialEq, Eq)]
struct Columns {
    image: usize,
    label: usize,
    class_names: Vec<String>,
}

impl Columns {
    fn find(
        place: &str,
        schema: &SchemaDescriptor,
        description: Option<&serde_json::Value>,
    ) -> Result<Self, DataError> {
        let mut images = Vec::new();
        let mut labels = Vec::new();
        let mut all = Vec::new();
        for (leaf, column) in schema.columns().iter().enumerate() {
            let path = column.path().parts();
            all.push(path.join("."));
            if column.max_rep_level() > 0 {
                continue;
            }
            match (path, column.physical_type()) {
                ([_, bytes], Type::BYTE_ARRAY) if bytes == "bytes" => images.push(leaf),
                ([name], Type::INT32 | Type::INT64) => labels.push((leaf, name.as_str())),
                _ => {}
            }
        }
        let foreign = |expected: &str, cure: &str| {
            let found = match all.len() > 12 {
                true => format!("{}, and {} more", all[..12].join(", "), all.len() - 12),
                false => all.join(", "),
            };
            DataError::content(place, expected, format!("columns {found}"), cure)
        };
        let [image] = images[..] else {
            return Err(foreign(
                "exactly one image column (a struct with `bytes` and `path`)",
                "store the pictures as the hub's Image feature does",
            ));
        };
        let feature = |name: &str| description?.get("info")?.get("features")?.get(name);
        let is_class = |name: &str| {
            feature(name)
                .and_then(|f| f.get("_type"))
                .is_some_and(|kind| kind == "ClassLabel")
        };
        let preferred = LABELS
            .iter()
            .find_map(|want| labels.iter().find(|(_, name)| name == want));
        let mut described = labels.iter().filter(|(_, name)| is_class(name));
        let (label, name) = match (&labels[..], preferred, described.next(), described.next()) {
            ([only], ..) => *only,
            (_, Some(preferred), ..) => *preferred,
            (_, None, Some(only), None) => *only,
            _ => {
                return Err(foreign(
                    "an integer column named `label`",
                    "rename the label column to `label`",
                ));
            }
        };
        let class_names = feature(name).and_then(names_of).unwrap_or_default();
        Ok(Self {
            image,
            label,
            class_names,
        })
    }
}

/// The class names of a label feature: a list, or a map from number to name.
fn names_of(feature: &serde_json::Value) -> Option<Vec<String>> {
    let names = feature.get("names")?;
    match names {
        serde_json::Value::Array(list) => list
            .iter()
            .map(|name| name.as_str().map(str::to_owned))
            .collect(),
        serde_json::Value::Object(map) => (0..map.len())
            .map(|class| map.get(&class.to_string())?.as_str().map(str::to_owned))
            .collect(),
        _ => None,
    }
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

/// The values of a byte column that are present; fewer than `rows` if some are null.
fn byte_arrays(
    group: &dyn RowGroupReader,
    column: usize,
    rows: usize,
) -> Result<Vec<ByteArray>, ParquetError> {
    let mut values = Vec::new();
    match group.get_column_reader(column)? {
        ColumnReader::ByteArrayColumnReader(mut reader) => {
            reader.read_records(rows, Some(&mut Vec::new()), None, &mut values)?;
        }
        _ => {
            return Err(ParquetError::General(
                "the image column holds no bytes".into(),
            ));
        }
    }
    Ok(values)
}

/// The values of an integer column that are present; fewer than `rows` if some are null.
fn integers(
    group: &dyn RowGroupReader,
    column: usize,
    rows: usize,
) -> Result<Vec<i64>, ParquetError> {
    match group.get_column_reader(column)? {
        ColumnReader::Int64ColumnReader(mut reader) => {
            let mut values = Vec::new();
            reader.read_records(rows, Some(&mut Vec::new()), None, &mut values)?;
            Ok(values)
        }
        ColumnReader::Int32ColumnReader(mut reader) => {
            let mut values = Vec::new();
            reader.read_records(rows, Some(&mut Vec::new()), None, &mut values)?;
            Ok(values.into_iter().map(i64::from).collect())
        }
        _ => Err(ParquetError::General(
            "the label column holds no integers".into(),
        )),
    }
}
