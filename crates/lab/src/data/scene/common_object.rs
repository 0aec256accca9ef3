//! Co-localisation: pictures that have one digit in common, somewhere.

use striate::rng::stream;

use super::{check_gray, clutter, plane};
use crate::data::{DataError, FloatSet};

/// Pictures with one digit of the same class, and where it is.
#[derive(Clone, Debug)]
pub struct CommonObject {
    /// the pictures, without labels: all are 0.
    pub pictures: FloatSet,
    /// The frame of the digit's image in each picture: (left, top, right, bottom), edges in pixels.
    pub boxes: Vec<[f64; 4]>,
}

/// `count` black pictures of `side` x `side`, each with a digit of `class` from `set` at a random place and `pieces` of clutter.
///
/// Digits are taken from the set in turn, from the beginning again if there are too few.
/// The paper has 84 x 84 pictures, 100 a class, with no clutter or 16 pieces of 6 x 6 pixels of other digits.
/// Source: STN, appendix A.2.
///
/// # Errors
/// A set that is empty, not gray or not plain, or has no digit of this class; pictures smaller than an image.
///
/// ```
/// use lab::data::{Preprocess, Source, common_object, load};
/// let data = load("mnist", &Source::Embedded)?.first(200, 10);
/// let digits = Preprocess::UnitRange.fit(&data.train)?.apply(&data.train)?;
/// let common = common_object(&digits, 8, 50, 84, 16, 1)?;
/// assert_eq!((common.pictures.len(), common.pictures.width), (50, 84));
/// let [left, _, right, _] = common.boxes[0];
/// assert_eq!(right - left, 28.0);
/// # Ok::<(), lab::data::DataError>(())
/// ```
pub fn common_object(
    set: &FloatSet,
    class: u32,
    count: usize,
    side: usize,
    pieces: usize,
    seed: u64,
) -> Result<CommonObject, DataError> {
    check_gray("common_object", set)?;
    let wrong = |argument, found: String, expected: String| DataError::Argument {
        op: "common_object",
        argument,
        found,
        expected,
    };
    let (height, width) = (set.height, set.width);
    if side < height.max(width) {
        let expected = format!("at least the {height}x{width} pixels of an image");
        return Err(wrong("side", side.to_string(), expected));
    }
    let of_class: Vec<usize> = (0..set.len())
        .filter(|&index| set.labels.get(index) == Some(&class))
        .collect();
    if of_class.is_empty() {
        let expected = "a class with images in the set".to_owned();
        return Err(wrong("class", class.to_string(), expected));
    }
    let mut images = vec![0.0; count * side * side];
    let mut boxes = Vec::with_capacity(count);
    for (at, (picture, &index)) in images
        .chunks_exact_mut(side * side)
        .zip(of_class.iter().cycle())
        .enumerate()
    {
        let mut draws = stream(seed, &format!("common-object/{class}"), at as u64);
        let (top, left) = clutter::place((height, width), side, &mut draws);
        let digit = plane(set, index);
        clutter::add(digit, (0, 0), (height, width), picture, side, (top, left));
        clutter::pieces(picture, side, pieces, &mut draws, |draws| {
            plane(set, draws.below(set.len() as u64) as usize)
        });
        let (top, left) = (top as f64, left as f64);
        boxes.push([left, top, left + width as f64, top + height as f64]);
    }
    let pictures = FloatSet::new((1, side, side), images, vec![0; count], 1)?;
    Ok(CommonObject { pictures, boxes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_in_their_boxes() {
        let images = [vec![0.5; 16], vec![1.0; 16]].concat();
        let set = FloatSet::new((1, 4, 4), images, vec![0, 1], 2).expect("a set");
        let common = common_object(&set, 1, 30, 12, 0, 3).expect("pictures");
        for (index, &[left, top, right, bottom]) in common.boxes.iter().enumerate() {
            let picture = common.pictures.image(index).expect("a picture");
            assert_eq!(picture.iter().sum::<f32>(), 16.0);
            for (at, &value) in picture.iter().enumerate() {
                let (x, y) = ((at % 12) as f64 + 0.5, (at / 12) as f64 + 0.5);
                let inside = left < x && x < right && top < y && y < bottom;
                assert_eq!(value == 1.0, inside);
            }
        }
        let cluttered = common_object(&set, 1, 30, 12, 3, 3).expect("pictures");
        assert!(cluttered.pictures.images.iter().sum::<f32>() > 30.0 * 16.0);
    }

    #[test]
    fn errors() {
        let set = FloatSet::new((1, 4, 4), vec![0.5; 16], vec![0], 2).expect("a set");
        let text = |class, side| match common_object(&set, class, 1, side, 0, 0) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        };
        assert_eq!(
            text(1, 8),
            "common_object: class is 1, expected a class with images in the set"
        );
        assert_eq!(
            text(0, 3),
            "common_object: side is 3, expected at least the 4x4 pixels of an image"
        );
    }
}
