//! Scenes: images that are made from the images of a set, anew for every epoch or once.
//!
//! [`Distort`] turns, bends or hides digits, [`DigitSum`] puts two side by side in channels, [`NumberRow`] writes numbers with them, [`Extrude`] makes volumes of them, [`HeavyAugment`] changes images of any kind,
//! [`common_object`] hides one digit in many pictures. All but the last are a [`Scene`]:
//! [`FloatSet::composed`] makes a set of scenes, whose images [`Batches`](super::Batches) draws while the model works.
//!
//! Source: Jaderberg et al., "Spatial Transformer Networks", 2015, section 4.1 and appendix A.1 to A.4.

mod clutter;
mod common_object;
mod composed;
mod digit_sum;
mod distort;
mod elastic;
mod extrude;
mod heavy_augment;
mod number_row;
mod projective;
mod similarity;
mod solve;
mod warp;

pub use common_object::{CommonObject, common_object};
pub use digit_sum::DigitSum;
pub use distort::{Distort, Distortion};
pub use extrude::Extrude;
pub(super) use heavy_augment::Heavy;
pub use heavy_augment::HeavyAugment;
pub use number_row::NumberRow;

use super::{DataError, FloatSet, Scene};
use warp::Plane;

/// The first channel of an image of a set; nothing for an image that is not there.
fn plane(set: &FloatSet, index: usize) -> Plane<'_> {
    let size = (set.height, set.width);
    Plane {
        values: set
            .image(index)
            .map_or(&[][..], |image| &image[..size.0 * size.1]),
        size,
    }
}

/// Refuses sets that no scene of gray images can be made of.
fn check_gray(op: &'static str, set: &FloatSet) -> Result<(), DataError> {
    check_stored(op, set)?;
    match set.channels {
        1 => Ok(()),
        channels => Err(DataError::Argument {
            op,
            argument: "set",
            found: format!("{channels} channels"),
            expected: "gray images with black as 0 and white as 1, from Preprocess::UnitRange"
                .to_owned(),
        }),
    }
}

/// Refuses sets that no scene can be made of.
fn check_stored(op: &'static str, set: &FloatSet) -> Result<(), DataError> {
    let wrong = |found: &str, expected: &str| DataError::Argument {
        op,
        argument: "set",
        found: found.to_owned(),
        expected: expected.to_owned(),
    };
    if set.is_empty() || set.image_len() == 0 {
        return Err(wrong("empty", "at least one image"));
    }
    if set.pending.is_some() || set.composed.is_some() {
        return Err(wrong(
            "images that are made when they are wanted",
            "stored images",
        ));
    }
    if set.file.is_some() {
        return Err(wrong("images on disk", "images in memory"));
    }
    Ok(())
}
