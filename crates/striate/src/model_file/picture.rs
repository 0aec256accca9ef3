//! Picture files in and out (feature `image`).

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Error, Result, Tensor, bail};
use image::imageops::FilterType;
use image::{DynamicImage, ExtendedColorType, GenericImageView, ImageError, ImageFormat};

use super::Pretrained;

impl<N> Pretrained<N> {
    /// The pixels of a picture, PNG or JPEG, as [`Pretrained::prepare`] takes them: u8 (1, C, H, W).
    ///
    /// The picture is cropped at its center to the aspect ratio of the network's pictures, and resized to their size.
    /// A network of one channel sees the brightness.
    ///
    /// # Errors
    /// A file that cannot be read, and a network whose images have neither 1 nor 3 channels.
    pub fn open_picture(&self, path: impl AsRef<Path>) -> Result<Tensor> {
        open_picture(path, self.picture_shape())
    }
}

/// The pixels of a picture, PNG or JPEG, for a network that sees images of (channels, height, width): u8 (1, C, H, W).
///
/// The picture is cropped at its center to the aspect ratio of these sides, and resized to them.
/// A network of one channel sees the brightness.
///
/// # Errors
/// A file that cannot be read, and neither 1 nor 3 channels.
pub fn open_picture(path: impl AsRef<Path>, shape: (usize, usize, usize)) -> Result<Tensor> {
    let path = path.as_ref();
    if path.is_dir() {
        bail!("{path:?}: a folder; give a PNG or JPEG file");
    }
    let picture = image::open(path).map_err(|error| {
        let cure = match &error {
            ImageError::IoError(error) if error.kind() == ErrorKind::NotFound => "check the path",
            _ => "give a whole PNG or JPEG file",
        };
        let error = error.to_string();
        let error = error.trim_end_matches('.');
        Error::Msg(format!("{path:?}: {error}; {cure}"))
    })?;
    pixels(&picture, shape)
}

/// The middle of `picture` as u8 (1, C, H, W).
fn pixels(picture: &DynamicImage, (c, h, w): (usize, usize, usize)) -> Result<Tensor> {
    let side = |len: usize| u32::try_from(len).ok().filter(|&len| len > 0);
    let (Some(height), Some(width)) = (side(h), side(w)) else {
        bail!("the network's images have {h}x{w} pixels; both sides must be 1 or more");
    };
    let (across, down) = picture.dimensions();
    // The largest part of the picture with the ratio of the sides: as wide as it is, or as high.
    let wanted = |of: u32, by: u32, long: u32| {
        let len = u64::from(of) * u64::from(by) / u64::from(long);
        u32::try_from(len).unwrap_or(u32::MAX).max(1)
    };
    let (part_w, part_h) = (
        across.min(wanted(down, width, height)),
        down.min(wanted(across, height, width)),
    );
    let (left, top) = ((across - part_w) / 2, (down - part_h) / 2);
    let part = picture.crop_imm(left, top, part_w, part_h);
    let small = part.resize_exact(width, height, FilterType::Triangle);
    let bytes = match c {
        1 => small.to_luma8().into_raw(),
        3 => small.to_rgb8().into_raw(),
        _ => bail!("the network takes {c} channels; a picture has 1 or 3"),
    };
    let xs = Tensor::from_vec(bytes, (h, w, c), &Device::Cpu)?;
    xs.permute((2, 0, 1))?.contiguous()?.unsqueeze(0)
}

/// Writes values from 0 to 1, (C, H, W) or (1, C, H, W) with 1 or 3 channels, as a PNG file,
/// every value as a square of `enlarge` pixels; values beyond 0 and 1 are cut off there.
///
/// # Errors
/// A name that does not end in `.png`, another shape, integers or values beyond 16, which are pixels from 0 to 255,
/// an enlargement of 0 or beyond memory, or a file that cannot be written.
pub fn save_picture(path: impl AsRef<Path>, values: &Tensor, enlarge: usize) -> Result<()> {
    let path = path.as_ref();
    if !matches!(ImageFormat::from_path(path), Ok(ImageFormat::Png)) {
        bail!("{path:?}: a picture is written as PNG; give it a name that ends in .png");
    }
    let (c, h, w, color) = match *values.dims() {
        [1, h, w] | [1, 1, h, w] => (1, h, w, ExtendedColorType::L8),
        [3, h, w] | [1, 3, h, w] => (3, h, w, ExtendedColorType::Rgb8),
        _ => bail!(
            "{path:?}: the values have shape {:?}; give one picture, (C, H, W) or (1, C, H, W) with 1 or 3 channels",
            values.dims()
        ),
    };
    let side = |len: usize| {
        len.checked_mul(enlarge)
            .and_then(|len| u32::try_from(len).ok())
            .filter(|&len| (1..1 << 15).contains(&len))
    };
    let (Some(height), Some(width)) = (side(h), side(w)) else {
        bail!(
            "a picture of {h}x{w}, enlarged {enlarge} times, cannot be written; use sides from 1 to 32767"
        );
    };
    if !values.dtype().is_float() || largest(values)? > BEYOND {
        bail!("{path:?}: values must go from 0 to 1; divide pixels by 255");
    }
    let bytes = (values.clamp(0.0, 1.0)? * 255.0)?
        .round()?
        .to_dtype(DType::U8)?
        .reshape((c, h, w))?
        .permute((1, 2, 0))?
        .contiguous()?;
    let rows = bytes.flatten_all()?.to_vec1::<u8>()?;
    let mut large = Vec::with_capacity(height as usize * width as usize * c);
    for row in rows.chunks_exact(w * c) {
        let wide: Vec<u8> = row
            .chunks_exact(c)
            .flat_map(|pixel| std::iter::repeat_n(pixel, enlarge).flatten().copied())
            .collect();
        (0..enlarge).for_each(|_| large.extend_from_slice(&wide));
    }
    image::save_buffer_with_format(path, &large, width, height, color, ImageFormat::Png)
        .map_err(|error| Error::Msg(format!("{path:?}: {error}; the folder must exist")))
}

/// No reconstruction goes so far beyond 1, and pixels from 0 to 255 nearly always do.
const BEYOND: f32 = 16.0;

/// The largest of the values; that of NaN is left out.
fn largest(values: &Tensor) -> Result<f32> {
    let values = values
        .to_dtype(DType::F32)?
        .flatten_all()?
        .to_vec1::<f32>()?;
    Ok(values.into_iter().fold(f32::MIN, f32::max))
}

/// Where to write what was made of a picture: beside it, under its name with `ending`, as PNG.
///
/// ```
/// use std::path::Path;
/// use striate::model_file::picture_beside;
/// let maps = picture_beside("pictures/dog.jpg", "maps");
/// assert_eq!(maps, Path::new("pictures/dog-maps.png"));
/// ```
pub fn picture_beside(picture: impl AsRef<Path>, ending: &str) -> PathBuf {
    let picture = picture.as_ref();
    let stem = picture.file_stem().unwrap_or_default().to_string_lossy();
    picture.with_file_name(format!("{stem}-{ending}.png"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_resized() -> Result<()> {
        // A white square with black sides.
        let picture = image::GrayImage::from_fn(60, 20, |x, _| {
            image::Luma([if (20..40).contains(&x) { 255 } else { 0 }])
        });
        let xs = pixels(&picture.clone().into(), (1, 10, 10))?;
        assert_eq!(xs.dims(), [1, 1, 10, 10]);
        assert!(xs.flatten_all()?.to_vec1::<u8>()?.iter().all(|&x| x == 255));
        let color = pixels(&picture.into(), (3, 5, 15))?;
        assert_eq!(color.dims(), [1, 3, 5, 15]);
        assert_eq!(color.get(0)?.get(2)?.get(2)?.to_vec1::<u8>()?[0], 0);
        Ok(())
    }

    #[test]
    fn what_is_no_picture_is_named() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let text = folder.path().join("text.png");
        std::fs::write(&text, "no picture")?;
        let error = |path: &Path| open_picture(path, (1, 2, 2)).map(drop);
        let missing = folder.path().join("none.png");
        for (path, part) in [
            (folder.path(), "a folder"),
            (&text, "PNG signature; give"),
            (&missing, "check the path"),
        ] {
            let error = error(path).expect_err("no picture").to_string();
            assert!(error.contains(part), "{error}");
            assert!(error.contains(&*path.to_string_lossy()), "{error}");
        }
        Ok(())
    }

    #[test]
    fn values_are_squares() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("picture.png");
        let values = Tensor::new(&[[[0f32, 1.0]]], &Device::Cpu)?;
        save_picture(&path, &values, 3)?;
        let read = image::open(&path)?.to_luma8();
        assert_eq!(read.dimensions(), (6, 3));
        assert_eq!(
            (read.get_pixel(2, 2).0, read.get_pixel(3, 0).0),
            ([0], [255])
        );
        for (shape, enlarge) in [((2, 1, 1), 1), ((1, 1, 1), 0), ((1, 1, 0), 1)] {
            let values = Tensor::zeros(shape, DType::F32, &Device::Cpu)?;
            assert!(save_picture(&path, &values, enlarge).is_err());
        }
        let device = &Device::Cpu;
        let (name, missing) = (
            folder.path().join("picture.jpg"),
            folder.path().join("no/a.png"),
        );
        for (path, values, part) in [
            (
                &name,
                Tensor::zeros((1, 1, 1), DType::F32, device)?,
                "ends in .png",
            ),
            (
                &missing,
                Tensor::zeros((1, 1, 1), DType::F32, device)?,
                "the folder must exist",
            ),
            (
                &path,
                Tensor::ones((3, 2, 2), DType::U8, device)?,
                "divide pixels by 255",
            ),
            (
                &path,
                Tensor::full(255f32, (3, 2, 2), device)?,
                "divide pixels by 255",
            ),
            (
                &path,
                Tensor::zeros((2, 3, 2, 2), DType::F32, device)?,
                "give one picture",
            ),
        ] {
            let error = save_picture(path, &values, 1).expect_err(part).to_string();
            assert!(error.contains(part), "{error}");
        }
        Ok(())
    }
}
