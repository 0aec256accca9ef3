//! Parquet shards as the Hugging Face hub lays out its image-classification sets.
//!
//! A row is an image (a struct with the PNG or JPEG file in `bytes`) and an integer label.
//! Column names come from the schema, class names from the feature description that the hub
//! stores under the schema key `huggingface`.

mod columns;
mod groups;
mod held;
mod labels;
mod numbers;
mod pages;
mod rows;
mod schema;
mod shards;
mod thrift;

use std::path::PathBuf;

use ::parquet::data_type::ByteArray;
use ::parquet::errors::ParquetError;
use ::parquet::schema::types::SchemaDescriptor;
use bytes::Bytes;

use columns::{Columns, Wanted};
use groups::{AGAIN, damaged};
use labels::{MAX_CLASSES, check_label};

pub(crate) use numbers::read_numbers;
pub(crate) use rows::{RowGroup, list_rows, read_rows};
pub(crate) use shards::{ParquetFiles, find};

use super::contain::contain;
use super::memory::{Size, check_split, grow};
use super::{Request, decode};
use crate::data::registry::numbered;
use crate::data::{DataError, ImageSet, UNLABELLED};

/// Reads the shards of one split; the registry names the classes if the files do not.
pub(crate) fn read(
    request: &Request,
    split: &str,
    shards: &[PathBuf],
) -> Result<ImageSet, DataError> {
    let mut set = read_shards(request, &request.title(split), shards, Wanted::Labelled)?;
    if set.class_names.is_empty() {
        let top = set.labels.iter().copied().max();
        set.class_names = numbered(top.map_or(0, |label| label as usize + 1));
    }
    Ok(set)
}

/// Reads the first `limit` images of some shards, without their labels.
pub(crate) fn read_images(
    request: &Request,
    name: &str,
    shards: &[PathBuf],
    limit: usize,
) -> Result<ImageSet, DataError> {
    let mut set = read_shards(request, name, shards, Wanted::Images { limit })?;
    // A row group is read whole.
    set.labels.truncate(limit);
    set.pixels.truncate(limit.saturating_mul(set.image_len()));
    set.class_names = match request.set {
        Some(_) => request.class_names(),
        None => numbered(10),
    };
    Ok(set)
}

fn read_shards(
    request: &Request,
    name: &str,
    shards: &[PathBuf],
    wanted: Wanted,
) -> Result<ImageSet, DataError> {
    let mut set: Option<ImageSet> = None;
    for path in shards {
        if !wanted.more(set.as_ref().map_or(0, ImageSet::len)) {
            break;
        }
        let place = path.display().to_string();
        let file = Bytes::from(request.root.read(path)?);
        contain(|| append(&mut set, request, name, &place, file, wanted))
            .unwrap_or_else(|reason| Err(damaged(&place, &reason)))?;
    }
    set.ok_or_else(|| {
        DataError::content(name, "at least one row in its parquet files", "none", AGAIN)
    })
}

/// Appends the rows of one shard.
fn append(
    set: &mut Option<ImageSet>,
    request: &Request,
    name: &str,
    place: &str,
    file: Bytes,
    wanted: Wanted,
) -> Result<(), DataError> {
    let file_len = file.len();
    let find = |schema: &SchemaDescriptor, description: Option<&serde_json::Value>| {
        Columns::find(place, schema, description, wanted)
    };
    let leaves = |columns: &Columns| {
        [Some(columns.image), columns.label]
            .into_iter()
            .flatten()
            .collect()
    };
    groups::each(place, file, find, leaves, |columns, group| {
        let bad = |error: ParquetError| damaged(place, &error.to_string());
        let (rows, first_row) = (group.rows, group.first_row);
        let images = group.byte_arrays(columns.image).map_err(bad)?;
        let labels = match columns.label {
            Some(label) => Some(group.integers(label).map_err(bad)?),
            None => None,
        };
        if images.len() != rows || labels.as_ref().is_some_and(|labels| labels.len() != rows) {
            return Err(DataError::content(
                place,
                format!(
                    "an image and a label in each of rows {first_row} to {}",
                    first_row + rows - 1
                ),
                format!(
                    "{} images and {} labels",
                    images.len(),
                    labels.as_ref().map_or(0, Vec::len)
                ),
                "remove the rows without image bytes or label",
            ));
        }
        if set.is_none() {
            let size = decode::probe(&format!("{place}, row {first_row}"), images[0].data())?;
            request.check_size(size)?;
            let class_names = match columns.class_names.len() {
                0 => request.class_names(),
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
                left_out: 0,
                streamed: None,
            });
        }
        let Some(set) = set else {
            return Ok(false);
        };
        columns.check_names(place, &set.class_names)?;
        let size = Size {
            height: set.height,
            width: set.width,
            channels: set.channels,
        };
        // Room for the whole shard up to here must be possible.
        check_split(place, first_row + rows, size, file_len as u64)?;
        append_rows(set, place, first_row, &images, labels.as_deref())?;
        Ok(wanted.more(set.len()))
    })
}

fn append_rows(
    set: &mut ImageSet,
    place: &str,
    first_row: usize,
    images: &[ByteArray],
    labels: Option<&[i64]>,
) -> Result<(), DataError> {
    let classes = match set.classes() {
        0 => MAX_CLASSES,
        classes => classes,
    };
    if labels.is_none() {
        let unknown = std::iter::repeat_n(UNLABELLED, images.len());
        set.labels.extend(unknown);
    }
    for (row, &label) in labels.into_iter().flatten().enumerate() {
        let place = || format!("{place}, row {}", first_row + row);
        set.labels.push(check_label(label, classes, place)?);
    }
    let size = Size {
        height: set.height,
        width: set.width,
        channels: set.channels,
    };
    let files: Vec<&[u8]> = images.iter().map(ByteArray::data).collect();
    let place = |row| format!("{place}, row {}", first_row + row);
    let first = set.pixels.len();
    grow(&mut set.pixels, place(0), files.len(), size, u64::MAX)?;
    decode::decode_all(size, &files, &mut set.pixels[first..], place)
}
