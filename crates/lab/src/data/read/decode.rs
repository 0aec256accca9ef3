//! PNG and JPEG pictures to bytes: gray or red, green, blue, eight bits, as stored in the file.

use rayon::prelude::*;

use super::memory::{Size, check_picture};
use super::{jpeg, png};
use crate::data::DataError;

/// No picture of a data set has a longer side.
const MAX_SIDE: usize = 16_384;
/// No picture of a data set needs more than this.
const MAX_BYTES: usize = 256 << 20;
const CONVERT: &str = "convert the picture to an 8-bit gray or RGB PNG";

/// A picture whose header has been read and found possible.
enum Opened<'a> {
    Png(Box<png::Picture<'a>>),
    Jpeg(Size),
}

impl Opened<'_> {
    fn size(&self) -> Size {
        match self {
            Self::Png(picture) => picture.size,
            Self::Jpeg(size) => *size,
        }
    }
}

/// Size and colors of a picture, from its header.
pub(super) fn probe(place: &dyn std::fmt::Display, file: &[u8]) -> Result<Size, DataError> {
    Ok(open(place, file)?.size())
}

/// Decodes pictures of one size into `out`, in parallel, in the order of `files`.
///
/// `place` names a picture for messages. The error returned is that of the first bad picture.
pub(super) fn decode_all<F, P>(
    size: Size,
    files: &[F],
    out: &mut [u8],
    place: P,
) -> Result<(), DataError>
where
    F: AsRef<[u8]> + Sync,
    P: Fn(usize) -> String + Sync,
{
    let results: Vec<Result<(), DataError>> = out
        .par_chunks_mut(size.len())
        .zip(files)
        .enumerate()
        .map(|(row, (out, file))| decode(&Lazy(|| place(row)), file.as_ref(), size, out))
        .collect();
    results.into_iter().collect()
}

/// Decodes one picture of the given size into `out`.
pub(super) fn decode(
    place: &dyn std::fmt::Display,
    file: &[u8],
    size: Size,
    out: &mut [u8],
) -> Result<(), DataError> {
    let opened = open(place, file)?;
    if opened.size() != size {
        return Err(DataError::content(
            place,
            format!("{size} (height x width x channels) as the first image"),
            opened.size().to_string(),
            "bring all images to one size and color type first",
        ));
    }
    let bad = |reason: String| damaged(place, &reason);
    match opened {
        Opened::Jpeg(size) => jpeg::decode(file, size, out).map_err(bad),
        Opened::Png(picture) if !picture.alpha => picture.decode(out).map_err(bad),
        Opened::Png(picture) => {
            let mut with_alpha = vec![0; size.len() / size.channels * (size.channels + 1)];
            picture.decode(&mut with_alpha).map_err(bad)?;
            drop_alpha(place, size.channels, &with_alpha, out)
        }
    }
}

/// Copies the colors of opaque pixels.
fn drop_alpha(
    place: &dyn std::fmt::Display,
    channels: usize,
    with_alpha: &[u8],
    out: &mut [u8],
) -> Result<(), DataError> {
    let pixels = with_alpha.chunks_exact(channels + 1);
    for (pixel, out) in pixels.zip(out.chunks_exact_mut(channels)) {
        let (color, alpha) = pixel.split_at(channels);
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

/// Reads a header and compares what it promises with what the file can hold.
fn open<'a>(place: &dyn std::fmt::Display, file: &'a [u8]) -> Result<Opened<'a>, DataError> {
    let bad = |reason: String| damaged(place, &reason);
    if file.starts_with(&png::SIGNATURE) {
        if let Some((width, height)) = png::header(file) {
            // Before the decoder makes room for rows; colors are counted below.
            check_size(place, width as usize, height as usize, 1, file.len())?;
        }
        let picture = png::open(file).map_err(|refused| match refused {
            png::Refused::Damaged(reason) => bad(reason),
            png::Refused::Depth(found) => {
                DataError::content(place, "8 bits a channel", found, CONVERT)
            }
        })?;
        let Size {
            height,
            width,
            channels,
        } = picture.size;
        let channels = channels + usize::from(picture.alpha);
        check_size(place, width, height, channels, file.len())?;
        return Ok(Opened::Png(Box::new(picture)));
    }
    if file.starts_with(&jpeg::SIGNATURE) {
        let size = jpeg::size(file).map_err(bad)?;
        check_size(place, size.width, size.height, size.channels, file.len())?;
        return Ok(Opened::Jpeg(size));
    }
    // Nothing of the content is shown: it may be a file that was never meant to be read.
    let found = match image::guess_format(file) {
        Ok(format) => format!("{format:?}"),
        Err(_) => format!("{} bytes of another kind", file.len()),
    };
    Err(DataError::content(
        place,
        "a PNG or JPEG picture",
        found,
        CONVERT,
    ))
}

/// Limits on the sides and the bytes of a picture.
fn check_size(
    place: &dyn std::fmt::Display,
    width: usize,
    height: usize,
    channels: usize,
    file_len: usize,
) -> Result<(), DataError> {
    let size = Size {
        height,
        width,
        channels,
    };
    let sides = 1..=MAX_SIDE;
    if !(sides.contains(&width) && sides.contains(&height) && size.len() <= MAX_BYTES) {
        return Err(DataError::content(
            place,
            format!("sides from 1 to {MAX_SIDE} and at most {MAX_BYTES} bytes of pixels"),
            format!("a picture of {size}"),
            "use smaller images",
        ));
    }
    check_picture(place, size, file_len)
}

fn damaged(place: &dyn std::fmt::Display, reason: &str) -> DataError {
    DataError::content(
        place,
        "a readable picture",
        format!("a damaged one ({})", reason.replace('\n', " ")),
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
        let mut out = [0; 6];
        decode_all(size, &[rgba], &mut out, |_| "x".into()).unwrap();
        assert_eq!(out, [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn errors() {
        let gray = png(2, 1, ExtendedColorType::L8, &[7, 8]);
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
        assert!(message(&gray).starts_with(
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
        for end in 0..tall.len() {
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
        let message = decode_all(size, &files, &mut [0; 4], |row| format!("row {row}"))
            .unwrap_err()
            .to_string();
        assert!(message.starts_with("row 1: "), "{message}");
    }
}
