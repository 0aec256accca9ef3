//! The preprocessing of a model file, for a training that starts from its network.

use striate::model_file::{Normalization, Whitening};

use super::transform::Transform;
use super::{CacheUse, Fitted, Gcn, ZcaTransform};
use crate::data::DataError;

impl Fitted {
    /// What a model file does to images of `size`, (channels, height, width), for a training that starts from its network.
    ///
    /// ```
    /// use lab::data::{Fitted, Preprocess, Source, load};
    ///
    /// let data = load("mnist", &Source::Embedded)?.first(100, 10);
    /// let fitted = Preprocess::Standardize.fit(&data.train)?;
    /// let again = Fitted::of_model((1, 28, 28), &fitted.normalization()?, None)?;
    /// assert_eq!(again.channel_stats(), fitted.channel_stats());
    /// # Ok::<(), lab::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// Another number of means or factors than channels, a missing whitening, one of another size, or unusable constants.
    pub fn of_model(
        size: (usize, usize, usize),
        normalization: &Normalization,
        whitening: Option<&Whitening>,
    ) -> Result<Self, DataError> {
        let transform = match normalization {
            Normalization::Affine { mean, factor } => {
                if (mean.len(), factor.len()) != (size.0, size.0) {
                    return Err(wrong(
                        "normalization",
                        format!("{} means and {} factors", mean.len(), factor.len()),
                        format!("one of each for each of {} channels", size.0),
                    ));
                }
                Transform::Affine {
                    mean: mean.clone(),
                    factor: factor.clone(),
                }
            }
            &Normalization::GcnZca {
                scale,
                sqrt_bias,
                min_divisor,
                ..
            } => {
                let gcn = Gcn {
                    scale,
                    sqrt_bias,
                    min_divisor,
                };
                gcn.check()?;
                Transform::GcnZca {
                    gcn,
                    zca: zca(size, whitening)?,
                }
            }
        };
        Ok(Self {
            size,
            transform,
            seconds: 0.0,
            cache: CacheUse::None,
        })
    }
}

/// The whitening of a model file for images of `size`.
fn zca(
    (c, h, w): (usize, usize, usize),
    whitening: Option<&Whitening>,
) -> Result<ZcaTransform, DataError> {
    let wanted = format!("that of the model file, for images of {c}x{h}x{w} values");
    let Some(Whitening { mean, matrix }) = whitening else {
        return Err(wrong("whitening", "none".to_owned(), wanted));
    };
    let len = c.checked_mul(h).and_then(|len| len.checked_mul(w));
    let values = matrix
        .to_dtype(candle_core::DType::F64)
        .and_then(|matrix| matrix.flatten_all()?.to_vec1::<f64>());
    match values {
        Ok(values) if len == Some(mean.len()) && matrix.dims() == [mean.len(), mean.len()] => {
            Ok(ZcaTransform {
                mean: mean.clone(),
                matrix: values,
            })
        }
        _ => Err(wrong(
            "whitening",
            format!("{} means and a matrix of {:?}", mean.len(), matrix.dims()),
            wanted,
        )),
    }
}

fn wrong(argument: &'static str, found: String, expected: String) -> DataError {
    DataError::Argument {
        op: "Fitted::of_model",
        argument,
        found,
        expected,
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;
    use crate::data::{Preprocess, Source, load};

    /// 100 digits, cut to few pixels so that a whitening is quickly learned.
    fn digits() -> crate::data::ImageSet {
        let mut set = load("mnist", &Source::Embedded)
            .unwrap()
            .first(100, 1)
            .train;
        let rows = set.pixels.chunks_exact(28 * 28);
        set.pixels = rows.flat_map(|image| image[300..336].to_vec()).collect();
        (set.height, set.width) = (6, 6);
        set
    }

    #[test]
    fn a_whitening_of_a_model_file_whitens_as_the_one_that_was_fitted() {
        let set = digits();
        let fitted = Preprocess::gcn_zca().fit(&set).unwrap();
        let zca = fitted.zca().unwrap();
        let whitening = Whitening {
            mean: zca.mean.clone(),
            matrix: Tensor::from_slice(&zca.matrix, (36, 36), &Device::Cpu).unwrap(),
        };
        let normalization = fitted.normalization().unwrap();
        let again = Fitted::of_model((1, 6, 6), &normalization, Some(&whitening)).unwrap();
        let values = |fitted: &Fitted| fitted.apply(&set).unwrap().images.to_vec();
        assert_eq!(values(&again), values(&fitted));

        let text = |size, whitening| {
            let error = Fitted::of_model(size, &normalization, whitening).err();
            error.expect("refused").to_string()
        };
        assert!(text((1, 6, 6), None).contains("none"));
        assert!(text((1, 5, 6), Some(&whitening)).contains("36 means"));
        assert!(text((usize::MAX, 6, 6), Some(&whitening)).contains("36 means"));
    }

    #[test]
    fn a_mean_for_each_channel_is_wanted() {
        let normalization = Normalization::Affine {
            mean: vec![0.0; 3],
            factor: vec![1.0; 2],
        };
        let error = Fitted::of_model((3, 4, 4), &normalization, None).err();
        let text = error.expect("refused").to_string();
        assert!(text.contains("3 means and 2 factors"), "{text}");
    }
}
