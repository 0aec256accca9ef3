//! A picture in memory, made from numbers, saved as PNG.

use std::path::Path;

use image::RgbImage;
use plotters::style::RGBColor;

use super::super::{ReportError, files};
use super::drawing::Drawing;

/// A picture of 8 bits a channel.
#[derive(Clone, PartialEq)]
pub struct Picture {
    /// What it shows, for whoever has the file alone; may be empty.
    pub(super) title: String,
    pub(super) image: RgbImage,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({}x{})", self.image.width(), self.image.height())
    }
}

impl Picture {
    /// A picture of numbers in (channels, height, width) order; `low` becomes black and `high` white.
    ///
    /// One channel is gray, three are red, green, blue.
    /// Numbers outside the range are cut to it, and what is not a number becomes black.
    ///
    /// ```
    /// let picture = lab::report::Picture::new(&[0.0, 0.5, 1.0, 2.0], (1, 2, 2), (0.0, 1.0))?;
    /// assert_eq!((picture.width(), picture.height()), (2, 2));
    /// # Ok::<(), lab::report::ReportError>(())
    /// ```
    ///
    /// # Errors
    /// Another number of channels or values, a size of 0, a range that is empty or not finite.
    pub fn new(
        values: &[f32],
        (channels, height, width): (usize, usize, usize),
        (low, high): (f32, f32),
    ) -> Result<Self, ReportError> {
        let wrong = |argument: &str, found: String, wanted: &str| ReportError::Figure {
            title: "picture".to_owned(),
            argument: argument.to_owned(),
            found,
            wanted: wanted.to_owned(),
        };
        if !matches!(channels, 1 | 3) {
            return Err(wrong("channels", channels.to_string(), "1 or 3"));
        }
        let plane = height * width;
        if plane == 0 || values.len() != channels * plane {
            let found = format!("{} values for {channels}x{height}x{width}", values.len());
            return Err(wrong(
                "values",
                found,
                "channels x height x width, none of them 0",
            ));
        }
        if !(low.is_finite() && high.is_finite() && low < high) {
            return Err(wrong(
                "range",
                format!("{low} to {high}"),
                "two numbers, the smaller first",
            ));
        }
        let byte = |channel: usize, at: usize| {
            let value = values[channel.min(channels - 1) * plane + at];
            // A NaN becomes 0 in the conversion.
            ((value - low) / (high - low) * 255.0)
                .round()
                .clamp(0.0, 255.0) as u8
        };
        let pixel = |x: u32, y: u32| {
            let at = y as usize * width + x as usize;
            image::Rgb([byte(0, at), byte(1, at), byte(2, at)])
        };
        let image = RgbImage::from_fn(width as u32, height as u32, pixel);
        let title = String::new();
        Ok(Self { title, image })
    }

    /// The same with a title, which its file holds and the page shows.
    pub fn titled(self, title: impl Into<String>) -> Self {
        let title = title.into();
        Self { title, ..self }
    }

    /// Like [`Picture::new`] with the range of the values themselves; a flat picture becomes gray.
    ///
    /// # Errors
    /// Those of [`Picture::new`].
    pub fn stretched(values: &[f32], shape: (usize, usize, usize)) -> Result<Self, ReportError> {
        let finite = || values.iter().copied().filter(|value| value.is_finite());
        let low = finite().fold(f32::INFINITY, f32::min);
        let high = finite().fold(f32::NEG_INFINITY, f32::max);
        match low < high {
            true => Self::new(values, shape, (low, high)),
            false => Self::new(&vec![0.5; values.len()], shape, (0.0, 1.0)),
        }
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.image.width()
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.image.height()
    }

    /// The pixels in (height, width, channels) order, red, green, blue.
    pub fn pixels(&self) -> &[u8] {
        self.image.as_raw()
    }

    /// The part of the picture at (top, left) of (height, width).
    ///
    /// # Errors
    /// A part that is empty or not inside.
    pub fn cropped(
        &self,
        (top, left, height, width): (usize, usize, usize, usize),
    ) -> Result<Self, ReportError> {
        let (rows, columns) = (self.height() as usize, self.width() as usize);
        let inside = |from: usize, length: usize, whole: usize| {
            length > 0 && from.checked_add(length).is_some_and(|end| end <= whole)
        };
        if !(inside(top, height, rows) && inside(left, width, columns)) {
            return Err(ReportError::Figure {
                title: "picture".to_owned(),
                argument: "the part".to_owned(),
                found: format!("{height}x{width} at ({top}, {left})"),
                wanted: format!("inside {rows}x{columns} and not empty"),
            });
        }
        let part = image::imageops::crop_imm(
            &self.image,
            left as u32,
            top as u32,
            width as u32,
            height as u32,
        );
        let (title, image) = (self.title.clone(), part.to_image());
        Ok(Self { title, image })
    }

    /// The picture with (top, left, bottom, right) more pixels of one color around it.
    ///
    /// ```
    /// use lab::report::Picture;
    /// let black = Picture::new(&[0.0; 4], (1, 2, 2), (0.0, 1.0))?;
    /// let padded = black.padded((0, 1, 0, 0), [128; 3]);
    /// assert_eq!((padded.width(), padded.height()), (3, 2));
    /// assert_eq!(padded.pixels()[..4], [128, 128, 128, 0]);
    /// # Ok::<(), lab::report::ReportError>(())
    /// ```
    pub fn padded(&self, (top, left, bottom, right): (u32, u32, u32, u32), color: [u8; 3]) -> Self {
        let (width, height) = (left + self.width() + right, top + self.height() + bottom);
        let mut image = RgbImage::from_pixel(width, height, image::Rgb(color));
        image::imageops::replace(&mut image, &self.image, left.into(), top.into());
        let title = self.title.clone();
        Self { title, image }
    }

    /// The picture enlarged by a whole factor; every pixel becomes a square.
    pub fn enlarged(&self, factor: u32) -> Self {
        let factor = factor.max(1);
        let (width, height) = (self.width() * factor, self.height() * factor);
        let image = RgbImage::from_fn(width, height, |x, y| {
            *self.image.get_pixel(x / factor, y / factor)
        });
        let title = self.title.clone();
        Self { title, image }
    }

    /// The picture with a line through `points`, each (x, y) in pixels from the left upper edge; parts outside are not seen.
    ///
    /// ```
    /// use lab::report::Picture;
    /// let black = Picture::new(&[0.0; 16], (1, 4, 4), (0.0, 1.0))?;
    /// let lined = black.with_line(&[(0.5, 0.5), (3.5, 0.5)], [255, 0, 0]);
    /// assert_eq!(lined.pixels()[..3], [255, 0, 0]);
    /// # Ok::<(), lab::report::ReportError>(())
    /// ```
    pub fn with_line(self, points: &[(f32, f32)], color: [u8; 3]) -> Self {
        let Self { title, image } = self;
        let mut drawing = Drawing { image };
        // Far outside, a little less far looks the same and is quicker to draw.
        let reach = 4.0 * drawing.image.width().max(drawing.image.height()) as f32;
        let pixel = |(x, y): (f32, f32)| {
            let along = |at: f32| at.floor().clamp(-reach, reach) as i32;
            (along(x), along(y))
        };
        let pixels: Vec<(i32, i32)> = points
            .iter()
            .filter(|(x, y)| x.is_finite() && y.is_finite())
            .map(|&at| pixel(at))
            .collect();
        let [r, g, b] = color;
        let drawn = drawing.line(pixels, RGBColor(r, g, b));
        debug_assert!(
            drawn.is_ok(),
            "memory of the right size has nothing to fail on"
        );
        let image = drawing.image;
        Self { title, image }
    }

    /// The picture as a PNG file's content.
    ///
    /// # Errors
    /// A picture that the encoder refuses; that would be a bug.
    pub fn to_png(&self) -> Result<Vec<u8>, ReportError> {
        let encoded = self.encode();
        encoded.map_err(|error| ReportError::Picture(error.to_string()))
    }

    fn encode(&self) -> Result<Vec<u8>, png::EncodingError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width(), self.height());
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        if !self.title.is_empty() {
            encoder.add_itxt_chunk("Title".to_owned(), self.title.clone())?;
        }
        let mut writer = encoder.write_header()?;
        writer.write_image_data(self.pixels())?;
        writer.finish()?;
        Ok(bytes)
    }

    /// Reads a PNG file that [`Picture::save`] wrote.
    ///
    /// # Errors
    /// A file that cannot be read, or is no PNG of at most 64 million pixels.
    pub fn open(path: &Path) -> Result<Self, ReportError> {
        let wrong = |error: image::ImageError| {
            ReportError::Picture(format!("{} cannot be read: {error}", path.display()))
        };
        let mut limits = image::Limits::default();
        (limits.max_image_width, limits.max_image_height) = (Some(8_000), Some(8_000));
        let mut reader =
            image::ImageReader::open(path).map_err(|e| ReportError::io(path, "read", e))?;
        reader.set_format(image::ImageFormat::Png);
        reader.limits(limits);
        let image = reader.decode().map_err(wrong)?.into_rgb8();
        let title = String::new();
        Ok(Self { title, image })
    }

    /// Writes a PNG file in one step and makes its folder.
    ///
    /// # Errors
    /// A folder that cannot be made or written to.
    pub fn save(&self, path: &Path) -> Result<(), ReportError> {
        files::write(path, &self.to_png()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_bytes() {
        let values = [0.0, 1.0, -5.0, 9.0, f32::NAN, 0.5];
        let gray = Picture::new(&values, (1, 2, 3), (0.0, 1.0)).unwrap();
        let red: Vec<u8> = gray.pixels().iter().step_by(3).copied().collect();
        assert_eq!(red, [0, 255, 0, 255, 0, 128]);
        let color = Picture::new(&[1.0, 0.0, 0.5], (3, 1, 1), (0.0, 1.0)).unwrap();
        assert_eq!(color.pixels(), [255, 0, 128]);
        let flat = Picture::stretched(&[7.0; 4], (1, 2, 2)).unwrap();
        assert!(flat.pixels().iter().all(|&p| p == 128));
    }

    #[test]
    fn a_png_gives_the_pixels_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("figures/a.png");
        let picture = Picture::stretched(&[0.0, 1.0, 2.0, 3.0], (1, 2, 2))
            .unwrap()
            .enlarged(3);
        picture.save(&path).unwrap();
        let read = image::open(&path).unwrap().to_rgb8();
        assert_eq!(read.as_raw(), picture.pixels());
        assert_eq!((picture.width(), picture.height()), (6, 6));
    }

    #[test]
    fn errors() {
        let text = |values: usize, shape, range| {
            Picture::new(&vec![0.0; values], shape, range)
                .unwrap_err()
                .to_string()
        };
        assert!(text(4, (2, 1, 2), (0.0, 1.0)).contains("channels is 2, wanted 1 or 3"));
        assert!(text(5, (1, 2, 2), (0.0, 1.0)).contains("5 values for 1x2x2"));
        assert!(text(0, (1, 0, 2), (0.0, 1.0)).contains("none of them 0"));
        assert!(text(4, (1, 2, 2), (1.0, 1.0)).contains("range is 1 to 1"));
        let picture = Picture::stretched(&[0.0, 1.0, 2.0, 3.0], (1, 2, 2)).unwrap();
        let part = picture.cropped((1, 0, 1, 2)).unwrap();
        assert_eq!(part.pixels(), &picture.pixels()[6..]);
        let text = picture.cropped((1, 1, 1, 2)).unwrap_err().to_string();
        assert!(text.contains("1x2 at (1, 1), wanted inside 2x2"), "{text}");
    }
}
