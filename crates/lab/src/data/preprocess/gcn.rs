//! Global contrast normalization: every image gets mean zero and the same length.

use serde::{Deserialize, Serialize};

use striate::model_file::normalize_contrast;

use crate::data::DataError;

/// `x <- (x - mean(x)) / d`, `d = sqrt(sqrt_bias + sum((x - mean(x))^2)) / scale`, for each image
/// over all its pixels and channels; `d` is 1 where it would be below `min_divisor`.
///
/// Source: All-CNN, Sec. 3.1, with the constants of the Maxout code, which are the defaults.
///
/// ```
/// use lab::data::Gcn;
///
/// let mut image = [1.0, 2.0, 3.0, 6.0];
/// Gcn { scale: 1.0, ..Gcn::default() }.apply_f64(&mut image, 4)?;
/// assert!((image.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 1e-12);
/// # Ok::<(), lab::data::DataError>(())
/// ```
#[doc(alias = "global contrast normalisation")]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gcn {
    /// The length of every image afterwards. 55 in the Maxout code.
    pub scale: f64,
    /// Added to the sum of squares. 0 in the Maxout code.
    pub sqrt_bias: f64,
    /// A divisor below this becomes 1, so that an even image turns into zeros. 1e-8 in the Maxout code.
    pub min_divisor: f64,
}

impl Default for Gcn {
    fn default() -> Self {
        Self {
            scale: 55.0,
            sqrt_bias: 0.0,
            min_divisor: 1e-8,
        }
    }
}

impl Gcn {
    /// Normalizes each of the images of `image_len` values in `images`.
    ///
    /// # Errors
    /// When `images` is not a whole number of images, or a constant is not usable.
    pub fn apply_f64(&self, images: &mut [f64], image_len: usize) -> Result<(), DataError> {
        self.check()?;
        super::zca::check_len("Gcn", images.len(), image_len)?;
        self.normalize(images, image_len);
        Ok(())
    }

    /// The constants must be finite, the scale positive, the rest not negative.
    pub(super) fn check(&self) -> Result<(), DataError> {
        for (argument, value, usable) in [
            ("scale", self.scale, self.scale > 0.0),
            ("sqrt_bias", self.sqrt_bias, self.sqrt_bias >= 0.0),
            ("min_divisor", self.min_divisor, self.min_divisor >= 0.0),
        ] {
            if !(usable && value.is_finite()) {
                return Err(DataError::Argument {
                    op: "Gcn",
                    argument,
                    found: value.to_string(),
                    expected: match argument {
                        "scale" => "a positive number".to_owned(),
                        _ => "a number from 0".to_owned(),
                    },
                });
            }
        }
        Ok(())
    }

    pub(super) fn normalize(&self, images: &mut [f64], image_len: usize) {
        for image in images.chunks_exact_mut(image_len) {
            normalize_contrast(image, self.scale, self.sqrt_bias, self.min_divisor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_get_mean_zero_and_length_scale() {
        let mut images = [1.0, 5.0, 9.0, 20.0, 30.0, 10.0];
        Gcn::default().apply_f64(&mut images, 3).unwrap();
        for image in images.chunks(3) {
            assert!(image.iter().sum::<f64>().abs() < 1e-12);
            assert!((image.iter().map(|x| x * x).sum::<f64>().sqrt() - 55.0).abs() < 1e-12);
        }
    }

    #[test]
    fn an_even_image_becomes_zero() {
        let mut image = [7.0; 4];
        Gcn::default().apply_f64(&mut image, 4).unwrap();
        assert_eq!(image, [0.0; 4]);
    }

    #[test]
    fn errors() {
        let text = |gcn: Gcn, len| gcn.apply_f64(&mut [0.0; 6], len).unwrap_err().to_string();
        let gcn = Gcn::default();
        assert_eq!(
            text(gcn, 4),
            "Gcn: images is 6 values, expected a multiple of the image length 4"
        );
        assert_eq!(text(gcn, 0), "Gcn: image_len is 0, expected at least 1");
        let bad = Gcn { scale: 0.0, ..gcn };
        assert_eq!(text(bad, 3), "Gcn: scale is 0, expected a positive number");
        let bad = Gcn {
            sqrt_bias: f64::NAN,
            ..gcn
        };
        assert_eq!(
            text(bad, 3),
            "Gcn: sqrt_bias is NaN, expected a number from 0"
        );
    }
}
