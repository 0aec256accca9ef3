//! PNG and JPEG pictures to bytes: grey or red, green, blue, eight bits, as stored in the file.

use std::io::Cursor;

use image::{ColorType, ImageDecoder, ImageFormat, ImageReader, Limits};
use rayon::prelude::*;

use super::{Size, reserve};
use crate::data::DataError;

/// No picture of a data set needs more than this.
const MAX_SIDE: u32 = 16_384;
const MAX_BYTES: u64 = 256 << 20;
const CONVERT: &str = "convert the picture to an 8-bit grey or RGB PNG";

/// Size and colors of a picture, from its header.
pub(crate) fn probe(place: &dyn std::fmt::Display, file: &[u8]) -> Result<Size, DataError> {
    Ok(open(place, file)?.1)
}

/// Decodes pictures of one size, in parallel, in the order of `files`.
///
/// `place` names a picture for messages. The error returned is that of the first bad picture.
pub(super) fn decode_all<F, P>(size: Size, files: &[F], place: P) -> Result<Vec<u8>, DataError>
where
    F: AsRef<[u8]> + Sync,
    P: Fn(usize) -> String + Sync,
{
    let mut pixels = reserve(place(0), files.len(), size)?;
    pixels.resize(files.len() * size.len(), 0);
    let results: Vec<Result<(), DataError>> = pixels
        .par_chunks_mut(size.len())
        .zip(files)
        .enumerate()
        .map(|(row, (out, file))| {
            let file = file.as_ref();
            decode(&Lazy(|| place(row)), file, size, out)
        })
        .collect();
    results.into_iter().collect::<Result<(), _>>()?;
    Ok(pixels)
}

/// Decodes one picture of the given size into `out`.
pub(crate) fn decode(
    place: &dyn std::fmt::Display,
    file: &[u8],
    size: Size,
    out: &mut [u8],
) -> Result<(), DataError> {
    let (decoder, found) = open(place, file)?;
    if found != size {
        return Err(DataError::content(
            place,
            format!("{size} (height x width x channels) as the first image"),
            found.to_string(),
            "bring all images to one size and color type first",
        ));
    }
    let bad = |error| damaged(place, error);
    match decoder.color_type() {
        ColorType::L8 | ColorType::Rgb8 => decoder.read_image(out).map_err(bad),
        _ => {
            let mut with_alpha = vec![0; size.len() / size.channels * (size.channels + 1)];
            decoder.read_image(&mut with_alpha).map_err(bad)?;
            for (pixel, out) in with_alpha
                .chunks_exact(size.channels + 1)
                .zip(out.chunks_exact_mut(size.channels))
            {
                let (color, alpha) = pixel.split_at(size.channels);
                if alpha != [255] {
                    return Err(DataError::content(
                        place,
                        "a picture without transparency",
                        format!("a pixel with alpha {}", alpha[0]),
                        CONVERT,
                    ));
                }
                out.copy_from_slice(color);
            }
            Ok(())
        }
    }
}

fn open<'a>(
    place: &dyn std::fmt::Display,
    file: &'a [u8],
) -> Result<(Box<dyn ImageDecoder + 'a>, Size), DataError> {
    let format = image::guess_format(file).ok();
    if !matches!(format, Some(ImageFormat::Png | ImageFormat::Jpeg)) {
        let found = match format {
            Some(format) => format!("{format:?}"),
            None => format!(
                "{} bytes that start with {:02x?}",
                file.len(),
                &file[..file.len().min(4)]
            ),
        };
        return Err(DataError::content(
            place,
            "a PNG or JPEG picture",
            found,
            CONVERT,
        ));
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_BYTES);
    let mut reader = ImageReader::new(Cursor::new(file));
    if let Some(format) = format {
        reader.set_format(format);
    }
    reader.limits(limits);
    let decoder = reader
        .into_decoder()
        .map_err(|error| damaged(place, error))?;
    let (width, height) = decoder.dimensions();
    let channels = match decoder.color_type() {
        ColorType::L8 | ColorType::La8 => 1,
        ColorType::Rgb8 | ColorType::Rgba8 => 3,
        other => {
            return Err(DataError::content(
                place,
                "8 bits a channel",
                format!("{other:?}"),
                CONVERT,
            ));
        }
    };
    let size = Size {
        height: height as usize,
        width: width as usize,
        channels,
    };
    if size.len() == 0 || size.len() as u64 > MAX_BYTES {
        return Err(DataError::content(
            place,
            format!("1 to {MAX_BYTES} pixel bytes"),
            format!("a picture of {size}"),
            "use smaller images",
        ));
    }
    Ok((Box::new(decoder), size))
}

fn damaged(place: &dyn std::fmt::Display, error: image::ImageError) -> DataError {
    let reason = error.to_string().replace('\n', " ");
    DataError::content(
        place,
        "a readable picture",
        format!("a damaged one ({reason})"),
        "fetch the file again",
    )
}

/// A place that is only put into words when a message needs it.
struct Lazy<F>(F);

impl<F: Fn() -> String> std::fmt::Display for Lazy<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&(self.0)())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ExtendedColorType, ImageEncoder};

    fn png(width: u32, height: u32, color: ExtendedColorType, values: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        image::codecs::png::PngEncoder::new(&mut file)
            .write_image(values, width, height, color)
            .unwrap();
        file
    }

    #[test]
    fn opaque_alpha_is_dropped() {
        let rgba = png(
            1,
            2,
            ExtendedColorType::Rgba8,
            &[1, 2, 3, 255, 4, 5, 6, 255],
        );
        let size = probe(&"x", &rgba).unwrap();
        assert_eq!(
            size,
            Size {
                height: 2,
                width: 1,
                channels: 3
            }
        );
        assert_eq!(
            decode_all(size, &[rgba], |_| "x".into()).unwrap(),
            [1, 2, 3, 4, 5, 6]
        );
    }

    #[test]
    fn errors() {
        let grey = png(2, 1, ExtendedColorType::L8, &[7, 8]);
        let size = Size {
            height: 2,
            width: 1,
            channels: 1,
        };
        let message = |file: &[u8]| {
            decode(&"x", file, size, &mut [0; 2])
                .unwrap_err()
                .to_string()
        };
        assert!(message(&grey).starts_with(
            "x: expected 2x1x1 (height x width x channels) as the first image, found 1x2x1;"
        ));
        assert!(message(b"GIF89a..").starts_with("x: expected a PNG or JPEG picture, found Gif;"));
        assert!(message(b"").starts_with("x: expected a PNG or JPEG picture, found 0 bytes"));
        let clear = png(1, 2, ExtendedColorType::La8, &[1, 255, 2, 9]);
        assert!(message(&clear).starts_with(
            "x: expected a picture without transparency, found a pixel with alpha 9;"
        ));
        let deep = png(1, 2, ExtendedColorType::L16, &[1, 255, 2, 9]);
        assert!(message(&deep).starts_with("x: expected 8 bits a channel, found L16;"));
        let tall = png(1, 2, ExtendedColorType::L8, &[7, 8]);
        for end in 0..tall.len() - 12 {
            let message = message(&tall[..end]);
            assert!(message.starts_with("x: expected a"), "{message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn the_first_bad_picture_is_named() {
        let good = png(1, 1, ExtendedColorType::L8, &[7]);
        let files = [good.clone(), vec![1], vec![2], good];
        let size = Size {
            height: 1,
            width: 1,
            channels: 1,
        };
        let message = decode_all(size, &files, |row| format!("row {row}"))
            .unwrap_err()
            .to_string();
        assert!(message.starts_with("row 1: "), "{message}");
    }
}
