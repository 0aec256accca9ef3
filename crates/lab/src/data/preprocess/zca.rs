//! ZCA whitening: decorrelates pixels and gives them unit variance, staying close to the image.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::root::{add_gram, inverse_root};
use crate::data::DataError;

/// Images are taken into the covariance in blocks of this many.
const BLOCK: usize = 1024;
/// Images that one task whitens.
pub(super) const APPLY_BLOCK: usize = 256;

/// `x <- (x - mu) P`, `P = V diag(1 / sqrt(e + regularization)) V^T`, where `mu` is the mean
/// image and `V diag(e) V^T = X^T X / n` the covariance of the `n` training images.
///
/// Everything is computed in `f64`: eigenvectors in `f32` differ between machines.
/// The result has the same bits for any number of threads.
/// Source: All-CNN, Sec. 3.1, after the Maxout code, whose regularization of 0.1 is the default.
///
/// ```
/// use lab::data::Zca;
///
/// let images = [1.0, 1.0, -1.0, -1.0, 0.5, -0.5, -0.5, 0.5];
/// let whitening = Zca { regularization: 1e-9 }.fit_f64(&images, 2)?;
/// let white = whitening.apply_f64(&images)?;
/// let product: f64 = white.chunks(2).map(|x| x[0] * x[1]).sum();
/// assert!(product.abs() < 1e-6);
/// # Ok::<(), lab::data::DataError>(())
/// ```
#[doc(alias = "whitening")]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Zca {
    /// Added to every eigenvalue. 0.1 in the Maxout code.
    #[doc(alias = "regularisation")]
    #[doc(alias = "filter_bias")]
    pub regularization: f64,
}

impl Default for Zca {
    fn default() -> Self {
        Self {
            regularization: 0.1,
        }
    }
}

/// A fitted whitening.
#[derive(Clone, Debug, PartialEq)]
pub struct ZcaTransform {
    /// The mean image `mu`.
    pub mean: Vec<f64>,
    /// The symmetric matrix `P`, row by row.
    pub matrix: Vec<f64>,
}

impl Zca {
    /// Learns the whitening of `images`, each of `image_len` values.
    ///
    /// # Errors
    /// When `images` is not a whole number of images, a value is not finite, or the covariance
    /// has an eigenvalue that the regularization does not make positive.
    pub fn fit_f64(&self, images: &[f64], image_len: usize) -> Result<ZcaTransform, DataError> {
        check_len("Zca", images.len(), image_len)?;
        self.fit_rows(images.len() / image_len, image_len, |first, rows| {
            rows.copy_from_slice(&images[first * image_len..][..rows.len()]);
        })
    }

    /// Like [`fit_f64`](Self::fit_f64) for images that `fill(first, rows)` writes block by block.
    pub(super) fn fit_rows(
        &self,
        images: usize,
        image_len: usize,
        fill: impl Fn(usize, &mut [f64]) + Sync,
    ) -> Result<ZcaTransform, DataError> {
        if !(self.regularization >= 0.0 && self.regularization.is_finite()) {
            return Err(DataError::Argument {
                op: "Zca",
                argument: "regularization",
                found: self.regularization.to_string(),
                expected: "a number from 0".to_owned(),
            });
        }
        check_len("Zca", images.saturating_mul(image_len), image_len)?;
        let mut covariance = square(image_len)?;
        let mean = mean_of(images, image_len, &fill);
        for first in (0..images).step_by(BLOCK) {
            let mut rows = vec![0.0; BLOCK.min(images - first) * image_len];
            fill_in_parallel(first, &mut rows, image_len, &fill);
            rows.par_chunks_mut(image_len).for_each(|row| {
                row.iter_mut().zip(&mean).for_each(|(x, mean)| *x -= mean);
            });
            add_gram(&mut covariance, &rows, image_len);
        }
        covariance
            .iter_mut()
            .for_each(|value| *value /= images as f64);
        let matrix = inverse_root(covariance, image_len, self.regularization)?;
        Ok(ZcaTransform { mean, matrix })
    }
}

impl ZcaTransform {
    /// Values of one image.
    pub fn image_len(&self) -> usize {
        self.mean.len()
    }

    /// Whitens `images`.
    ///
    /// # Errors
    /// When `images` is not a whole number of images of the fitted length.
    pub fn apply_f64(&self, images: &[f64]) -> Result<Vec<f64>, DataError> {
        check_len("ZcaTransform", images.len(), self.image_len())?;
        let len = self.image_len();
        let matrix = MatRef::from_column_major_slice(&self.matrix, len, len);
        let mut white = vec![0.0; images.len()];
        white
            .par_chunks_mut(APPLY_BLOCK * len)
            .zip(images.par_chunks(APPLY_BLOCK * len))
            .for_each(|(out, images)| {
                let mut centered = images.to_vec();
                for row in centered.chunks_exact_mut(len) {
                    row.iter_mut()
                        .zip(&self.mean)
                        .for_each(|(x, mean)| *x -= mean);
                }
                product(out, matrix, &centered, len);
            });
        Ok(white)
    }

    /// Whitens `images` in place, multiplying in `f32`. `prepare(row, image)` writes what is to be
    /// whitened from a row of `images` into an image in `f64`.
    pub(super) fn apply_f32(
        &self,
        images: &mut [f32],
        prepare: impl Fn(&[f32], &mut [f64]) + Sync,
    ) {
        let len = self.image_len();
        let matrix: Vec<f32> = self.matrix.iter().map(|&value| value as f32).collect();
        let matrix = MatRef::from_column_major_slice(&matrix, len, len);
        images.par_chunks_mut(APPLY_BLOCK * len).for_each(|block| {
            let mut centered = vec![0f32; block.len()];
            let mut image = vec![0f64; len];
            for (row, out) in block.chunks_exact(len).zip(centered.chunks_exact_mut(len)) {
                prepare(row, &mut image);
                for ((out, x), mean) in out.iter_mut().zip(&image).zip(&self.mean) {
                    *out = (x - mean) as f32;
                }
            }
            product(block, matrix, &centered, len);
        });
    }
}

/// `out = rows P`, each a row of `len` values; `P` is symmetric.
fn product<T: faer::traits::ComplexField>(out: &mut [T], p: MatRef<'_, T>, rows: &[T], len: usize) {
    // Rows of images in row-major order are columns in faer's order: out^T = P rows^T.
    let n = rows.len() / len;
    let rows = MatRef::from_column_major_slice(rows, len, n);
    let out = MatMut::from_column_major_slice_mut(out, len, n);
    matmul(out, Accum::Replace, p, rows, T::one_impl(), Par::Seq);
}

/// The mean row. Blocks are summed in order, so the number of threads does not matter.
fn mean_of(
    images: usize,
    image_len: usize,
    fill: &(impl Fn(usize, &mut [f64]) + Sync),
) -> Vec<f64> {
    let mut mean = vec![0.0; image_len];
    for first in (0..images).step_by(BLOCK) {
        let mut rows = vec![0.0; BLOCK.min(images - first) * image_len];
        fill_in_parallel(first, &mut rows, image_len, fill);
        for row in rows.chunks_exact(image_len) {
            mean.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        }
    }
    mean.iter_mut().for_each(|sum| *sum /= images as f64);
    mean
}

fn fill_in_parallel(
    first: usize,
    rows: &mut [f64],
    image_len: usize,
    fill: &(impl Fn(usize, &mut [f64]) + Sync),
) {
    const ROWS: usize = 64;
    rows.par_chunks_mut(ROWS * image_len)
        .enumerate()
        .for_each(|(part, rows)| fill(first + part * ROWS, rows));
}

/// A zero matrix, or an error where memory does not suffice.
fn square(len: usize) -> Result<Vec<f64>, DataError> {
    const MAX: usize = 20_000;
    if len > MAX {
        return Err(DataError::Argument {
            op: "Zca",
            argument: "image_len",
            found: len.to_string(),
            expected: format!("at most {MAX}, the covariance has its square"),
        });
    }
    Ok(vec![0.0; len * len])
}

/// `len` values must be one or more whole images.
pub(super) fn check_len(op: &'static str, len: usize, image_len: usize) -> Result<(), DataError> {
    let wrong = |argument, found: String, expected: String| {
        Err(DataError::Argument {
            op,
            argument,
            found,
            expected,
        })
    };
    if image_len == 0 {
        return wrong("image_len", "0".to_owned(), "at least 1".to_owned());
    }
    if len == 0 || !len.is_multiple_of(image_len) {
        return wrong(
            "images",
            format!("{len} values"),
            format!("a multiple of the image length {image_len}"),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Images with correlated pixels.
    fn images(n: usize, len: usize) -> Vec<f64> {
        let mut draws = striate::rng::stream(1, "zca", 0);
        let mut images = vec![0.0; n * len];
        for image in images.chunks_exact_mut(len) {
            let mut last = 0.0;
            for x in image {
                last = 0.9 * last + draws.normal();
                *x = last + 3.0;
            }
        }
        images
    }

    fn covariance(images: &[f64], len: usize) -> Vec<f64> {
        let n = images.len() / len;
        let mut sums = vec![0.0; len * len];
        for image in images.chunks_exact(len) {
            for i in 0..len {
                for j in 0..len {
                    sums[i * len + j] += image[i] * image[j] / n as f64;
                }
            }
        }
        sums
    }

    #[test]
    fn whitened_images_are_uncorrelated() {
        // More than a block and a tile, neither a multiple.
        let len = 150;
        let images = images(BLOCK + 77, len);
        let fitted = Zca {
            regularization: 0.0,
        }
        .fit_f64(&images, len)
        .unwrap();
        let white = fitted.apply_f64(&images).unwrap();
        for (at, value) in covariance(&white, len).into_iter().enumerate() {
            let expected = if at / len == at % len { 1.0 } else { 0.0 };
            assert!((value - expected).abs() < 1e-9, "{at}: {value}");
        }
        for (at, &value) in fitted.matrix.iter().enumerate() {
            assert_eq!(value, fitted.matrix[at % len * len + at / len]);
        }
    }

    #[test]
    fn single_precision_is_close() {
        let len = 40;
        let images = images(300, len);
        let fitted = Zca::default().fit_f64(&images, len).unwrap();
        let exact = fitted.apply_f64(&images).unwrap();
        let mut single: Vec<f32> = images.iter().map(|&x| x as f32).collect();
        fitted.apply_f32(&mut single, |row, image| {
            image
                .iter_mut()
                .zip(row)
                .for_each(|(x, &value)| *x = value.into());
        });
        for (a, b) in single.iter().zip(&exact) {
            assert!((f64::from(*a) - b).abs() < 1e-4, "{a} {b}");
        }
    }

    #[test]
    fn threads_do_not_change_bits() {
        let len = 300;
        let images = images(700, len);
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                let fitted = Zca::default().fit_f64(&images, len).unwrap();
                let white = fitted.apply_f64(&images).unwrap();
                (fitted, white)
            })
        };
        let one = with(1);
        assert!(one == with(2) && one == with(3));
    }

    #[test]
    fn errors() {
        let zca = Zca::default();
        let text =
            |zca: Zca, images: &[f64], len| zca.fit_f64(images, len).unwrap_err().to_string();
        assert_eq!(
            text(zca, &[], 3),
            "Zca: images is 0 values, expected a multiple of the image length 3"
        );
        let negative = Zca {
            regularization: -1.0,
        };
        assert_eq!(
            text(negative, &[1.0], 1),
            "Zca: regularization is -1, expected a number from 0"
        );
        let none = Zca {
            regularization: 0.0,
        };
        assert_eq!(
            text(none, &[1.0, 1.0], 1),
            "Zca: the covariance has the eigenvalue 0e0; raise the regularization, 0.1 is usual"
        );
        assert_eq!(
            text(zca, &[f64::NAN, 1.0], 1),
            "Zca: the covariance is not finite; check the images for NaN"
        );
        let fitted = zca.fit_f64(&[1.0, 2.0], 1).unwrap();
        assert!(fitted.apply_f64(&[]).is_err());
    }
}
