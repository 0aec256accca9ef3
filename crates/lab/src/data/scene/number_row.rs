//! Numbers written with the digits of a set, somewhere on a square canvas.

use striate::rng::Stream;

use super::distort::same_size;
use super::similarity::between;
use super::{Scene, check_gray, plane};
use crate::data::number::{NUMBER_CLASSES, NUMBER_DIGITS, number_label};
use crate::data::{DataError, FloatSet};

/// From the middle of a digit to that of the next, as a share of a digit's image: MNIST's ink takes 20 of 28 pixels.
const PITCH: f64 = 0.75;
/// A digit stands this much higher, lower, left or right, as a share of its image.
const JITTER: f64 = 0.08;
/// The largest angle by which a row is turned, in degrees, either way.
const TILT: f64 = 15.0;

/// Up to five digits in a row, in three equal channels; the label is that of the number ([`number_label`]).
///
/// The number of digits is uniform. The image stands at a random place among digits of random other images.
/// All digits of a number have one size, uniform between two limits but no larger than the canvas is wide;
/// the row is turned by up to 15 degrees and put anywhere where it fits unturned.
///
/// This is a stand-in of this project for SVHN's house numbers, which need a download; it is not in the paper.
///
/// ```
/// use lab::data::{NUMBER_CLASSES, NumberRow, Preprocess, Scene, Source, load};
/// let data = load("mnist", &Source::Embedded)?.first(20, 10);
/// let digits = Preprocess::UnitRange.fit(&data.train)?.apply(&data.train)?;
/// let scene = NumberRow::new(64, 5, (16.0, 28.0), &digits)?;
/// assert_eq!((scene.size(), scene.classes(10)), ((3, 64, 64), NUMBER_CLASSES));
/// # Ok::<(), lab::data::DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct NumberRow {
    canvas: usize,
    /// Digits of the longest number.
    longest: usize,
    /// Least and largest side of a digit's image on the canvas, pixels.
    digit: (f64, f64),
    image: (usize, usize),
}

impl NumberRow {
    /// Numbers of 1 to `longest` digits on canvases of `canvas` x `canvas` pixels,
    /// with digits of `digit` pixels, from the least to the largest.
    ///
    /// # Errors
    /// A set of other than stored gray images or of more than ten classes, numbers longer than five digits,
    /// limits that are no sizes or larger than the canvas.
    pub fn new(
        canvas: usize,
        longest: usize,
        digit: (f64, f64),
        set: &FloatSet,
    ) -> Result<Self, DataError> {
        if !(1..=NUMBER_DIGITS).contains(&longest) {
            return Err(DataError::Argument {
                op: "NumberRow",
                argument: "longest",
                found: longest.to_string(),
                expected: format!("1 to {NUMBER_DIGITS} digits"),
            });
        }
        let (least, most) = digit;
        if !(least >= 1.0 && most >= least && most <= canvas as f64) {
            return Err(DataError::Argument {
                op: "NumberRow",
                argument: "digit",
                found: format!("{least} to {most} pixels"),
                expected: format!("sizes from 1 to the canvas of {canvas}, the smaller first"),
            });
        }
        let scene = Self {
            canvas,
            longest,
            digit,
            image: (set.height, set.width),
        };
        scene.check(set)?;
        Ok(scene)
    }
}

impl Scene for NumberRow {
    fn size(&self) -> (usize, usize, usize) {
        (3, self.canvas, self.canvas)
    }

    fn classes(&self, _: usize) -> usize {
        NUMBER_CLASSES
    }

    fn check(&self, set: &FloatSet) -> Result<(), DataError> {
        check_gray("NumberRow", set)?;
        same_size("NumberRow", self.image, set)?;
        match set.labels.iter().position(|&label| label > 9) {
            None => Ok(()),
            Some(row) => Err(DataError::Argument {
                op: "NumberRow",
                argument: "set",
                found: format!("label {} in row {row}", set.labels[row]),
                expected: "digits from 0 to 9, all labelled".to_owned(),
            }),
        }
    }

    fn draw(&self, set: &FloatSet, index: usize, draws: &mut Stream, to: &mut [f32]) -> u32 {
        let count = 1 + draws.below(self.longest as u64) as usize;
        let own = draws.below(count as u64) as usize;
        let canvas = self.canvas as f64;
        // A row of `count` digits is this many digits wide.
        let width = 1.0 + PITCH * (count as f64 - 1.0);
        let digit = between(draws, self.digit.0, self.digit.1).min(canvas / width);
        let mut along = |length: f64| (canvas - length) / 2.0 * between(draws, -1.0, 1.0);
        let (right, down) = (along(width * digit), along(digit));
        let (sin, cos) = (TILT * between(draws, -1.0, 1.0)).to_radians().sin_cos();
        let scale = digit / set.height.max(set.width) as f64;

        let pixels = self.canvas * self.canvas;
        let (number, rest) = to.split_at_mut(pixels);
        number.fill(0.0);
        let mut one = vec![0.0; pixels];
        let mut digits = Vec::with_capacity(count);
        for place in 0..count {
            let image = match place == own {
                true => index,
                false => draws.below(set.len() as u64) as usize,
            };
            digits.push(set.labels.get(image).copied().unwrap_or_default());
            let mut shift = || JITTER * digit * between(draws, -1.0, 1.0);
            let from_middle = place as f64 - (count as f64 - 1.0) / 2.0;
            let (x_digit, y_digit) = (PITCH * digit * from_middle + shift(), shift());
            plane(set, image).warp(&mut one, (self.canvas, self.canvas), |(x, y)| {
                let (x, y) = (x - right, y - down);
                let (x, y) = (cos * x + sin * y, cos * y - sin * x);
                ((x - x_digit) / scale, (y - y_digit) / scale)
            });
            let add = |(to, value): (&mut f32, &f32)| *to = (*to + value).min(1.0);
            number.iter_mut().zip(&one).for_each(add);
        }
        for channel in rest.chunks_exact_mut(pixels) {
            channel.copy_from_slice(number);
        }
        number_label(&digits).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::number_digits;
    use striate::rng::stream;

    /// Ten squares, each as bright as its label says.
    fn set() -> FloatSet {
        let image = |label: u32| vec![(label + 1) as f32 / 10.0; 64];
        let images = (0..10).flat_map(image).collect();
        FloatSet::new((1, 8, 8), images, (0..10).collect(), 10).unwrap()
    }

    #[test]
    fn every_length_is_drawn_and_the_image_is_part_of_the_number() {
        let set = set();
        let scene = NumberRow::new(32, 5, (4.0, 8.0), &set).unwrap();
        let mut lengths = [0; 6];
        for step in 0..500 {
            let mut draws = stream(1, "test", step);
            let mut to = vec![9.0; 3 * 32 * 32];
            let label = scene.draw(&set, 7, &mut draws, &mut to);
            let digits = number_digits(label).unwrap();
            assert!(digits.contains(&7), "{digits:?}");
            lengths[digits.iter().filter(|&&digit| digit < 10).count()] += 1;
            let (first, rest) = to.split_at(32 * 32);
            assert!(rest.chunks(32 * 32).all(|channel| channel == first));
            assert!(first.iter().all(|value| (0.0..=1.0).contains(value)));
            let ink = first.iter().filter(|&&value| value > 0.0).count();
            assert!(ink > 9, "{ink} pixels of {digits:?}");
        }
        let even = lengths[1..].iter().all(|&count| (60..140).contains(&count));
        assert!(lengths[0] == 0 && even, "{lengths:?}");
    }

    #[test]
    fn digits_stand_in_reading_order() {
        let set = set();
        let scene = NumberRow::new(48, 5, (8.0, 8.0), &set).unwrap();
        for step in 0..200 {
            let mut to = vec![0.0; 3 * 48 * 48];
            let mut draws = stream(2, "test", step);
            let label = scene.draw(&set, 9, &mut draws, &mut to);
            let [first, second, third, ..] = number_digits(label).unwrap();
            if third != 10 || second == 10 || first == second {
                continue;
            }
            // The mean brightness of the ink left and right of its middle, pixels where digits meet not counted.
            let ink = |of: u32| {
                let value = (of + 1) as f32 / 10.0;
                let hit = |&(_, &v): &(usize, &f32)| (v - value).abs() < 1e-3;
                let columns = to[..48 * 48].iter().enumerate().filter(hit);
                let columns: Vec<f64> = columns.map(|(at, _)| (at % 48) as f64).collect();
                columns.iter().sum::<f64>() / columns.len() as f64
            };
            assert!(ink(first) < ink(second), "{first} {second}");
        }
    }

    #[test]
    fn errors() {
        let set = set();
        let text = |canvas, digit| {
            let scene = NumberRow::new(canvas, 5, digit, &set);
            scene.unwrap_err().to_string()
        };
        assert_eq!(
            text(32, (9.0, 8.0)),
            "NumberRow: digit is 9 to 8 pixels, expected sizes from 1 to the canvas of 32, the smaller first"
        );
        assert!(text(8, (8.0, 9.0)).contains("the canvas of 8"));
        assert!(text(8, (f64::NAN, 9.0)).contains("NumberRow: digit"));
        let long = NumberRow::new(32, 6, (8.0, 8.0), &set).unwrap_err();
        assert_eq!(
            long.to_string(),
            "NumberRow: longest is 6, expected 1 to 5 digits"
        );
        let letters = FloatSet::new((1, 1, 1), vec![0.0], vec![10], 11).unwrap();
        let text = NumberRow::new(32, 5, (8.0, 8.0), &letters)
            .unwrap_err()
            .to_string();
        assert!(text.contains("label 10 in row 0"), "{text}");
    }
}
