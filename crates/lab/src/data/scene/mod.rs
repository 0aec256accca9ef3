//! Scenes: images that are made from the images of a set, anew for every epoch or once.
//!
//! [`Distort`] turns, bends or hides digits, [`DigitSum`] puts two side by side in channels, [`NumberRow`] writes numbers with them, [`Extrude`] makes volumes of them,
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
mod number_row;
mod projective;
mod similarity;
mod solve;
mod warp;

pub use common_object::{CommonObject, common_object};
pub use digit_sum::DigitSum;
pub use distort::{Distort, Distortion};
pub use extrude::Extrude;
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

/// Refuses sets that no scene can be made of.
fn check_gray(op: &'static str, set: &FloatSet) -> Result<(), DataError> {
    let wrong = |argument, found: String, expected: &str| DataError::Argument {
        op,
        argument,
        found,
        expected: expected.to_owned(),
    };
    if set.is_empty() || set.image_len() == 0 {
        return Err(wrong("set", "empty".to_owned(), "at least one image"));
    }
    if set.channels != 1 || set.pending.is_some() || set.composed.is_some() {
        let found = format!("{} channels, pending or composed", set.channels);
        return Err(wrong(
            "set",
            found,
            "stored gray images with black as 0 and white as 1, from Preprocess::UnitRange",
        ));
    }
    Ok(())
}
