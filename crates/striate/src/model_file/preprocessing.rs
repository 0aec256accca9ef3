//! What is done to pixels before a network sees them.

use candle_core::{DType, Device, Result, Tensor, bail};
use serde::{Deserialize, Serialize};

use crate::upsample_nearest2d;

/// What is done to pixels before a network sees them: numbers first, then their place.
///
/// ```
/// use striate::candle_core::{Device, Result, Tensor};
/// use striate::model_file::{Canvas, Normalization, Preprocessing};
/// fn main() -> Result<()> {
///     let unit_range = Normalization::Affine { mean: vec![0.0], factor: vec![1.0 / 255.0] };
///     let preprocessing = Preprocessing { normalization: unit_range, canvas: Some(Canvas { side: 4, scale: 1 }) };
///     let pixels = Tensor::full(255u8, (1, 1, 2, 2), &Device::Cpu)?;
///     let xs = preprocessing.apply(&pixels, None)?;
///     assert_eq!(xs.dims(), [1, 1, 4, 4]);
///     assert_eq!(xs.sum_all()?.to_scalar::<f32>()?, 4.0);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// Pixels to numbers.
    pub normalization: Normalization,
    /// Where the image is put.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canvas: Option<Canvas>,
}

/// Pixels from 0 to 255 to numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Normalization {
    /// `(x - mean) * factor` with a mean and a factor for each channel.
    Affine {
        /// Means of the channels, 0 to 255.
        mean: Vec<f64>,
        /// Factors of the channels.
        factor: Vec<f64>,
    },
    /// Global contrast normalization and whitening; [`Whitening`] holds the rest.
    ///
    /// `x <- (x - mean(x)) / d`, `d = sqrt(sqrt_bias + sum((x - mean(x))^2)) / scale`, `d = 1` if it is below `min_divisor`;
    /// then `x <- (x - mu) P`.
    /// Source: All-CNN, Sec. 3.1, after Goodfellow et al., "Maxout Networks", 2013.
    GcnZca {
        /// The length of every image after the first step.
        scale: f64,
        /// Added to the sum of squares.
        sqrt_bias: f64,
        /// A divisor below this becomes 1.
        min_divisor: f64,
        /// The file beside the model file that holds the whitening, which several networks share; none: it is in the model file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        whitening: Option<String>,
    },
}

/// Enlarges an image by whole pixels and puts it in the middle of a square of zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canvas {
    /// Side of the square.
    pub side: usize,
    /// Factor of the enlargement.
    pub scale: usize,
}

/// The largest side of a canvas.
const LARGEST_SIDE: usize = 1 << 15;

/// The mean image `mu` and the matrix `P` of a whitening.
#[derive(Clone, Debug)]
pub struct Whitening {
    /// The mean image, one value for each of C x H x W.
    pub mean: Vec<f64>,
    /// The symmetric matrix, f32 (C x H x W, C x H x W).
    pub matrix: Tensor,
}

impl Preprocessing {
    /// The images as the network wants them, f32, from `pixels` (N, C, H, W) from 0 to 255 of any number type.
    ///
    /// # Errors
    /// Another number of channels or pixels than the preprocessing was made for, a pixel that is not from 0 to 255,
    /// pixels of a float type that all lie from 0 to 1 (they are those of another convention), a missing `whitening`,
    /// or images that do not fit on the canvas.
    pub fn apply(&self, pixels: &Tensor, whitening: Option<&Whitening>) -> Result<Tensor> {
        let &[n, c, h, w] = pixels.dims() else {
            bail!(
                "preprocessing: the pixels have shape {:?}; they must be (N, C, H, W), of one picture (1, C, H, W)",
                pixels.dims()
            );
        };
        let dims = (n, c, h, w);
        let pixels = pixels.to_dtype(DType::F32)?.to_device(&Device::Cpu)?;
        let values = pixels.flatten_all()?.to_vec1::<f32>()?;
        check_range(&values)?;
        let xs = match (&self.normalization, whitening) {
            (Normalization::Affine { mean, factor }, _) => affine(values, dims, mean, factor)?,
            (
                &Normalization::GcnZca {
                    scale,
                    sqrt_bias,
                    min_divisor,
                    ..
                },
                Some(whitening),
            ) => whitened(&values, dims, (scale, sqrt_bias, min_divisor), whitening)?,
            (Normalization::GcnZca { .. }, None) => {
                bail!("preprocessing: the whitening is missing; give the one of the model file")
            }
        };
        match self.canvas {
            Some(canvas) => canvas.place(&xs),
            None => Ok(xs),
        }
    }

    /// What [`Preprocessing::apply`] made, as values from 0 to 1 that can be drawn, f32 (N, C, H, W); others are cut off there.
    ///
    /// An image on a canvas stays there.
    ///
    /// # Errors
    /// Another number of channels, and [`Normalization::GcnZca`], which forgets the contrast of an image.
    pub fn undo(&self, xs: &Tensor) -> Result<Tensor> {
        let Normalization::Affine { mean, factor } = &self.normalization else {
            bail!(
                "preprocessing: contrast normalization forgets the contrast, so what it made cannot be drawn as it was"
            );
        };
        if factor.contains(&0.0) {
            bail!("preprocessing: a factor is 0, so what it made is the same for every image");
        }
        let dims = xs.dims4()?;
        let values = xs.detach().to_dtype(DType::F32)?.to_device(&Device::Cpu)?;
        let back: Vec<f64> = factor.iter().map(|factor| 1.0 / (255.0 * factor)).collect();
        let zero: Vec<f64> = mean.iter().zip(factor).map(|(m, f)| -m * f).collect();
        affine(values.flatten_all()?.to_vec1()?, dims, &zero, &back)?.clamp(0.0, 1.0)
    }
}

impl Canvas {
    /// The images (N, C, H, W) in squares, (N, C, side, side).
    ///
    /// # Errors
    /// Enlarged images that are larger than the square, and a square of more than 32,768 cells a side.
    pub fn place(self, xs: &Tensor) -> Result<Tensor> {
        let (_, _, h, w) = xs.dims4()?;
        // The side may come from a file.
        if self.side > LARGEST_SIDE {
            bail!(
                "a square of {} cells a side is too large; use at most {LARGEST_SIDE}",
                self.side
            );
        }
        let fit = |len: usize| {
            len.checked_mul(self.scale)
                .filter(|&big| big <= self.side)
                .map(|big| (big, (self.side - big) / 2))
        };
        let (Some((big_h, top)), Some((big_w, left))) = (fit(h), fit(w)) else {
            bail!(
                "an image of {h}x{w}, enlarged {} times, does not fit into {}x{}; use smaller images",
                self.scale,
                self.side,
                self.side
            );
        };
        let xs = upsample_nearest2d(xs, (self.scale, self.scale))?;
        let xs = xs.pad_with_zeros(2, top, self.side - big_h - top)?;
        xs.pad_with_zeros(3, left, self.side - big_w - left)
    }
}

/// Pixels of another convention would give an answer, and a wrong one.
fn check_range(pixels: &[f32]) -> Result<()> {
    if let Some(pixel) = pixels.iter().find(|x| !(0.0..=255.0).contains(*x)) {
        bail!("preprocessing: a pixel is {pixel}; pixels go from 0 to 255");
    }
    let is_small = pixels.iter().all(|&x| x <= 1.0);
    if is_small && pixels.iter().any(|x| x.fract() != 0.0) {
        bail!("preprocessing: the pixels lie from 0 to 1; multiply them by 255");
    }
    Ok(())
}

type Dims = (usize, usize, usize, usize);

fn affine(mut values: Vec<f32>, dims: Dims, mean: &[f64], factor: &[f64]) -> Result<Tensor> {
    let (_, c, h, w) = dims;
    if (mean.len(), factor.len()) != (c, c) {
        bail!(
            "preprocessing: channels of the images: {c}, of those that the network was trained on: {}",
            mean.len()
        );
    }
    if h * w > 0 {
        for (plane, values) in values.chunks_exact_mut(h * w).enumerate() {
            let (mean, factor) = (mean[plane % c], factor[plane % c]);
            for x in values {
                *x = ((f64::from(*x) - mean) * factor) as f32;
            }
        }
    }
    Tensor::from_vec(values, dims, &Device::Cpu)
}

/// Gives the values of an image mean zero and the length `scale`.
///
/// ```text
/// x <- (x - mean(x)) / d,   d = sqrt(sqrt_bias + sum((x - mean(x))^2)) / scale, or 1 where it would be 0 or below min_divisor
/// ```
///
/// # Source
/// All-CNN (arXiv 1412.6806), Sec. 3.1, with the constants of the Maxout code.
pub fn normalize_contrast(image: &mut [f64], scale: f64, sqrt_bias: f64, min_divisor: f64) {
    let mean = image.iter().sum::<f64>() / image.len() as f64;
    let mut squares = sqrt_bias;
    for x in image.iter_mut() {
        *x -= mean;
        squares += *x * *x;
    }
    let mut divisor = squares.sqrt() / scale;
    if divisor < min_divisor || divisor == 0.0 {
        divisor = 1.0;
    }
    for x in image {
        *x /= divisor;
    }
}

fn whitened(
    values: &[f32],
    dims: Dims,
    (scale, sqrt_bias, min_divisor): (f64, f64, f64),
    whitening: &Whitening,
) -> Result<Tensor> {
    let (n, c, h, w) = dims;
    let len = whitening.mean.len();
    if c * h * w != len || whitening.matrix.dims() != [len, len] {
        bail!(
            "preprocessing: images of {c} channels and {h}x{w} pixels have {} values, the whitening has {len}; \
             give images of the network's size and channels",
            c * h * w
        );
    }
    let mut rows = Vec::with_capacity(values.len());
    for image in values.chunks_exact(len.max(1)) {
        let mut image: Vec<f64> = image.iter().map(|&x| f64::from(x)).collect();
        normalize_contrast(&mut image, scale, sqrt_bias, min_divisor);
        let centered = image.iter().zip(&whitening.mean);
        rows.extend(centered.map(|(x, mu)| (x - mu) as f32));
    }
    let rows = Tensor::from_vec(rows, (n, len), &Device::Cpu)?;
    rows.matmul(&whitening.matrix)?.reshape(dims)
}
