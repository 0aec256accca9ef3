//! What a fitted preprocessing does with the bytes of an image.

use rayon::prelude::*;

use super::{Gcn, Lcn, ZcaTransform};
use crate::data::{DataError, ImageSet};

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

    /// Exact sums of bytes, so that the result does not depend on their order; of pictures on disk those of a sample.
    pub(super) fn standardize(train: &ImageSet) -> Result<Self, DataError> {
        if let Some(streamed) = &train.streamed {
            let (sums, pixels) = streamed.sums()?;
            return Ok(Self::of_sums(&sums, pixels as f64));
        }
        let mut sums = vec![(0u64, 0u64); train.channels];
        for pixel in train.pixels.chunks_exact(train.channels) {
            for ((sum, squares), &x) in sums.iter_mut().zip(pixel) {
                *sum += u64::from(x);
                *squares += u64::from(x) * u64::from(x);
            }
        }
        let n = (train.pixels.len() / train.channels) as f64;
        Ok(Self::of_sums(&sums, n))
    }

    /// From the sums of values and of squares of each channel over `n` pixels.
    fn of_sums(sums: &[(u64, u64)], n: f64) -> Self {
        let (mean, factor) = sums
            .iter()
            .map(|&(sum, squares)| {
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

    /// Transforms whole raw images of `(channels, height, width)` values in place.
    pub(super) fn apply(
        &self,
        images: &mut [f32],
        (channels, height, width): (usize, usize, usize),
    ) {
        match self {
            Self::Affine { mean, factor } => {
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
            Self::GcnZca { gcn, zca } => zca.apply_f32(images, |row, image| {
                image
                    .iter_mut()
                    .zip(row)
                    .for_each(|(x, &value)| *x = value.into());
                gcn.normalize(image, image.len());
            }),
            Self::GcnLcn { gcn, lcn } => {
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
    }
}
