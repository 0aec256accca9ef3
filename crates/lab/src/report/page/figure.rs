//! A picture of the page.

use std::path::Path;

use super::super::{ReportError, files};

/// A longer file is no figure: 16 MiB.
const LONGEST: u64 = 16 << 20;
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A PNG picture with its caption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Its file, relative to the folder of the runs.
    pub file: String,
    /// What it shows.
    pub caption: String,
    /// Width and height in pixels.
    pub(super) size: (u32, u32),
    /// The content of the file.
    pub(super) png: Vec<u8>,
}

impl Figure {
    /// Reads a PNG file; its caption is the title inside it, or its name. `shown` is what the page calls the file.
    ///
    /// # Errors
    /// A link or anything else that is no regular file, a file above 16 MiB, one that is no PNG, one that cannot be read.
    pub fn read(path: &Path, shown: impl Into<String>) -> Result<Self, ReportError> {
        let png = files::read(path, LONGEST)?;
        let wrong = || {
            let reason = std::io::Error::other("not a PNG picture");
            ReportError::io(path, "show", reason)
        };
        if !png.starts_with(SIGNATURE) {
            return Err(wrong());
        }
        let reader = png::Decoder::new(std::io::Cursor::new(&png)).read_info();
        let info = reader.map_err(|_| wrong())?.info().clone();
        let title = info.utf8_text.iter().find(|text| text.keyword == "Title");
        let title = title.and_then(|text| text.get_text().ok());
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        Ok(Self {
            file: shown.into(),
            caption: title.unwrap_or_else(|| stem.replace('-', " ")),
            size: (info.width, info.height),
            png,
        })
    }

    /// The content of the file.
    pub fn png(&self) -> &[u8] {
        &self.png
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Picture;

    #[test]
    fn only_pictures_are_figures() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("class-maps.png");
        let picture = Picture::new(&[0.0, 1.0], (1, 1, 2), (0.0, 1.0)).unwrap();
        picture.save(&path).unwrap();
        let figure = Figure::read(&path, "a/class-maps.png").unwrap();
        assert_eq!(
            (figure.caption.as_str(), figure.size),
            ("class maps", (2, 1))
        );

        std::fs::write(&path, "root:x:0:0").unwrap();
        let error = Figure::read(&path, "a").unwrap_err().to_string();
        assert!(error.contains("not a PNG picture"), "{error}");
    }

    #[test]
    fn the_title_in_the_file_is_the_caption() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let picture = Picture::new(&[0.5], (1, 1, 1), (0.0, 1.0)).unwrap();
        picture.titled("Klassen: <b> π").save(&path).unwrap();
        assert_eq!(
            Figure::read(&path, "a.png").unwrap().caption,
            "Klassen: <b> π"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_no_figure() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("a.png"), folder.path().join("b.png"));
        let picture = Picture::new(&[0.0], (1, 1, 1), (0.0, 1.0)).unwrap();
        picture.save(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert!(Figure::read(&link, "b.png").is_err());
    }
}
