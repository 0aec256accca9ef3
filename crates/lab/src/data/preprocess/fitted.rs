//! Fitted preprocessing, applied to whole sets or to the batches of a set.

use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Gcn, Lcn, ZcaTransform};
use crate::data::{DataError, FloatSet, ImageSet, Pending};

/// Whether training images are augmented before or after preprocessing.
///
/// The code that the All-CNN paper follows augments whitened images; augmenting raw images first is
/// the other reading. It costs the whitening of every batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AugmentOrder {
    /// Preprocess the set once, then augment batches of numbers; what is shifted in is 0.
    #[default]
    AfterPreprocess,
    /// Augment batches of raw images, with black shifted in, then preprocess them.
    BeforePreprocess,
}

/// What became of the cache file of a fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CacheUse {
    /// No cache was asked for, or there is nothing to keep.
    None,
    /// The fit was taken from the cache.
    Read,
    /// The fit was computed and kept.
    Written,
    /// The fit was computed but could not be kept, for this reason.
    Failed(String),
}

/// Preprocessing that has learned from a training split.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// Channels, height, width.
    size: (usize, usize, usize),
    pub(super) transform: Transform,
    /// How long the fit took.
    pub seconds: f64,
    /// Whether the fit came from a cache.
    pub cache: CacheUse,
}

/// What to do with the bytes of an image.
#[derive(Clone, Debug)]
pub(super) enum Transform {
    /// `(x - mean) * factor` for each channel, `x` in 0..255.
    Affine {
        mean: Vec<f64>,
        factor: Vec<f64>,
    },
    GcnZca {
        gcn: Gcn,
        zca: ZcaTransform,
    },
    GcnLcn {
        gcn: Gcn,
        lcn: Lcn,
    },
}

impl Transform {
    pub(super) fn unit_range(channels: usize) -> Self {
        Self::Affine {
            mean: vec![0.0; channels],
            factor: vec![1.0 / 255.0; channels],
        }
    }

    /// Exact sums of bytes, so that the result does not depend on their order.
    pub(super) fn standardize(train: &ImageSet) -> Self {
        let mut sums = vec![(0u64, 0u64); train.channels];
        for pixel in train.pixels.chunks_exact(train.channels) {
            for ((sum, squares), &x) in sums.iter_mut().zip(pixel) {
                *sum += u64::from(x);
                *squares += u64::from(x) * u64::from(x);
            }
        }
        let n = (train.pixels.len() / train.channels) as f64;
        let (mean, factor) = sums
            .into_iter()
            .map(|(sum, squares)| {
                let mean = sum as f64 / n;
                let variance = (squares as f64 / n - mean * mean).max(0.0);
                // A channel without variation is only centered.
                (
                    mean,
                    if variance > 0.0 {
                        variance.sqrt().recip()
                    } else {
                        1.0 / 255.0
                    },
                )
            })
            .unzip();
        Self::Affine { mean, factor }
    }
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

    /// The whitening, if there is one.
    pub fn zca(&self) -> Option<&ZcaTransform> {
        match &self.transform {
            Transform::GcnZca { zca, .. } => Some(zca),
            Transform::Affine { .. } | Transform::GcnLcn { .. } => None,
        }
    }

    /// Turns a set into numbers.
    ///
    /// # Errors
    /// When the images have another size than those of the fit.
    pub fn apply(&self, set: &ImageSet) -> Result<FloatSet, DataError> {
        let mut set = self.raw(set)?;
        // The only owner so far, so nothing is copied.
        let images: &mut Vec<f32> = Arc::make_mut(&mut set.images);
        self.apply_batch(images)?;
        Ok(set)
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

    /// [`apply`](Self::apply) or [`defer`](Self::defer), as `order` says.
    ///
    /// # Errors
    /// When the images have another size than those of the fit.
    pub fn training_set(&self, set: &ImageSet, order: AugmentOrder) -> Result<FloatSet, DataError> {
        match order {
            AugmentOrder::AfterPreprocess => self.apply(set),
            AugmentOrder::BeforePreprocess => self.defer(set),
        }
    }

    /// Preprocesses raw images (N, C, H, W, values 0 to 255) in place.
    ///
    /// # Errors
    /// When `images` is not a whole number of images.
    pub fn apply_batch(&self, images: &mut [f32]) -> Result<(), DataError> {
        let (channels, height, width) = self.size;
        super::zca::check_len("Fitted", images.len(), channels * height * width)?;
        match &self.transform {
            Transform::Affine { mean, factor } => {
                images
                    .par_chunks_mut(height * width)
                    .enumerate()
                    .for_each(|(plane, values)| {
                        let (mean, factor) = (mean[plane % channels], factor[plane % channels]);
                        for x in values {
                            *x = ((f64::from(*x) - mean) * factor) as f32;
                        }
                    });
            }
            Transform::GcnZca { gcn, zca } => zca.apply_f32(images, |row, image| {
                image
                    .iter_mut()
                    .zip(row)
                    .for_each(|(x, &value)| *x = value.into());
                gcn.normalize(image, image.len());
            }),
            Transform::GcnLcn { gcn, lcn } => {
                images
                    .par_chunks_mut(channels * height * width)
                    .for_each(|values| {
                        let mut image: Vec<f64> = values.iter().map(|&x| x.into()).collect();
                        let len = image.len();
                        gcn.normalize(&mut image, len);
                        lcn.normalize(&mut image, (height, width));
                        for (value, x) in values.iter_mut().zip(image) {
                            *value = x as f32;
                        }
                    });
            }
        }
        Ok(())
    }

    fn raw(&self, set: &ImageSet) -> Result<FloatSet, DataError> {
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
        let mut images = vec![0f32; set.pixels.len()];
        images
            .par_chunks_mut(set.image_len())
            .enumerate()
            .for_each(|(index, image)| {
                planes(set, index, |at, value| image[at] = value.into());
            });
        FloatSet::new(size, images, set.labels.clone(), set.classes())
    }
}

impl Pending for Fitted {
    fn apply_batch(&self, images: &mut [f32]) -> Result<(), DataError> {
        self.apply_batch(images)
    }
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
