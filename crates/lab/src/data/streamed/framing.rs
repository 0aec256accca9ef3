//! Which part of a picture becomes an image.

use serde::{Deserialize, Serialize};
use striate::rng::{Stream, stream};

use crate::data::DataError;

/// The least part of a picture's area that a crop of random size shows, as Szegedy et al. (2014) have it (from memory).
const LEAST_AREA: f64 = 0.08;
/// Width over height of a crop of random size lies between this and its inverse (the same source, from memory).
const LEAST_RATIO: f64 = 0.75;
/// Sizes that are tried before the middle is taken.
const TRIES: usize = 10;

/// How pictures of any size become square images.
///
/// What is cut out of a picture is stretched to `side` pixels (triangle filter).
/// Evaluations and fits of preprocessing see the middle of a picture; training sees what `train` says,
/// drawn anew for every picture in every epoch, a pure function of (seed, epoch, index of the image).
///
/// ```
/// use lab::data::{Crop, Framing};
/// // 224 of 256 pixels, anywhere in training and in the middle else.
/// let framing = Framing { shorter: 256, train: Crop::RandomPlace, ..Framing::of_side(224) };
/// assert_eq!((framing.side, framing.fitted_on), (224, 4_096));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Framing {
    /// Rows and columns of an image.
    pub side: usize,
    /// The side that the shorter side of a picture would get, in pixels: `side` or more.
    /// The larger it is, the smaller a part of the picture is seen.
    pub shorter: usize,
    /// What training sees of a picture.
    pub train: Crop,
    /// Preprocessing is fitted on at most this many training pictures, evenly spaced over the set.
    pub fitted_on: usize,
}

/// The part of a picture that training sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Crop {
    /// The square in the middle.
    Middle,
    /// A square of the same size anywhere.
    RandomPlace,
    /// Of 8 to 100 % of the area and of a ratio of sides from 3/4 to 4/3, anywhere.
    RandomSize,
}

/// The picture and the epoch that a crop is drawn for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draw {
    pub(crate) seed: u64,
    pub(crate) epoch: u64,
    pub(crate) index: u32,
}

impl Framing {
    /// Images of this side that show the largest square in the middle of a picture.
    pub const fn of_side(side: usize) -> Self {
        Self {
            side,
            shorter: side,
            train: Crop::Middle,
            fitted_on: 4_096,
        }
    }

    /// # Errors
    /// A side of 0 or above 16,384, a shorter side below it or above a thousand of it, or no picture to fit on.
    pub(crate) fn check(&self) -> Result<(), DataError> {
        let refused = |argument, found: usize, expected: String| {
            Err(DataError::Argument {
                op: "Framing",
                argument,
                found: found.to_string(),
                expected,
            })
        };
        let Self {
            side,
            shorter,
            fitted_on,
            ..
        } = *self;
        if !(1..=16_384).contains(&side) {
            return refused("side", side, "from 1 to 16384".to_owned());
        }
        if shorter < side || shorter > 1_000 * side {
            return refused(
                "shorter",
                shorter,
                format!("from {side} to {}", 1_000 * side),
            );
        }
        match fitted_on {
            0 => refused("fitted_on", 0, "at least 1".to_owned()),
            _ => Ok(()),
        }
    }

    /// What is cut out of a picture of (height, width): left, top, width and height in whole pixels; the middle without a draw.
    pub(crate) fn frame(&self, size: (u32, u32), draw: Option<Draw>) -> [u32; 4] {
        let square = self.square(size);
        let draws = |draw: Draw| {
            let step = (draw.epoch << 32) | u64::from(draw.index);
            stream(draw.seed, "crop", step)
        };
        match (self.train, draw) {
            (Crop::Middle, _) | (_, None) => middle(size, (square, square)),
            (Crop::RandomPlace, Some(draw)) => anywhere(size, (square, square), &mut draws(draw)),
            (Crop::RandomSize, Some(draw)) => {
                let mut draws = draws(draw);
                match random_size(size, &mut draws) {
                    Some(part) => anywhere(size, part, &mut draws),
                    None => middle(size, (square, square)),
                }
            }
        }
    }

    /// Side of the square in a picture that becomes `side` pixels where the shorter side becomes `shorter`.
    fn square(&self, (height, width): (u32, u32)) -> u32 {
        let (shortest, shorter) = (u64::from(height.min(width)), self.shorter as u64);
        let scaled = (2 * shortest * self.side as u64 + shorter) / (2 * shorter);
        // At most the shortest side, since `side` is at most `shorter`.
        scaled.clamp(1, shortest.max(1)) as u32
    }
}

/// A part of this (height, width) in the middle.
fn middle((height, width): (u32, u32), part: (u32, u32)) -> [u32; 4] {
    let (top, left) = ((height - part.0) / 2, (width - part.1) / 2);
    [left, top, part.1, part.0]
}

/// A part of this (height, width) at a place that is drawn.
fn anywhere((height, width): (u32, u32), part: (u32, u32), draws: &mut Stream) -> [u32; 4] {
    let mut below = |room: u32| draws.below(u64::from(room) + 1) as u32;
    let (top, left) = (below(height - part.0), below(width - part.1));
    [left, top, part.1, part.0]
}

/// Height and width of a part of a picture; `None` where no try fits into it.
fn random_size((height, width): (u32, u32), draws: &mut Stream) -> Option<(u32, u32)> {
    let area = f64::from(height) * f64::from(width);
    (0..TRIES).find_map(|_| {
        let part = area * (LEAST_AREA + (1.0 - LEAST_AREA) * draws.uniform_f64());
        let ratio = (LEAST_RATIO.ln() * (1.0 - 2.0 * draws.uniform_f64())).exp();
        let (high, wide) = ((part / ratio).sqrt().round(), (part * ratio).sqrt().round());
        let fits = high >= 1.0 && wide >= 1.0 && high <= height.into() && wide <= width.into();
        fits.then_some((high as u32, wide as u32))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(index: u32) -> Option<Draw> {
        Some(Draw {
            seed: 3,
            epoch: 1,
            index,
        })
    }

    fn framing(train: Crop) -> Framing {
        Framing {
            shorter: 256,
            train,
            ..Framing::of_side(224)
        }
    }

    #[test]
    fn the_middle_is_seen_unless_training_draws() {
        let whole = Framing::of_side(224);
        assert_eq!(whole.frame((100, 300), draw(0)), [100, 0, 100, 100]);
        assert_eq!(whole.frame((3, 1), None), [0, 1, 1, 1]);
        // 224 of 256 pixels are 438 of 500.
        let part = framing(Crop::RandomPlace);
        assert_eq!(part.frame((500, 600), None), [81, 31, 438, 438]);
        assert_eq!(framing(Crop::RandomSize).frame((1, 9), None), [4, 0, 1, 1]);
    }

    #[test]
    fn crops_are_anywhere_inside() {
        let part = framing(Crop::RandomPlace);
        let frames: Vec<[u32; 4]> = (0..400).map(|i| part.frame((500, 600), draw(i))).collect();
        assert!(frames.iter().all(|f| f[2..] == [438, 438]));
        let (left, top) = (frames.iter().map(|f| f[0]), frames.iter().map(|f| f[1]));
        let ends = (left.clone().min(), left.max(), top.clone().min(), top.max());
        let (Some(l0), Some(l1), Some(t0), Some(t1)) = ends else {
            panic!("no frames")
        };
        assert!(
            l0 < 5 && l1 > 157 && l1 <= 162 && t0 < 3 && t1 > 58 && t1 <= 62,
            "{ends:?}"
        );
        let again = part.frame((500, 600), draw(7));
        assert_eq!(again, frames[7]);
        assert_ne!(
            part.frame(
                (500, 600),
                Some(Draw {
                    seed: 4,
                    epoch: 1,
                    index: 7
                })
            ),
            again
        );
    }

    #[test]
    fn random_sizes_have_the_stated_areas_and_ratios() {
        let part = framing(Crop::RandomSize);
        let (mut least, mut most) = (1f64, 0f64);
        for index in 0..2_000 {
            let [left, top, width, height] = part.frame((300, 400), draw(index));
            assert!(left + width <= 400 && top + height <= 300);
            let area = f64::from(width * height) / 120_000.0;
            let ratio = f64::from(width) / f64::from(height);
            assert!((0.74..1.36).contains(&ratio), "{ratio}");
            (least, most) = (least.min(area), most.max(area));
        }
        assert!(
            (0.078..0.1).contains(&least) && most > 0.9,
            "{least} to {most}"
        );
        // Nothing of such a ratio fits into a line.
        assert_eq!(part.frame((1, 2_000), draw(0)), [999, 0, 1, 1]);
    }

    #[test]
    fn errors() {
        let text = |framing: Framing| framing.check().expect_err("accepted").to_string();
        assert_eq!(
            text(Framing::of_side(0)),
            "Framing: side is 0, expected from 1 to 16384"
        );
        let small = Framing {
            shorter: 223,
            ..framing(Crop::Middle)
        };
        assert_eq!(
            text(small),
            "Framing: shorter is 223, expected from 224 to 224000"
        );
        let none = Framing {
            fitted_on: 0,
            ..framing(Crop::Middle)
        };
        assert!(text(none).contains("fitted_on is 0"));
        assert!(framing(Crop::Middle).check().is_ok());
    }
}
