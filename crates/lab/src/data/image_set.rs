//! Images as bytes with their labels: what every reader returns.

use super::{DataError, Streamed};

/// The label of an image whose class is not known.
///
/// No class has this number, so readers, networks and evaluations refuse it;
/// [`Batches::mixed`](super::Batches::mixed) and objectives that learn from unlabelled images look for it.
pub const UNLABELLED: u32 = u32::MAX;

/// Labelled images of one size, as bytes in the order N, H, W, C.
///
/// Pixel (`y`, `x`, `c`) of image `i` is `pixels[((i * height + y) * width + x) * channels + c]`.
/// Readers never transpose: `y` runs down the picture and `x` to the right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSet {
    /// Name for messages, such as `mnist/train`.
    pub name: String,
    /// Name of each class; a label is an index into it.
    pub class_names: Vec<String>,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// Values of a pixel: 1 for gray, 3 for red, green, blue.
    pub channels: usize,
    /// All pixels, N, H, W, C; empty in sets made by [`load_streamed`](super::load_streamed).
    pub pixels: Vec<u8>,
    /// The class of each image, or [`UNLABELLED`], which no reader gives.
    pub labels: Vec<u32>,
    /// Images of the files that are not here, since no label fits them; 0 but for whole house numbers.
    pub left_out: usize,
    /// The pictures on disk. `None` except in sets made by [`load_streamed`](super::load_streamed).
    pub streamed: Option<Streamed>,
}

/// A training and a test set of the same classes and image size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// Name of the data set, such as `mnist`.
    pub name: String,
    /// Images to train on.
    pub train: ImageSet,
    /// Images to test on.
    pub test: ImageSet,
}

impl ImageSet {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }

    /// Number of values in one image.
    pub fn image_len(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// The H, W, C bytes of image `index`, or `None` past the end and where pictures stay on disk.
    pub fn image(&self, index: usize) -> Option<&[u8]> {
        let len = self.image_len();
        self.pixels.get(index.checked_mul(len)?..)?.get(..len)
    }

    /// The first `n` images, or all if there are fewer.
    pub fn first(&self, n: usize) -> Self {
        let n = n.min(self.len());
        let stored = (n * self.image_len()).min(self.pixels.len());
        Self {
            name: self.name.clone(),
            class_names: self.class_names.clone(),
            pixels: self.pixels[..stored].to_vec(),
            labels: self.labels[..n].to_vec(),
            streamed: self.streamed.as_ref().map(|set| set.split_at(n).0),
            ..*self
        }
    }

    /// Number of images whose pixels are here or on disk; `None` where that is not a whole number.
    fn pictures(&self) -> Option<usize> {
        match (&self.streamed, self.image_len()) {
            (_, 0) => None,
            (Some(set), _) => self.pixels.is_empty().then(|| set.len()),
            (None, len) => {
                let count = self.pixels.len() / len;
                (count * len == self.pixels.len()).then_some(count)
            }
        }
    }

    /// How many images each class has.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes()];
        for &label in &self.labels {
            if let Some(count) = counts.get_mut(label as usize) {
                *count += 1;
            }
        }
        counts
    }

    /// Checks that sizes, counts and labels agree.
    ///
    /// # Errors
    /// Names the set and the first disagreement. An empty set is an error.
    pub fn check(&self) -> Result<(), DataError> {
        let cure = "the files are damaged or belong to different sets, fetch them again";
        if self.is_empty() {
            return Err(DataError::content(&self.name, "images", "none", cure));
        }
        if self.pictures() != Some(self.len()) {
            return Err(DataError::content(
                &self.name,
                format!(
                    "{} images of {}x{}x{} bytes",
                    self.len(),
                    self.height,
                    self.width,
                    self.channels
                ),
                format!("{} bytes", self.pixels.len()),
                cure,
            ));
        }
        let classes = self.classes();
        match self
            .labels
            .iter()
            .position(|&label| label as usize >= classes && label != UNLABELLED)
        {
            None => Ok(()),
            Some(row) => Err(DataError::content(
                format!("{}, image {row}", self.name),
                format!("a label below {classes}"),
                format!("label {}", self.labels[row]),
                cure,
            )),
        }
    }
}

impl Dataset {
    /// The first `train` training and the first `test` test images.
    pub fn first(&self, train: usize, test: usize) -> Self {
        Self {
            name: self.name.clone(),
            train: self.train.first(train),
            test: self.test.first(test),
        }
    }

    /// Checks both sets, and that they agree in image size and classes.
    ///
    /// # Errors
    /// Names the set and the first disagreement.
    pub fn check(&self) -> Result<(), DataError> {
        self.train.check()?;
        self.test.check()?;
        let shape = |set: &ImageSet| (set.height, set.width, set.channels);
        if shape(&self.train) != shape(&self.test) {
            let text =
                |set: &ImageSet| format!("{}x{}x{} images", set.height, set.width, set.channels);
            return Err(DataError::content(
                &self.test.name,
                format!("{} as in {}", text(&self.train), self.train.name),
                text(&self.test),
                "take both splits from the same data set",
            ));
        }
        if self.train.class_names != self.test.class_names {
            return Err(DataError::content(
                &self.test.name,
                format!(
                    "the {} classes of {}",
                    self.train.classes(),
                    self.train.name
                ),
                format!("{} classes with other names", self.test.classes()),
                "take both splits from the same data set",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set() -> ImageSet {
        ImageSet {
            name: "made/train".into(),
            class_names: vec!["a".into(), "b".into()],
            height: 2,
            width: 3,
            channels: 1,
            pixels: (0..18).collect(),
            labels: vec![0, 1, 1],
            left_out: 0,
            streamed: None,
        }
    }

    #[test]
    fn images_are_found_by_index() {
        let set = set();
        assert_eq!(set.image(1), Some(&[6, 7, 8, 9, 10, 11][..]));
        assert_eq!(set.image(3), None);
        assert_eq!(set.image(usize::MAX), None);
        assert_eq!(set.class_counts(), [1, 2]);
        assert_eq!(set.first(2).labels, [0, 1]);
        assert_eq!(set.first(2).pixels.len(), 12);
        assert_eq!(set.first(99), set);
    }

    #[test]
    fn errors() {
        let mut short = set();
        short.pixels.pop();
        assert_eq!(
            short.check().unwrap_err().to_string(),
            "made/train: expected 3 images of 2x3x1 bytes, found 17 bytes; \
             the files are damaged or belong to different sets, fetch them again"
        );
        let mut wrong = set();
        wrong.labels[2] = 2;
        let message = wrong.check().unwrap_err().to_string();
        assert!(
            message.contains("image 2: expected a label below 2, found label 2"),
            "{message}"
        );
        let mut other = set();
        other.name = "made/test".into();
        other.height = 3;
        other.width = 2;
        let data = Dataset {
            name: "made".into(),
            train: set(),
            test: other,
        };
        let message = data.check().unwrap_err().to_string();
        assert!(message.starts_with("made/test: expected 2x3x1 images as in made/train"));
    }
}
