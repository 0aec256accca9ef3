//! Bytes to numbers: what is done to images before a network sees them.
//!
//! Everything that is learned from data is learned from the training split alone, and then
//! applied unchanged to the test split.

mod cache;
mod fitted;
mod gcn;
mod lcn;
mod of_model;
mod root;
mod transform;
mod zca;

pub use fitted::{CacheUse, Fitted};
pub use gcn::Gcn;
pub use lcn::Lcn;
pub use zca::{Zca, ZcaTransform};

use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{DataError, ImageSet};
use cache::Kept;
use transform::Transform;

/// How images are turned into numbers.
///
/// ```
/// use lab::data::{Preprocess, Source, load};
///
/// let data = load("mnist", &Source::Embedded)?.first(100, 10);
/// let fitted = Preprocess::Standardize.fit(&data.train)?;
/// let (train, test) = (fitted.apply(&data.train)?, fitted.apply(&data.test)?);
/// assert_eq!((train.len(), test.len()), (100, 10));
/// # Ok::<(), lab::data::DataError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Preprocess {
    /// `x / 255`.
    UnitRange,
    /// `(x / 255 - mean) / std`, mean and standard deviation of each channel over the training
    /// split. A channel without variation is only centered.
    Standardize,
    /// Global contrast normalization, then whitening.
    /// Source: All-CNN, Sec. 3.1, after Goodfellow et al., "Maxout Networks", 2013.
    GcnZca {
        /// The contrast normalization of each image.
        #[serde(default)]
        gcn: Gcn,
        /// The whitening.
        #[serde(default)]
        zca: Zca,
    },
    /// Global, then local contrast normalization.
    /// Source: Network In Network, Sec. 4.4, for SVHN, after the Maxout code.
    GcnLcn {
        /// The contrast normalization of each image.
        gcn: Gcn,
        /// The local one of each channel.
        #[serde(default)]
        lcn: Lcn,
    },
}

impl Preprocess {
    /// Contrast normalization and whitening with the constants of the Maxout code.
    pub fn gcn_zca() -> Self {
        Self::GcnZca {
            gcn: Gcn::default(),
            zca: Zca::default(),
        }
    }

    /// Global contrast normalization to length 1, then local, with the constants of the Maxout code.
    pub fn gcn_lcn() -> Self {
        Self::GcnLcn {
            gcn: Gcn {
                scale: 1.0,
                ..Gcn::default()
            },
            lcn: Lcn::default(),
        }
    }

    /// Learns from the training split what there is to learn; from pictures on disk as many as their
    /// [`Framing`](super::Framing) states.
    ///
    /// # Errors
    /// When the set is inconsistent, or the covariance cannot be inverted.
    /// A whitening cannot be learned from pictures on disk.
    pub fn fit(&self, train: &ImageSet) -> Result<Fitted, DataError> {
        train.check()?;
        if let (Self::GcnZca { .. }, Some(_)) = (self, &train.streamed) {
            return Err(DataError::Argument {
                op: "Preprocess::fit",
                argument: "train",
                found: format!("pictures on disk ({})", train.name),
                expected: "images in memory, as `load` reads them, for a whitening; or another preprocessing"
                    .to_owned(),
            });
        }
        let start = Instant::now();
        let transform = match *self {
            Self::UnitRange => Transform::unit_range(train.channels),
            Self::Standardize => Transform::standardize(train)?,
            Self::GcnLcn { gcn, lcn } => {
                gcn.check()?;
                lcn.check()?;
                Transform::GcnLcn { gcn, lcn }
            }
            Self::GcnZca { gcn, zca } => {
                gcn.check()?;
                let image_len = train.image_len();
                let fill = |first: usize, rows: &mut [f64]| {
                    for (row, image) in rows.chunks_exact_mut(image_len).enumerate() {
                        fitted::planes(train, first + row, |at, value| image[at] = value.into());
                    }
                    gcn.normalize(rows, image_len);
                };
                Transform::GcnZca {
                    gcn,
                    zca: zca.fit_rows(train.len(), image_len, fill)?,
                }
            }
        };
        let seconds = start.elapsed().as_secs_f64();
        Ok(Fitted::new(train, transform, seconds, CacheUse::None))
    }

    /// Like [`fit`](Self::fit), but keeps the whitening in a file in `folder` and takes it from
    /// there the next time. The file's name holds a hash of the pixels and all constants.
    ///
    /// The file holds a digest of its values: a damaged one is never used, but computed anew and replaced.
    /// A cache that cannot be read or written never fails the fit; [`Fitted::cache`] says what became of it.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn fit_cached(&self, train: &ImageSet, folder: &Path) -> Result<Fitted, DataError> {
        let Self::GcnZca { gcn, zca } = *self else {
            return self.fit(train);
        };
        if train.streamed.is_some() {
            return self.fit(train);
        }
        train.check()?;
        let start = Instant::now();
        let entry = cache::Entry::new(folder, train, &gcn, &zca);
        let damage = match entry.read(train.image_len()) {
            Kept::Good(zca) => {
                let transform = Transform::GcnZca { gcn, zca };
                let seconds = start.elapsed().as_secs_f64();
                return Ok(Fitted::new(train, transform, seconds, CacheUse::Read));
            }
            Kept::Nothing => None,
            Kept::Damaged(reason) => Some(reason),
        };
        let mut fitted = self.fit(train)?;
        if let Transform::GcnZca { zca, .. } = &fitted.transform {
            fitted.cache = match (entry.write(zca), damage) {
                (Ok(()), None) => CacheUse::Written,
                (Ok(()), Some(reason)) => CacheUse::Replaced(reason),
                (Err(error), _) => CacheUse::Failed(error.to_string()),
            };
        }
        Ok(fitted)
    }
}
