//! How much memory a file may ask for: a stated multiple of its own size, checked before anything is allocated.

use crate::data::{DataError, DataSet};

/// A picture has at most this many bytes of pixels for a byte of its file: deflate does not expand further.
const PICTURE_FACTOR: usize = 1032;
/// The pixels of a split take at most this many bytes for a byte of its files, and `SLACK` more.
const SPLIT_FACTOR: usize = 256;
/// What small files may ask for beyond their factor.
pub(crate) const SLACK: usize = 16 << 20;
/// Images of one split take at most this many bytes; more would not fit into memory.
const MAX_SPLIT_BYTES: usize = 32 << 30;
const LARGE: &str = "use a smaller subset or smaller images";
const LIE: &str = "the file is damaged, fetch it again";

/// The size of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
}

impl Size {
    /// The size that a set's images have.
    pub(crate) fn of_set(set: &DataSet) -> Self {
        let (channels, height, width) = set.shape;
        Self {
            height,
            width,
            channels,
        }
    }

    /// Values of one image; the largest number there is where the product overflows.
    pub(crate) fn len(self) -> usize {
        self.height
            .saturating_mul(self.width)
            .saturating_mul(self.channels)
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}x{}", self.height, self.width, self.channels)
    }
}

/// Refuses a picture whose header promises more pixels than a file of `file_len` bytes can hold.
pub(crate) fn check_picture(
    place: impl std::fmt::Display,
    size: Size,
    file_len: usize,
) -> Result<(), DataError> {
    if size.len() <= file_len.saturating_mul(PICTURE_FACTOR) {
        return Ok(());
    }
    let expected = format!(
        "at most {PICTURE_FACTOR} bytes of pixels for each of the {file_len} bytes of the file"
    );
    Err(DataError::content(
        place,
        expected,
        format!("{size} in its header"),
        LIE,
    ))
}

/// Refuses `images` images of `size` if files of `file_bytes` bytes together cannot hold so many.
pub(crate) fn check_split(
    place: impl std::fmt::Display,
    images: usize,
    size: Size,
    file_bytes: u64,
) -> Result<usize, DataError> {
    let files = usize::try_from(file_bytes).unwrap_or(usize::MAX);
    let allowed = files.saturating_mul(SPLIT_FACTOR).saturating_add(SLACK);
    let bytes = images.saturating_mul(size.len());
    let refused = |expected, cure| {
        let found = format!("{images} images of {size}");
        Err(DataError::content(place, expected, found, cure))
    };
    if bytes > allowed {
        let expected = format!(
            "at most {SPLIT_FACTOR} bytes of pixels for each of the {files} bytes of the files"
        );
        return refused(expected, LIE);
    }
    if bytes > MAX_SPLIT_BYTES {
        let expected = format!("at most {} GiB of pixels", MAX_SPLIT_BYTES >> 30);
        return refused(expected, LARGE);
    }
    Ok(bytes)
}

/// Adds room for `images` images of `size`, filled with zeros, that come from files of `file_bytes` bytes together.
///
/// # Errors
/// When that is more than the files can hold, or than fits into memory.
pub(crate) fn grow(
    pixels: &mut Vec<u8>,
    place: impl std::fmt::Display,
    images: usize,
    size: Size,
    file_bytes: u64,
) -> Result<(), DataError> {
    let bytes = check_split(&place, images, size, file_bytes)?;
    let all = pixels.len().saturating_add(bytes);
    if all > MAX_SPLIT_BYTES || pixels.try_reserve_exact(bytes).is_err() {
        let expected = format!(
            "at most {} GiB of pixels, as far as memory goes",
            MAX_SPLIT_BYTES >> 30
        );
        let found = format!("{images} more images of {size}");
        return Err(DataError::content(place, expected, found, LARGE));
    }
    pixels.resize(all, 0);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: Size = Size {
        height: 1 << 20,
        width: 1 << 20,
        channels: 3,
    };

    #[test]
    fn the_file_says_how_much_it_may_ask_for() {
        let small = Size {
            height: 2,
            width: 3,
            channels: 1,
        };
        assert_eq!(check_split("f", 5, small, 0).expect("little"), 30);
        let much = check_split("f", SLACK, small, 0).unwrap_err().to_string();
        assert!(
            much.starts_with("f: expected at most 256 bytes of pixels for each of the 0 bytes"),
            "{much}"
        );
        let message = check_split("big.bin", 1 << 30, SIDE, u64::MAX)
            .unwrap_err()
            .to_string();
        assert!(
            message.starts_with("big.bin: expected at most 32 GiB of pixels, found"),
            "{message}"
        );
        let huge = Size {
            height: usize::MAX,
            width: usize::MAX,
            channels: 3,
        };
        assert!(check_split("f", usize::MAX, huge, u64::MAX).is_err());
        let mut pixels = vec![7];
        grow(&mut pixels, "f", 2, small, 0).expect("little");
        assert_eq!(pixels, [[7].as_slice(), &[0; 12]].concat());
    }

    #[test]
    fn headers_that_lie_are_refused() {
        assert!(
            check_picture(
                "p",
                Size {
                    height: 1000,
                    width: 100,
                    channels: 1
                },
                97
            )
            .is_ok()
        );
        let message = check_picture("p", SIDE, 748).unwrap_err().to_string();
        assert!(
            message
                .starts_with("p: expected at most 1032 bytes of pixels for each of the 748 bytes"),
            "{message}"
        );
    }
}
