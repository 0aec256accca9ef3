//! Synthetic images: what is made of a data set's images before a network sees them.

use std::sync::Arc;

use serde::Serialize;

use super::scene::Heavy;
use super::{
    DataError, DigitSum, Distort, Distortion, Extrude, FloatSet, HeavyAugment, NumberRow, Redraw,
    Scene,
};

/// Test scenes are drawn once, the same for every network and every seed.
const TEST_SEED: u64 = 1_000_003;

/// Scenes in place of a data set's images; training scenes are drawn anew in every epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Synthetic {
    /// One distorted digit.
    Distorted {
        /// What is done to it.
        distortion: Distortion,
        /// Side of the picture.
        canvas: usize,
    },
    /// Two digits in two channels, both below `digits`.
    Sum {
        /// Side of the picture.
        canvas: usize,
        /// Digits that are used: all below this.
        digits: usize,
    },
    /// Numbers of several digits.
    Numbers {
        /// Side of the picture.
        canvas: usize,
        /// The most digits of a number.
        longest: usize,
        /// The least and the largest size of a digit.
        digit: (f64, f64),
    },
    /// The images of any set on a canvas, changed heavily for training and not at all for testing.
    Heavy(HeavyAugment),
    /// A digit's body in a volume.
    Volume {
        /// Side of the volume.
        side: usize,
    },
}

impl Synthetic {
    /// Scenes of both splits: training and test images.
    ///
    /// # Errors
    /// Images that are too large for the canvas, or that the scene cannot be made of.
    pub fn apply(
        self,
        (train, test): (FloatSet, FloatSet),
    ) -> Result<(FloatSet, FloatSet), DataError> {
        if let Self::Heavy(augment) = self {
            // Drawn when they are wanted: so many large images would fill the memory.
            return Ok((self.of(train)?, Self::Heavy(augment.unchanged()).of(test)?));
        }
        let test = self.of(test)?.rendered(TEST_SEED);
        Ok((self.of(train)?, test))
    }

    /// What the classes of the scenes are called, `names` being those of the images; none where a scene is several answers.
    ///
    /// ```
    /// use lab::data::Synthetic;
    /// let names: Vec<String> = (0..10).map(|digit| digit.to_string()).collect();
    /// let sum = Synthetic::Sum { canvas: 42, digits: 10 };
    /// assert_eq!(sum.class_names(&names).last().map(String::as_str), Some("18"));
    /// ```
    pub fn class_names(self, names: &[String]) -> Vec<String> {
        match self {
            Self::Distorted { .. } | Self::Volume { .. } | Self::Heavy(_) => names.to_vec(),
            Self::Sum { digits, .. } => {
                let sums = 2 * digits.min(names.len());
                (1..sums).map(|past| (past - 1).to_string()).collect()
            }
            Self::Numbers { .. } => Vec::new(),
        }
    }

    fn of(self, set: FloatSet) -> Result<FloatSet, DataError> {
        let set = match self {
            Self::Sum { digits, .. } if digits < set.classes => below(&set, digits)?,
            _ => set,
        };
        let scene: Arc<dyn Scene> = match self {
            Self::Distorted { distortion, canvas } => {
                Arc::new(Distort::new(distortion, canvas, &set)?)
            }
            Self::Sum { canvas, .. } => Arc::new(DigitSum::new(canvas, &set)?),
            Self::Numbers {
                canvas,
                longest,
                digit,
            } => Arc::new(NumberRow::new(canvas, longest, digit, &set)?),
            Self::Volume { side } => Arc::new(Extrude::new(side, &set)?),
            Self::Heavy(augment) => Arc::new(Heavy::new(augment, &set)?),
        };
        FloatSet::composed(set, scene, Redraw::EveryEpoch)
    }
}

/// The images whose class is below `classes`.
fn below(set: &FloatSet, classes: usize) -> Result<FloatSet, DataError> {
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for (index, &label) in set.labels.iter().enumerate() {
        if (label as usize) < classes
            && let Some(image) = set.image(index)
        {
            images.extend_from_slice(image);
            labels.push(label);
        }
    }
    let size = (set.channels, set.height, set.width);
    FloatSet::new(size, images, labels, classes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_small_digits() -> Result<(), DataError> {
        let set = FloatSet::new(
            (1, 1, 2),
            vec![0.0, 0.1, 0.2, 0.3, 0.4, 0.5],
            vec![1, 3, 0],
            4,
        )?;
        let small = below(&set, 2)?;
        assert_eq!(small.labels.to_vec(), [1, 0]);
        assert_eq!(small.images.to_vec(), [0.0, 0.1, 0.4, 0.5]);
        let sum = Synthetic::Sum {
            canvas: 4,
            digits: 2,
        };
        assert_eq!(sum.of(set)?.classes, 3);
        Ok(())
    }
}
