//! Fitted preprocessing, applied to whole sets or to the batches of a set.

use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use striate::model_file::Normalization;

use super::ZcaTransform;
use super::transform::Transform;
use crate::data::{DataError, FloatSet, ImageSet, Pending, ValueFile};

/// What became of the cache file of a fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CacheUse {
    /// No cache was asked for, or there is nothing to keep.
    None,
    /// The fit was taken from the cache.
    Read,
    /// The fit was computed and kept.
    Written,
    /// The fit was computed and kept in the place of a file that could not be used, for this reason.
    Replaced(String),
    /// The fit was computed but could not be kept, for this reason.
    Failed(String),
}

/// Preprocessing that has learned from a training split.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// Channels, height, width.
    pub(super) size: (usize, usize, usize),
    pub(super) transform: Transform,
    /// How long the fit took.
    pub seconds: f64,
    /// Whether the fit came from a cache.
    pub cache: CacheUse,
}

impl Fitted {
    pub(super) fn new(
        train: &ImageSet,
        transform: Transform,
        seconds: f64,
        cache: CacheUse,
    ) -> Self {
        let size = (train.channels, train.height, train.width);
        Self {
            size,
            transform,
            seconds,
            cache,
        }
    }

    /// Mean and standard deviation of each channel on the scale of 0 to 1, if this is an affine
    /// preprocessing.
    pub fn channel_stats(&self) -> Option<Vec<(f64, f64)>> {
        let Transform::Affine { mean, factor } = &self.transform else {
            return None;
        };
        let stats = mean
            .iter()
            .zip(factor)
            .map(|(m, f)| (m / 255.0, 1.0 / (f * 255.0)));
        Some(stats.collect())
    }

    /// The same as a model file has it; [`zca`](Self::zca) gives the whitening that belongs to it.
    ///
    /// # Errors
    /// A local contrast normalization, which model files do not hold.
    pub fn normalization(&self) -> Result<Normalization, DataError> {
        match &self.transform {
            Transform::Affine { mean, factor } => Ok(Normalization::Affine {
                mean: mean.clone(),
                factor: factor.clone(),
            }),
            Transform::GcnZca { gcn, .. } => Ok(Normalization::GcnZca {
                scale: gcn.scale,
                sqrt_bias: gcn.sqrt_bias,
                min_divisor: gcn.min_divisor,
                whitening: None,
            }),
            Transform::GcnLcn { .. } => Err(DataError::Argument {
                op: "Fitted::normalization",
                argument: "self",
                found: "a local contrast normalization".to_owned(),
                expected:
                    "a preprocessing that model files hold: unit range, standardized or whitened"
                        .to_owned(),
            }),
        }
    }

    /// The whitening, if there is one.
    pub fn zca(&self) -> Option<&ZcaTransform> {
        match &self.transform {
            Transform::GcnZca { zca, .. } => Some(zca),
            Transform::Affine { .. } | Transform::GcnLcn { .. } => None,
        }
    }

    /// Turns a set into numbers; pictures on disk as [`defer`](Self::defer) does.
    ///
    /// # Errors
    /// When the images have another size than those of the fit.
    pub fn apply(&self, set: &ImageSet) -> Result<FloatSet, DataError> {
        if set.streamed.is_some() {
            return self.defer(set);
        }
        let mut set = self.raw(set)?;
        // The only owner so far, so nothing is copied.
        self.apply_batch(set.images.make_mut())?;
        Ok(set)
    }

    /// Like [`apply`](Self::apply), but the numbers go to a file without a name in `folder`, which is gone with the set:
    /// for sets whose numbers would fill the memory.
    ///
    /// # Errors
    /// Those of [`apply`](Self::apply); pictures on disk; a folder that cannot be written to, a full disk.
    ///
    /// ```
    /// use lab::data::{Preprocess, Source, load};
    /// let data = load("mnist", &Source::Embedded)?.first(100, 10);
    /// let fitted = Preprocess::Standardize.fit(&data.train)?;
    /// let train = fitted.apply_to_file(&data.train, &std::env::temp_dir())?;
    /// assert_eq!((train.len(), train.images.len()), (100, 0));
    /// # Ok::<(), lab::data::DataError>(())
    /// ```
    pub fn apply_to_file(&self, set: &ImageSet, folder: &Path) -> Result<FloatSet, DataError> {
        /// Bytes of numbers in memory at a time, unless one block needs more.
        const BYTES: usize = 16 << 20;
        // Whole blocks of the images that a whitening multiplies at once.
        let bytes_a_block = super::zca::APPLY_BLOCK * set.image_len() * size_of::<f32>();
        let blocks = (BYTES / bytes_a_block.max(1)).clamp(1, 4);
        let block_images = (blocks * super::zca::APPLY_BLOCK) as u32;
        let empty = self.empty(set)?;
        let images = match (&set.streamed, u32::try_from(set.len())) {
            (None, Ok(images)) => images,
            (streamed, _) => {
                let found = streamed.as_ref().map(|_| "pictures on disk".to_owned());
                return Err(DataError::Argument {
                    op: "Fitted::apply_to_file",
                    argument: "set",
                    found: found.unwrap_or_else(|| format!("{} images", set.len())),
                    expected: "images in memory, fewer than 2^32".to_owned(),
                });
            }
        };
        let size = (images, set.image_len());
        let file = ValueFile::write(folder, size, block_images, |first, block| {
            raw(set, first, block);
            self.apply_batch(block)
        })?;
        Ok(FloatSet {
            labels: Arc::new(set.labels.clone()),
            file: Some(file),
            ..empty
        })
    }

    /// A set of raw images whose preprocessing [`Batches`](crate::data::Batches) does after
    /// augmentation.
    ///
    /// # Errors
    /// When the images have another size than those of the fit.
    pub fn defer(&self, set: &ImageSet) -> Result<FloatSet, DataError> {
        Ok(FloatSet {
            pending: Some(Arc::new(self.clone())),
            ..self.raw(set)?
        })
    }

    /// Preprocesses raw images (N, C, H, W, values 0 to 255) in place.
    ///
    /// # Errors
    /// When `images` is not a whole number of images.
    pub fn apply_batch(&self, images: &mut [f32]) -> Result<(), DataError> {
        let (channels, height, width) = self.size;
        super::zca::check_len("Fitted", images.len(), channels * height * width)?;
        self.transform.apply(images, self.size);
        Ok(())
    }

    /// A set of no images, of the classes and the size of `set`, which must be that of the fit.
    fn empty(&self, set: &ImageSet) -> Result<FloatSet, DataError> {
        set.check()?;
        let size = (set.channels, set.height, set.width);
        if size != self.size {
            let text = |(c, h, w): (usize, usize, usize)| format!("{h}x{w}x{c} images");
            return Err(DataError::Argument {
                op: "Fitted",
                argument: "set",
                found: format!("{} ({})", text(size), set.name),
                expected: format!("{} as in the fit", text(self.size)),
            });
        }
        FloatSet::new(size, Vec::new(), Vec::new(), set.classes())
    }

    /// The images of a set as they are, as numbers.
    fn raw(&self, set: &ImageSet) -> Result<FloatSet, DataError> {
        let empty = self.empty(set)?;
        let mut images = vec![0f32; set.pixels.len()];
        raw(set, 0, &mut images);
        Ok(FloatSet {
            images: images.into(),
            labels: Arc::new(set.labels.clone()),
            streamed: set.streamed.clone(),
            ..empty
        })
    }
}

impl Pending for Fitted {
    fn apply_batch(&self, images: &mut [f32]) -> Result<(), DataError> {
        self.apply_batch(images)
    }
}

/// The images of `set` from `first` on, as they are, as many as there is room for.
fn raw(set: &ImageSet, first: usize, images: &mut [f32]) {
    images
        .par_chunks_mut(set.image_len().max(1))
        .enumerate()
        .for_each(|(index, image)| {
            planes(set, first + index, |at, value| image[at] = value.into());
        });
}

/// Calls `put` with the C, H, W position and the value of every byte of an image.
pub(super) fn planes(set: &ImageSet, index: usize, mut put: impl FnMut(usize, u8)) {
    let plane = set.height * set.width;
    let image = set.image(index).unwrap_or_default();
    for (at, pixel) in image.chunks_exact(set.channels).enumerate() {
        for (channel, &value) in pixel.iter().enumerate() {
            put(channel * plane + at, value);
        }
    }
}
