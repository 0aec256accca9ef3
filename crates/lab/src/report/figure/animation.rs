//! Moving pictures: frames of one size as an animated PNG.

use std::path::Path;

use super::super::{ReportError, files};
use super::Picture;

/// Frames that are shown one after the other, again and again.
///
/// The file is an animated PNG: browsers play it, other programs show its first frame.
///
/// ```
/// use lab::report::{Animation, Picture};
/// let frame = |value| Picture::new(&[value; 4], (1, 2, 2), (0.0, 1.0));
/// let animation = Animation::new(vec![frame(0.0)?, frame(1.0)?], 100);
/// assert!(animation.to_png()?.windows(4).any(|bytes| bytes == b"acTL"));
/// # Ok::<(), lab::report::ReportError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Animation {
    frames: Vec<Picture>,
    milliseconds: u16,
}

impl Animation {
    /// Frames, each shown for this long; the last one for ten times as long.
    pub fn new(frames: Vec<Picture>, milliseconds: u16) -> Self {
        Self {
            frames,
            milliseconds,
        }
    }

    /// The file's content.
    ///
    /// # Errors
    /// No frames, frames of different sizes.
    pub fn to_png(&self) -> Result<Vec<u8>, ReportError> {
        let wrong = |found: String, wanted: &str| ReportError::Figure {
            title: "animation".to_owned(),
            argument: "the frames".to_owned(),
            found,
            wanted: wanted.to_owned(),
        };
        let Some((last, first)) = self.frames.split_last() else {
            return Err(wrong("none".to_owned(), "at least one"));
        };
        let (width, height) = (last.width(), last.height());
        if let Some(other) = first
            .iter()
            .find(|f| (f.width(), f.height()) != (width, height))
        {
            let found = format!(
                "{}x{} beside {width}x{height}",
                other.width(),
                other.height()
            );
            return Err(wrong(found, "one size"));
        }
        self.encode((width, height))
            .map_err(|error| ReportError::Picture(error.to_string()))
    }

    fn encode(&self, (width, height): (u32, u32)) -> Result<Vec<u8>, png::EncodingError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_animated(self.frames.len() as u32, 0)?;
        encoder.set_frame_delay(self.milliseconds, 1000)?;
        let title = self.frames.first().map(|frame| frame.title.clone());
        if let Some(title) = title.filter(|title| !title.is_empty()) {
            encoder.add_itxt_chunk("Title".to_owned(), title)?;
        }
        let mut writer = encoder.write_header()?;
        for (at, frame) in self.frames.iter().enumerate() {
            if at + 1 == self.frames.len() {
                writer.set_frame_delay(self.milliseconds.saturating_mul(10), 1000)?;
            }
            writer.write_image_data(frame.pixels())?;
        }
        writer.finish()?;
        Ok(bytes)
    }

    /// Writes the file in one step and makes its folder.
    ///
    /// # Errors
    /// Those of [`Animation::to_png`]; a folder that cannot be made or written to.
    pub fn save(&self, path: &Path) -> Result<(), ReportError> {
        files::write(path, &self.to_png()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn frames_come_back() {
        let frame = |value: f32| Picture::new(&[value; 6], (1, 2, 3), (0.0, 1.0)).unwrap();
        let values = [0.0, 0.4, 1.0];
        let bytes = Animation::new(values.map(frame).to_vec(), 80)
            .to_png()
            .unwrap();
        let mut reader = png::Decoder::new(Cursor::new(bytes)).read_info().unwrap();
        assert_eq!(reader.info().animation_control().unwrap().num_frames, 3);
        for value in values {
            let mut pixels = vec![0; 18];
            reader.next_frame(&mut pixels).unwrap();
            assert_eq!(pixels, frame(value).pixels());
        }
    }

    #[test]
    fn errors() {
        let text = |frames| Animation::new(frames, 80).to_png().unwrap_err().to_string();
        assert_eq!(
            text(Vec::new()),
            "figure \"animation\": the frames is none, wanted at least one"
        );
        let sized = |n: usize| Picture::new(&vec![0.0; n], (1, 1, n), (0.0, 1.0)).unwrap();
        assert!(text(vec![sized(2), sized(3)]).contains("2x1 beside 3x1"));
    }
}
