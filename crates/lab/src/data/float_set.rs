//! Images as numbers, ready for a network.

use std::fmt::Debug;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use striate::rng::Stream;

use super::{DataError, SharedValues, Streamed, UNLABELLED, ValueFile};

/// Preprocessed images, N, C, H, W, with their labels.
///
/// Cheap to clone and to split: the numbers are shared.
#[derive(Clone, Debug)]
pub struct FloatSet {
    /// Channels of an image.
    pub channels: usize,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// All values, N, C, H, W; empty in sets made by [`FloatSet::composed`], of pictures on disk and of values in a file.
    pub images: SharedValues,
    /// The class of each image, or [`UNLABELLED`].
    pub labels: Arc<Vec<u32>>,
    /// Number of classes; all other labels are below it.
    pub classes: usize,
    /// The preprocessing that is still to be done on every batch, after augmentation.
    /// `None` except in sets made by [`Fitted::defer`](super::Fitted::defer), whose values are bytes 0 to 255,
    /// and in sets of pictures on disk.
    pub pending: Option<Arc<dyn Pending>>,
    /// What draws the images. `None` except in sets made by [`FloatSet::composed`].
    pub composed: Option<Composed>,
    /// The pictures on disk. `None` except in sets made of one of [`load_streamed`](super::load_streamed).
    pub streamed: Option<Streamed>,
    /// The values, in a file. `None` except in sets made by [`Fitted::apply_to_file`](super::Fitted::apply_to_file).
    pub file: Option<ValueFile>,
}

/// Preprocessing that is done on every batch.
pub trait Pending: Debug + Send + Sync {
    /// Preprocesses raw images (N, C, H, W, values 0 to 255) in place.
    ///
    /// # Errors
    /// When `images` is not a whole number of images.
    fn apply_batch(&self, images: &mut [f32]) -> Result<(), DataError>;
}

/// Makes an image from the images of a set.
pub trait Scene: Debug + Send + Sync {
    /// (channels, height, width) of what it makes.
    fn size(&self) -> (usize, usize, usize);

    /// Number of classes of what it makes, where the set has `classes`.
    fn classes(&self, classes: usize) -> usize {
        classes
    }

    /// Refuses a set that it cannot use.
    ///
    /// # Errors
    /// Names what is wrong with the set.
    fn check(&self, set: &FloatSet) -> Result<(), DataError>;

    /// Writes the C, H, W values of the scene around image `index` of `set` to `to`, and gives its label.
    ///
    /// All that is random comes from `draws`.
    fn draw(&self, set: &FloatSet, index: usize, draws: &mut Stream, to: &mut [f32]) -> u32;
}

/// Whether scenes are drawn anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Redraw {
    /// In every epoch.
    #[default]
    EveryEpoch,
    /// Once: every epoch shows the same.
    Once,
}

/// What draws the images of a set.
#[derive(Clone, Debug)]
pub struct Composed {
    pub(super) scene: Arc<dyn Scene>,
    pub(super) redraw: Redraw,
    pub(super) source: Arc<FloatSet>,
    /// The image of the source that is the first of the set.
    pub(super) first: usize,
}

impl FloatSet {
    /// A set of `labels.len()` images of `size` = (channels, height, width).
    ///
    /// # Errors
    /// When the number of values is not images times size, or a label is not below `classes`.
    ///
    /// ```
    /// let set = lab::data::FloatSet::new((1, 2, 2), vec![0.5; 8], vec![0, 1], 2)?;
    /// assert_eq!(set.len(), 2);
    /// assert!(lab::data::FloatSet::new((1, 2, 2), vec![0.5; 7], vec![0, 1], 2).is_err());
    /// # Ok::<(), lab::data::DataError>(())
    /// ```
    pub fn new(
        size: (usize, usize, usize),
        images: Vec<f32>,
        labels: Vec<u32>,
        classes: usize,
    ) -> Result<Self, DataError> {
        let (channels, height, width) = size;
        let wanted = channels
            .checked_mul(height)
            .and_then(|n| n.checked_mul(width))
            .and_then(|n| n.checked_mul(labels.len()));
        if wanted != Some(images.len()) {
            return Err(DataError::Argument {
                op: "FloatSet::new",
                argument: "images",
                found: format!("{} values", images.len()),
                expected: format!("{} images of {channels}x{height}x{width}", labels.len()),
            });
        }
        let wrong = |&label: &u32| label as usize >= classes && label != UNLABELLED;
        if let Some(row) = labels.iter().position(wrong) {
            return Err(DataError::Argument {
                op: "FloatSet::new",
                argument: "labels",
                found: format!("{} in row {row}", labels[row]),
                expected: format!("below the {classes} classes"),
            });
        }
        let (images, labels) = (SharedValues::from(images), Arc::new(labels));
        Ok(Self {
            channels,
            height,
            width,
            images,
            labels,
            classes,
            pending: None,
            composed: None,
            streamed: None,
            file: None,
        })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The first `n` images, and the rest.
    ///
    /// ```
    /// let set = lab::data::FloatSet::new((1, 1, 1), vec![0.1, 0.2, 0.3], vec![0, 1, 0], 2)?;
    /// let (first, rest) = set.split_at(2);
    /// assert_eq!((first.len(), rest.images.to_vec()), (2, vec![0.3]));
    /// # Ok::<(), lab::data::DataError>(())
    /// ```
    pub fn split_at(&self, n: usize) -> (Self, Self) {
        let n = n.min(self.len());
        let stored = (n * self.image_len()).min(self.images.len());
        let (images, more_images) = self.images.split_at(stored);
        let (labels, more_labels) = self.labels.split_at(n);
        let (streamed, more_streamed) = self.streamed.as_ref().map(|set| set.split_at(n)).unzip();
        let (file, more_file) = self.file.as_ref().map(|file| file.split_at(n)).unzip();
        let part = |images: SharedValues, labels: &[u32], streamed, file| Self {
            images,
            labels: Arc::new(labels.to_vec()),
            streamed,
            file,
            ..self.clone()
        };
        let rest = Self {
            composed: self.composed.as_ref().map(|composed| composed.skip(n)),
            ..part(more_images, more_labels, more_streamed, more_file)
        };
        (part(images, labels, streamed, file), rest)
    }

    /// Number of values in one image.
    pub fn image_len(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// The C, H, W values of image `index`, or `None` past the end and where images are not stored.
    pub fn image(&self, index: usize) -> Option<&[f32]> {
        let len = self.image_len();
        self.images.get(index.checked_mul(len)?..)?.get(..len)
    }

    /// The index of the first image of a class; `None` if there is none.
    pub fn first_of(&self, class: u32) -> Option<usize> {
        self.labels.iter().position(|&label| label == class)
    }
}

impl Composed {
    /// The same for the part of the set that begins `n` images later.
    fn skip(&self, n: usize) -> Self {
        Self {
            first: self.first + n,
            ..self.clone()
        }
    }
}
