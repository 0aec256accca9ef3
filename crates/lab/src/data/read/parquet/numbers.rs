//! Rows of a picture with several digits: boxes and labels in lists, as the hub lays out SVHN's `full_numbers`.

use std::path::PathBuf;

use ::parquet::basic::Type;
use ::parquet::errors::ParquetError;
use ::parquet::schema::types::SchemaDescriptor;
use bytes::Bytes;
use image::RgbImage;
use image::imageops::{FilterType, crop_imm, resize};
use rayon::prelude::*;

use super::columns::{Columns, Wanted, shown};
use super::groups::{self, AGAIN, damaged};
use crate::data::crop::{Frame, NumberCrop};
use crate::data::number::{NUMBER_DIGITS, number_label, number_names};
use crate::data::read::contain::contain;
use crate::data::read::memory::{Size, check_split};
use crate::data::read::{Request, decode};
use crate::data::{DataError, DataSet, ImageSet};

/// The leaf columns of a shard.
struct Leaves {
    image: usize,
    boxes: usize,
    labels: usize,
}

/// A label and the H, W, C bytes of a crop.
type Number = (u32, Vec<u8>);

/// Reads the shards of one split; a label is that of [`number_label`].
///
/// Left out and counted are numbers of more than five digits, and those of which a box is empty or that lie outside of the picture.
pub(crate) fn read_numbers(
    request: &Request,
    split: &str,
    shards: &[PathBuf],
    crop: &NumberCrop,
) -> Result<ImageSet, DataError> {
    let mut set = ImageSet {
        name: request.title(split),
        class_names: number_names(),
        height: crop.side,
        width: crop.side,
        channels: 3,
        pixels: Vec::new(),
        labels: Vec::new(),
        left_out: 0,
        streamed: None,
    };
    for path in shards {
        let place = path.display().to_string();
        let file = Bytes::from(request.root.read(path)?);
        contain(|| append(&mut set, request, &place, file, crop))
            .unwrap_or_else(|reason| Err(damaged(&place, &reason)))?;
    }
    match set.is_empty() {
        false => Ok(set),
        true => Err(DataError::content(
            set.name,
            "at least one number of one to five digits in its parquet files",
            format!("{} rows without", set.left_out),
            AGAIN,
        )),
    }
}

/// Appends the rows of one shard.
fn append(
    set: &mut ImageSet,
    request: &Request,
    place: &str,
    file: Bytes,
    crop: &NumberCrop,
) -> Result<(), DataError> {
    let file_len = file.len() as u64;
    let size = Size {
        height: crop.side,
        width: crop.side,
        channels: 3,
    };
    let folder = request.set.map(DataSet::folder);
    let name = folder.unwrap_or(request.name());
    let find = |schema: &SchemaDescriptor, _: Option<&serde_json::Value>| find(place, name, schema);
    let leaves = |leaves: &Leaves| vec![leaves.image, leaves.boxes, leaves.labels];
    groups::each(place, file, find, leaves, |leaves, group| {
        let bad = |error: ParquetError| damaged(place, &error.to_string());
        let images = group.byte_arrays(leaves.image).map_err(bad)?;
        let boxes = group.lists(leaves.boxes).map_err(bad)?;
        let labels = group.lists(leaves.labels).map_err(bad)?;
        let counts = [images.len(), boxes.len(), labels.len()];
        if counts != [group.rows; 3] {
            return Err(DataError::content(
                place,
                format!("an image and digits in each of {} rows", group.rows),
                format!(
                    "{} images, {} lists of boxes and {} of digits",
                    counts[0], counts[1], counts[2]
                ),
                "remove the rows without image bytes or digits",
            ));
        }
        check_split(place, group.first_row + group.rows, size, file_len)?;
        let row = |((row, image), (boxes, labels)): ((usize, _), (&Vec<i64>, &Vec<i64>))| {
            let image: &::parquet::data_type::ByteArray = image;
            let place = || format!("{place}, row {}", group.first_row + row);
            number(&place, image.data(), boxes, labels, crop)
        };
        let rows = images.par_iter().enumerate();
        let rows = rows.zip(boxes.par_iter().zip(&labels)).map(row);
        // In the order of the rows, so that the first bad one is named.
        let rows: Vec<Result<Option<Number>, DataError>> = rows.collect();
        for row in rows {
            match row? {
                Some((label, pixels)) => {
                    set.labels.push(label);
                    set.pixels.extend(pixels);
                }
                None => set.left_out += 1,
            }
        }
        Ok(true)
    })
}

fn find(place: &str, name: &str, schema: &SchemaDescriptor) -> Result<Leaves, DataError> {
    let image = Columns::find(place, schema, None, Wanted::Images { limit: 0 })?.image;
    let list = |wanted: &str| {
        let mut columns = schema.columns().iter();
        columns.position(|column| {
            let path = column.path().parts();
            let ours = path.first().is_some_and(|part| part == "digits")
                && path.iter().any(|part| part == wanted);
            let integers = matches!(column.physical_type(), Type::INT32 | Type::INT64);
            ours && integers && column.max_rep_level() > 0
        })
    };
    match (list("bbox"), list("label")) {
        (Some(boxes), Some(labels)) => Ok(Leaves {
            image,
            boxes,
            labels,
        }),
        _ => Err(DataError::NoLayout {
            path: place.into(),
            name: name.to_owned(),
            looked_for: "lists digits.bbox and digits.label".to_owned(),
            cure: format!(
                "there are {}; take the files of full_numbers, those of cropped_digits hold single digits",
                shown(schema)
            ),
        }),
    }
}

/// One row; `None` if it is left out.
fn number(
    place: &dyn Fn() -> String,
    image: &[u8],
    boxes: &[i64],
    labels: &[i64],
    crop: &NumberCrop,
) -> Result<Option<Number>, DataError> {
    let refused = |expected: &str, found: String| {
        let cure = "fetch the file again, or remove the row";
        Err(DataError::content(place(), expected, found, cure))
    };
    if labels.is_empty() || boxes.len() != 4 * labels.len() {
        return refused(
            "digits, and left, top, width and height for each",
            format!("{} digits and {} numbers", labels.len(), boxes.len()),
        );
    }
    // The official files call the digit 0 ten.
    let digit = |&label: &i64| match label {
        10 => Some(0),
        label => u32::try_from(label).ok().filter(|&digit| digit < 10),
    };
    let Some(digits) = labels.iter().map(digit).collect::<Option<Vec<u32>>>() else {
        return refused("digits from 0 to 9", format!("{labels:?}"));
    };
    if digits.len() > NUMBER_DIGITS {
        return Ok(None);
    }
    let size = decode::probe(&place(), image)?;
    if size.channels != 3 {
        return refused("a picture in color", format!("a gray one of {size}"));
    }
    let boxes: Vec<Frame> = boxes
        .chunks_exact(4)
        .map(|frame| std::array::from_fn(|at| frame[at] as f64))
        .collect();
    let (Some(label), Some([left, top, width, height])) = (
        number_label(&digits),
        crop.frame(&boxes, (size.height, size.width)),
    ) else {
        return Ok(None);
    };
    let mut pixels = vec![0; size.len()];
    decode::decode(&place(), image, size, &mut pixels)?;
    let Some(picture) = RgbImage::from_raw(size.width as u32, size.height as u32, pixels) else {
        return refused("a picture", format!("one of {size}"));
    };
    let part = crop_imm(&picture, left, top, width, height).to_image();
    // Bilinear; where it shrinks, every pixel counts.
    let side = crop.side as u32;
    let shown = resize(&part, side, side, FilterType::Triangle);
    Ok(Some((label, shown.into_raw())))
}
