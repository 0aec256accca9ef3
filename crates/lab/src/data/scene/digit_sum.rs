//! MNIST addition: two digits in two channels, the label is their sum.

use striate::rng::Stream;

use super::distort::same_size;
use super::{Distort, Distortion, Scene, check_gray};
use crate::data::{DataError, FloatSet};

/// Two images in two channels, each with its own RTS distortion; the label is the sum of their labels.
///
/// The first channel shows the image of the set, the second one any image of the set.
/// Source: STN, appendix A.1.
///
/// ```
/// use lab::data::{DigitSum, Preprocess, Scene, Source, load};
/// let data = load("mnist", &Source::Embedded)?.first(20, 10);
/// let digits = Preprocess::UnitRange.fit(&data.train)?.apply(&data.train)?;
/// let scene = DigitSum::new(42, &digits)?;
/// assert_eq!((scene.size(), scene.classes(10)), ((2, 42, 42), 19));
/// # Ok::<(), lab::data::DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct DigitSum {
    distort: Distort,
    image: (usize, usize),
}

impl DigitSum {
    /// Pairs on canvases of `canvas` x `canvas` pixels: 42 in the paper.
    ///
    /// # Errors
    /// Those of [`Distort::new`].
    pub fn new(canvas: usize, set: &FloatSet) -> Result<Self, DataError> {
        Ok(Self {
            distort: Distort::new(Distortion::RotatedScaledPlaced, canvas, set)?,
            image: (set.height, set.width),
        })
    }
}

impl Scene for DigitSum {
    fn size(&self) -> (usize, usize, usize) {
        let (_, height, width) = self.distort.size();
        (2, height, width)
    }

    fn classes(&self, classes: usize) -> usize {
        (2 * classes).saturating_sub(1)
    }

    fn check(&self, set: &FloatSet) -> Result<(), DataError> {
        check_gray("DigitSum", set)?;
        same_size("DigitSum", self.image, set)
    }

    fn draw(&self, set: &FloatSet, index: usize, draws: &mut Stream, to: &mut [f32]) -> u32 {
        let second = draws.below(set.len() as u64) as usize;
        let (one, two) = to.split_at_mut(to.len() / 2);
        self.distort.draw(set, index, draws, one) + self.distort.draw(set, second, draws, two)
    }
}
