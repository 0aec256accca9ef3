//! A picture of any size as a square in color.

use image::RgbImage;
use image::imageops::{FilterType, resize};

use super::decode;
use crate::data::DataError;

/// The H, W, C bytes of a square of `side` pixels in color: what `frame` cuts out of the picture, stretched.
///
/// `frame` gets (height, width) and gives left, top, width and height of a part that is inside.
pub(crate) fn photograph(
    place: &dyn std::fmt::Display,
    file: &[u8],
    side: usize,
    frame: impl FnOnce((u32, u32)) -> [u32; 4],
) -> Result<Vec<u8>, DataError> {
    let size = decode::probe(place, file)?;
    let mut pixels = vec![0; size.len()];
    decode::decode(place, file, size, &mut pixels)?;
    let [left, top, width, height] = frame((size.height as u32, size.width as u32));
    let rows = pixels.chunks_exact(size.width * size.channels);
    let mut part = Vec::with_capacity(height as usize * width as usize * 3);
    for row in rows.skip(top as usize).take(height as usize) {
        let row = row.iter().skip(left as usize * size.channels);
        let row = row.take(width as usize * size.channels);
        match size.channels {
            // A few of the photographs of any set are gray.
            1 => part.extend(row.flat_map(|&value| [value; 3])),
            _ => part.extend(row),
        }
    }
    drop(pixels);
    let part = RgbImage::from_raw(width, height, part).ok_or_else(|| {
        let found = format!("a part at {left}, {top} of {width}x{height} pixels in {size}");
        DataError::content(place, "a part of the picture", found, "please report it")
    })?;
    let side = side as u32;
    Ok(resize(&part, side, side, FilterType::Triangle).into_raw())
}
